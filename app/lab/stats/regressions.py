"""Each configuration's figures from run to run, and the regressions: figures that became significantly worse."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from statistics import fmean, median
from typing import Any

from app.lab.stats.aggregate import Configuration, Sample, gather_configurations, run_order, values
from app.lab.stats.intervals import Figure, ScoreShare, compare, compare_shares, compare_tasks, figure, share, typical
from app.lab.stats.thresholds import WORSE_PART
from app.models.lab import LabRun, SampleKind

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

    key: str
    machine_id: int
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
        point for cell in gather_configurations(machine_id) for one in cell.by_run()[::-1] for point in _points(one)
    ]


def regressions(machine_id: int | None = None) -> list[FigureChange]:
    """The figures that are worse in a configuration's last run than in the one before."""
    return [change for cell in gather_configurations(machine_id) for change in _last(cell) if change.verdict == "worse"]


def between(before_id: int, after_id: int) -> list[FigureChange]:
    """All figures that two runs have in common, better, worse or unchanged."""
    found: list[FigureChange] = []
    for cell in gather_configurations(run_ids=(before_id, after_id)):
        runs = {run.id: run for run in cell.runs}
        if len(runs) == 2:
            found += compared(cell.of([runs[before_id]]), cell.of([runs[after_id]]))
    return found


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


def _last(cell: Configuration) -> Iterator[FigureChange]:
    """Compare each figure's last two runs; they differ by figure, since a run need not measure everything."""
    seen: set[tuple[str, str]] = set()
    for after, before in combinations(cell.by_run(RECENT), 2):
        changes = compared(before, after, seen)
        seen |= {(change.after.figure, change.after.prompt) for change in changes}
        yield from changes


def _change(measure: Measure, prompt: str, before: Configuration, after: Configuration) -> FigureChange | None:
    old, new = _by_prompt(before, measure, prompt), _by_prompt(after, measure, prompt)
    if measure.paired:
        common = sorted(set(old) & set(new))
        found = compare_tasks(old, new, lower_is_better=measure.lower_is_better, least=WORSE_PART)
        shown = figure([median(old[task]) for task in common]), figure([median(new[task]) for task in common])
    else:
        first, second = old.get(prompt, []), new.get(prompt, [])
        found = compare(first, second, lower_is_better=measure.lower_is_better, least=WORSE_PART)
        shown = figure(first), figure(second)
    if found is None or shown[0] is None or shown[1] is None:
        return None
    points = [
        _point(cell, cell.runs[0], measure.name, prompt, value)
        for cell, value in zip((before, after), shown, strict=True)
        if value
    ]
    return FigureChange(found.verdict, points[0], points[1], found.ratio)


def _quality(before: Configuration, after: Configuration) -> FigureChange | None:
    """Compare the quality over the tasks that both asked."""
    old, new = _scores(before.done(SampleKind.TASK)), _scores(after.done(SampleKind.TASK))
    common = sorted(set(old) & set(new))
    first, second = share([old[task] for task in common]), share([new[task] for task in common])
    if first is None or second is None:
        return None
    points = [_point(cell, cell.runs[0], QUALITY, "", value) for cell, value in ((before, first), (after, second))]
    return FigureChange(
        compare_shares(first, second), points[0], points[1], second.mean / first.mean if first.mean else None
    )


def _points(one: Configuration) -> Iterator[Point]:
    (run,) = one.runs
    for measure in MEASURES:
        for prompt in _prompts(one, measure):
            found = _by_prompt(one, measure, prompt)
            if value := typical(found.values()):
                yield _point(one, run, measure.name, prompt, value)
    if quality := share(list(_scores(one.done(SampleKind.TASK)).values())):
        yield _point(one, run, QUALITY, "", quality)


def _prompts(cell: Configuration, measure: Measure) -> list[str]:
    return [""] if measure.paired else cell.prompts(measure.kind)


def _by_prompt(cell: Configuration, measure: Measure, prompt: str) -> dict[str, list[float]]:
    """The measure's values by prompt: of all tasks when it is paired, else of this prompt."""
    asked = cell.prompts(measure.kind) if measure.paired else [prompt]
    found = {one: values(cell.done(measure.kind, one), measure.metric) for one in asked}
    return {one: known for one, known in found.items() if known}


def _scores(samples: Sequence[Sample]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for sample in samples:
        if sample.worth is not None:
            found.setdefault(sample.prompt, []).append(sample.worth)
    return {task: fmean(scores) for task, scores in found.items()}


def _point(cell: Configuration, run: LabRun, name: str, prompt: str, value: Figure | ScoreShare) -> Point:
    version = str(run.engine.get("version") or "")
    return Point(
        cell.key, cell.machine.id, cell.model, cell.setting, name, prompt, run.id, version, run_order(run)[0], value
    )
