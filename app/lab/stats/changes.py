"""How figures change: from run to run, with the regressions among the changes, and between two runs or models."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from statistics import median
from typing import Any

from app.errors import AppError
from app.lab.runs import queries
from app.lab.stats.configurations import Configuration, gather_configurations, run_order, task_scores, values
from app.lab.stats.intervals import Figure, ScoreShare, compare, compare_shares, compare_tasks, figure, share, typical
from app.models.lab import SampleKind

QUALITY = "quality"
# A figure's previous run is looked for among so many of the newest runs.
RECENT = 6


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that is followed: a metric of one kind of sample. `paired`: compared task by task."""

    name: str
    kind: SampleKind
    metric: str
    lower_is_better: bool = True
    paired: bool = False


MEASURES = (
    Measure("load", SampleKind.LOAD, "load_ms"),
    Measure("prefill_tps", SampleKind.READING, "prefill_tps", lower_is_better=False),
    Measure("pace_after", SampleKind.READING, "decode_tps", lower_is_better=False),
    Measure("total_tps", SampleKind.CROWD, "total_tps", lower_is_better=False),
    Measure("decode_tps", SampleKind.TASK, "decode_tps", lower_is_better=False, paired=True),
    Measure("first_token", SampleKind.TASK, "first_token_ms", paired=True),
    Measure("total", SampleKind.TASK, "total_ms", paired=True),
    Measure("energy", SampleKind.TASK, "energy_j", paired=True),
    Measure("ram", SampleKind.TASK, "ram_engine_peak", paired=True),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of one configuration in one run; `prompt` is empty when it covers all tasks."""

    model: str
    setting: dict[str, Any]
    figure: str
    prompt: str
    run_id: int
    version: str
    at: datetime
    value: Figure | ScoreShare


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure in two runs; `verdict` as in `intervals.Difference`; `ratio`: the later value divided by the earlier."""

    verdict: str
    before: Point
    after: Point
    ratio: float | None


def history(machine_id: int | None = None) -> list[Point]:
    """All figures of all runs (of one machine, if given), by configuration, the oldest run first."""
    return [
        point
        for configuration in gather_configurations(machine_id)
        for one in configuration.by_run()[::-1]
        for point in _points(one)
    ]


def regressions(machine_id: int | None = None) -> list[FigureChange]:
    """The figures that are worse in a configuration's last run than in the one before."""
    return [
        change
        for configuration in gather_configurations(machine_id)
        for change in _latest_changes(configuration)
        if change.verdict == "worse"
    ]


def compared(
    earlier: Configuration, later: Configuration, known: Collection[tuple[str, str]] = ()
) -> list[FigureChange]:
    """All figures that two configurations have in common: one model in two runs, or two models.

    `known`: pairs of figure and prompt to leave out.
    """
    changes = [
        _change(measure, prompt, earlier, later)
        for measure in MEASURES
        for prompt in _prompts(earlier, measure)
        if (measure.name, prompt) not in known
    ]
    changes += [] if (QUALITY, "") in known else [_quality(earlier, later)]
    return [change for change in changes if change]


def _latest_changes(configuration: Configuration) -> Iterator[FigureChange]:
    """Compare each figure's last two runs; they differ by figure, since a run need not measure everything."""
    seen: set[tuple[str, str]] = set()
    for after, before in combinations(configuration.by_run(RECENT), 2):
        changes = compared(before, after, seen)
        seen |= {(change.after.figure, change.after.prompt) for change in changes}
        yield from changes


def _change(measure: Measure, prompt: str, before: Configuration, after: Configuration) -> FigureChange | None:
    old, new = _by_prompt(before, measure, prompt), _by_prompt(after, measure, prompt)
    if measure.paired:
        found = compare_tasks(old, new, lower_is_better=measure.lower_is_better)
        common = sorted(old.keys() & new.keys())
        shown = [figure([median(side[task]) for task in common]) for side in (old, new)]
    else:
        first, second = old.get(prompt, []), new.get(prompt, [])
        found = compare(first, second, lower_is_better=measure.lower_is_better)
        shown = [figure(first), figure(second)]
    if found is None or shown[0] is None or shown[1] is None:
        return None
    earlier, later = _point(before, measure.name, prompt, shown[0]), _point(after, measure.name, prompt, shown[1])
    return FigureChange(found.verdict, earlier, later, found.ratio)


def _quality(before: Configuration, after: Configuration) -> FigureChange | None:
    """Compare the quality over the tasks that both asked."""
    old, new = task_scores(before.done(SampleKind.TASK)), task_scores(after.done(SampleKind.TASK))
    common = sorted(old.keys() & new.keys())
    first, second = share([old[task] for task in common]), share([new[task] for task in common])
    if first is None or second is None:
        return None
    earlier, later = _point(before, QUALITY, "", first), _point(after, QUALITY, "", second)
    return FigureChange(compare_shares(first, second), earlier, later, second.mean / first.mean if first.mean else None)


def _points(one: Configuration) -> Iterator[Point]:
    """All figures of a configuration of a single run."""
    for measure in MEASURES:
        for prompt in _prompts(one, measure):
            if value := typical(_by_prompt(one, measure, prompt).values()):
                yield _point(one, measure.name, prompt, value)
    if quality := share(list(task_scores(one.done(SampleKind.TASK)).values())):
        yield _point(one, QUALITY, "", quality)


def _prompts(configuration: Configuration, measure: Measure) -> list[str]:
    return [""] if measure.paired else configuration.prompts(measure.kind)


def _by_prompt(configuration: Configuration, measure: Measure, prompt: str) -> dict[str, list[float]]:
    """The measure's values by prompt: of all tasks when it is paired, else of this prompt."""
    asked = configuration.prompts(measure.kind) if measure.paired else [prompt]
    found = {one: values(configuration.done(measure.kind, one), measure.metric) for one in asked}
    return {one: known for one, known in found.items() if known}


def _point(configuration: Configuration, name: str, prompt: str, value: Figure | ScoreShare) -> Point:
    newest = configuration.runs[0]
    version = str(newest.engine.get("version") or "")
    return Point(
        configuration.model, configuration.setting, name, prompt, newest.id, version, run_order(newest)[0], value
    )


# Two runs or two models side by side


def side_by_side(first: str, second: str) -> list[tuple[Configuration, Configuration, list[FigureChange]]]:
    """Pairs of comparable configurations of two runs or two models, with the changes from `first` to `second`.

    Two numbers are run ids: configurations with the same model and setting are paired, or the only one of each run.
    Anything else names models, paired by setting and machine in their newest version. Raises not_found for a run,
    unknown_model for a model, nothing_to_compare when no pair has a figure in common.
    """
    pairs = _run_pairs(int(first), int(second)) if first.isdigit() and second.isdigit() else _model_pairs(first, second)
    found = [(one, other, compared(one, other)) for one, other in pairs]
    if not any(changes for _one, _other, changes in found):
        raise AppError("nothing_to_compare")
    return [triple for triple in found if triple[2]]


def energy_is_estimated(*configurations: Configuration) -> bool:
    """Whether any energy figure of these configurations is estimated rather than measured."""
    return any(
        sample.metrics.get("energy_method") == "estimated"
        for configuration in configurations
        for sample in configuration.samples
    )


def _run_pairs(first: int, second: int) -> list[tuple[Configuration, Configuration]]:
    sides = [gather_configurations(run_ids=[queries.get_run(number).id]) for number in (first, second)]
    if not all(sides):
        raise AppError("not_found")
    earlier, later = sides
    if len(earlier) == len(later) == 1:
        return [(earlier[0], later[0])]
    return [
        (one, other) for one in earlier for other in later if (one.model, one.setting) == (other.model, other.setting)
    ]


def _model_pairs(first: str, second: str) -> list[tuple[Configuration, Configuration]]:
    configurations = [configuration.newest for configuration in gather_configurations()]
    earlier, later = (_of_model(configurations, name) for name in (first, second))
    return [
        (one, other)
        for one in earlier
        for other in later
        if one.machine.id == other.machine.id and one.setting == other.setting
    ]


def _of_model(configurations: Sequence[Configuration], model: str) -> list[Configuration]:
    found = [configuration for configuration in configurations if configuration.model == model]
    if not found:
        raise AppError("unknown_model", model=model)
    return found
