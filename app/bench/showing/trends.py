"""The course of a figure from run to run as a chart, and what became worse in words."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.bench import names
from app.bench.figures.regressions import Change, Point, history, regressions
from app.bench.showing.charts import Chart


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure: its name, its axis, from what is stored to what is shown, and how that is written."""

    name: LazyString
    axis: LazyString
    factor: float
    write: Callable[[float], str]


SECONDS = _l("Seconds")
PACE = _l("Tokens per second")
FIGURES: dict[str, Kind] = {
    "decode_tps": Kind(_l("Writing"), PACE, 1, names.rate),
    "prefill_tps": Kind(_l("Reading"), PACE, 1, names.rate),
    "pace_after": Kind(_l("Writing after a text"), PACE, 1, names.rate),
    "total": Kind(_l("Time of an answer"), SECONDS, 1 / 1000, names.seconds),
    "first_token": Kind(_l("First word"), SECONDS, 1 / 1000, names.seconds),
    "quality": Kind(_l("Quality"), _l("Quality of 100"), 1, names.whole),
    "load": Kind(_l("Loading"), SECONDS, 1 / 1000, names.seconds),
    "total_tps": Kind(_l("Several people"), PACE, 1, names.rate),
    "energy": Kind(_l("Energy of an answer"), _l("Watt-hours"), 1 / names.JOULES, names.energy),
    "ram": Kind(_l("Memory"), _l("GB"), 1e-9, lambda value: names.size(value * 1e9)),
}


@dataclass(frozen=True, slots=True)
class Worse:
    """One figure that became worse: of what, from what to what, and between which versions."""

    name: str
    figure: str
    before: str
    after: str
    change: str
    versions: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Trends:
    """`figure` is the one that is drawn; `charts` is empty before there are two runs."""

    figure: str
    charts: list[Chart]
    worse: list[Worse]


def of_machine(machine_id: int, wanted: str) -> Trends:
    """What a machine's runs tell of a figure: a chart for each thing that was asked."""
    figure = wanted if wanted in FIGURES else next(iter(FIGURES))
    changes = regressions(machine_id)
    # Other numbers of threads have a chart of their own, on the pages of the runs.
    known = [point for point in history(machine_id) if point.figure == figure and not point.setting.get("threads")]
    points = sorted(known, key=lambda point: (len(point.prompt), point.prompt))
    charts = [
        _chart(figure, prompt, list(those), [change for change in changes if change.after.figure == figure])
        for prompt, those in groupby(points, lambda point: point.prompt)
    ]
    return Trends(figure, [chart for chart in charts if chart], [_worse(change) for change in changes])


def worse(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Worse]:
    """What became worse since the run before, on one machine or all; in some runs only, if so asked."""
    changes = regressions(machine_id)
    return [_worse(change) for change in changes if run_ids is None or change.after.run_id in run_ids]


def _chart(figure: str, prompt: str, points: Sequence[Point], changes: Sequence[Change]) -> Chart | None:
    kind = FIGURES[figure]
    runs = {point.run_id: point for point in sorted(points, key=lambda point: (point.at, point.run_id))}
    if len(runs) < 2:
        return None
    steps = list(runs)
    ticks = [_tick(runs[run_id].at, runs[run_id].version) for run_id in steps]
    # Two runs of one day and version are two steps.
    ticks = [tick if ticks.count(tick) == 1 else f"{tick} ({place + 1})" for place, tick in enumerate(ticks)]
    lines: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda point: (point.at, point.run_id)):
        lines.setdefault(names.cell_name(point.model, point.setting), []).append(point)
    title = f"{kind.name} · {_asked(figure, prompt)}" if prompt else str(kind.name)
    spec = {
        "kind": "lines",
        "label": title,
        "x": "",
        "y": str(kind.axis),
        "ticks": ticks,
        "series": [{"name": name, "points": _drawn(kind, those, steps)} for name, those in lines.items()],
        "alerts": [_alert(kind, change, steps) for change in changes if _is_of(change, prompt, steps)],
    }
    rows = tuple((name, *_cells(kind, those, steps)) for name, those in lines.items())
    return Chart(f"trend-{figure}-{prompt}", title, "", spec, (_("Model"), *ticks), rows)


def _drawn(kind: Kind, points: Sequence[Point], steps: Sequence[int]) -> list[list[float]]:
    found = []
    for point in points:
        values = (point.value.median, point.value.low, point.value.high)
        found.append([float(steps.index(point.run_id)), *(value * kind.factor for value in values)])
    return found


def _is_of(change: Change, prompt: str, steps: Sequence[int]) -> bool:
    after = change.after
    return after.prompt == prompt and after.run_id in steps and not after.setting.get("threads")


def _alert(kind: Kind, change: Change, steps: Sequence[int]) -> dict[str, object]:
    value = change.after.value.median * kind.factor
    return {"at": steps.index(change.after.run_id), "value": value, "words": _change(change)}


def _cells(kind: Kind, points: Sequence[Point], steps: Sequence[int]) -> list[str]:
    known = {point.run_id: kind.write(point.value.median * kind.factor) for point in points}
    return [known.get(step, names.NOTHING) for step in steps]


def _worse(change: Change) -> Worse:
    kind, after = FIGURES[change.after.figure], change.after
    asked = _asked(after.figure, after.prompt) if after.prompt else ""
    return Worse(
        name=names.cell_name(after.model, after.setting),
        figure=" · ".join(filter(None, (str(kind.name), asked))),
        before=kind.write(change.before.value.median * kind.factor),
        after=kind.write(after.value.median * kind.factor),
        change=_change(change),
        versions=" → ".join(dict.fromkeys((change.before.version or "?", after.version or "?"))),
        run_id=after.run_id,
    )


def _change(change: Change) -> str:
    """−18 %, +25 %."""
    if change.ratio is None:
        return ""
    sign = "+" if change.ratio > 1 else "−"
    return sign + names.share(abs(change.ratio - 1) * 100)


def _asked(figure: str, prompt: str) -> str:
    kind = {"load": "load", "prefill_tps": "reading", "pace_after": "reading", "total_tps": "crowd"}.get(figure, "task")
    return names.prompt_name(kind, prompt, {})


def _tick(at: datetime, version: str) -> str:
    day = formatting.day(at, "d MMM")
    return f"{version} · {day}" if version else day
