"""The Labo's charts: the data that the browser draws, with a table of the same figures."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from math import floor, log10
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.formatting import number
from app.lab.presentation import display
from app.lab.stats.changes import MEASURES, FigureChange, Point, history, regressions
from app.lab.stats.intervals import Figure
from app.lab.stats.ranking import PARTS, Entry
from app.lab.stats.tradeoff import Recommendation, comparable, pareto
from app.models.lab import LabSample


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its table: `spec` is drawn by `static/js/lib/charts`; each of `rows` is a name and its figures."""

    id: str
    title: str
    note: str
    spec: dict[str, Any]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# A series of a line chart: its name, and its figure at each step.
Line = tuple[str, dict[int, Figure]]


# Charts of leaderboard entries


def entry_charts(entries: Sequence[Entry]) -> list[Chart]:
    """All charts that these entries have figures for."""
    # Sorted, so that a model has the same colour in all charts.
    name = display.entry_namer(entries)
    entries = sorted(entries, key=name)
    usual = [entry for entry in entries if not entry.setting.get("threads")]
    made = (
        split(usual, name),
        steps(
            "reading", _("Reading, by the length of the text"), _("Tokens to read"),
            _lines(usual, name, lambda entry: entry.prefill_tps),
            _("Tokens read per second; nothing of the text was in the engine’s cache."),
        ),
        steps(
            "context", _("Writing, by what the context already holds"), _("Tokens in the context"),
            _lines(usual, name, lambda entry: entry.pace_after),
            _("Tokens written per second, right after a text of that length was read."),
        ),
        steps(
            "threads", _("Writing, by threads"), _("Threads"), _threads(entries, name),
            _("Tokens written per second: more threads than cores help nobody."),
        ),
        steps(
            "crowd", _("Writing, by people at once"), _("People at once"), _lines(usual, name, _crowd),
            _("Tokens written per second for all of them together."),
        ),
    )  # fmt: skip
    return [chart for chart in made if chart is not None]


def split(entries: Iterable[Entry], name_of: Callable[[Entry], str]) -> Chart | None:
    """The chart of the parts of a median answer's time; None without such figures."""
    shown = [entry for entry in entries if entry.split]
    if not shown:
        return None
    parts = [_("Loading"), _("Reading"), _("Thinking"), _("Writing")]
    times = {entry.key: [float(entry.split.get(part) or 0) for part in PARTS] for entry in shown}
    shown.sort(key=lambda entry: sum(times[entry.key]))
    rows = [(name_of(entry), times[entry.key], display.seconds(sum(times[entry.key]))) for entry in shown]
    bars = [{"name": name, "values": values, "total": total} for name, values, total in rows]
    title = _("Where the time goes")
    return Chart(
        "split", title,
        _("The ranking’s time, shared out; the model is loaded once, for the first question after a pause."),
        {"kind": "split", "label": title, "x": _("Seconds"), "parts": parts, "rows": bars},
        (_("Model"), *parts, _("In all")),
        tuple((name, *(display.seconds(value or None) for value in values), total) for name, values, total in rows),
    )  # fmt: skip


def steps(chart_id: str, title: str, x: str, lines: Sequence[Line], note: str) -> Chart | None:
    """A line chart of tokens per second over the steps of `lines`; None with fewer than two steps."""
    ticks = sorted({step for _name, figures in lines for step in figures})
    if len(ticks) < 2:
        return None
    series = [
        {
            "name": name,
            "points": [
                [ticks.index(step), found.median, found.low, found.high] for step, found in sorted(figures.items())
            ],
        }
        for name, figures in lines
    ]
    words = [number(tick) for tick in ticks]
    spec = {"kind": "lines", "label": title, "x": x, "y": _("Tokens per second"), "ticks": words, "series": series}
    rows = tuple(
        (name, *(display.rate(figures[tick].median if tick in figures else None) for tick in ticks))
        for name, figures in lines
    )
    return Chart(chart_id, title, note, spec, (_("Model"), *words), rows)


def _lines(
    entries: Iterable[Entry], name: Callable[[Entry], str], figures: Callable[[Entry], Mapping[Any, Figure]]
) -> list[Line]:
    found = [(name(entry), {int(step): figure for step, figure in figures(entry).items()}) for entry in entries]
    return [line for line in found if line[1]]


def _crowd(entry: Entry) -> dict[int, Figure]:
    return {people: figures["total_tps"] for people, figures in entry.crowds.items() if "total_tps" in figures}


def _threads(entries: Iterable[Entry], name: Callable[[Entry], str]) -> list[Line]:
    """A line for each model that was measured with several numbers of threads."""
    found: dict[str, dict[int, Figure]] = {}
    for entry in entries:
        if (count := entry.setting.get("threads")) and entry.decode_tps:
            others = replace(entry, setting={**entry.setting, "threads": 0})
            found.setdefault(name(others), {})[count] = entry.decode_tps
    return [line for line in sorted(found.items()) if len(line[1]) > 1]


# Figures over time


@dataclass(frozen=True, slots=True)
class FigureDisplay:
    """How a figure is shown: its name, its axis, the factor from stored to shown values, and the formatter."""

    name: LazyString
    axis: LazyString
    factor: float
    write: Callable[[float], str]

    def text(self, value: float) -> str:
        """Format a stored value."""
        return self.write(value * self.factor)


SECONDS = _l("Seconds")
PACE = _l("Tokens per second")
FIGURES: dict[str, FigureDisplay] = {
    "decode_tps": FigureDisplay(_l("Writing"), PACE, 1, display.rate),
    "prefill_tps": FigureDisplay(_l("Reading"), PACE, 1, display.rate),
    "pace_after": FigureDisplay(_l("Writing after a text"), PACE, 1, display.rate),
    "total": FigureDisplay(_l("Time of an answer"), SECONDS, 1 / 1000, display.seconds),
    "first_token": FigureDisplay(_l("First word"), SECONDS, 1 / 1000, display.seconds),
    "quality": FigureDisplay(_l("Quality"), _l("Quality of 100"), 1, display.whole),
    "load": FigureDisplay(_l("Loading"), SECONDS, 1 / 1000, display.seconds),
    "total_tps": FigureDisplay(_l("Several people"), PACE, 1, display.rate),
    "energy": FigureDisplay(_l("Energy of an answer"), _l("Watt-hours"), 1 / display.JOULES, display.energy),
    "ram": FigureDisplay(_l("Memory"), _l("GB"), 1e-9, lambda value: display.size(value * 1e9)),
}
# Figure → the kind of sample it comes from.
SAMPLE_KINDS = {measure.name: measure.kind for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Worse:
    """A regression in words: configuration, figure, both values, the change, and the engine versions."""

    name: str
    figure: str
    before: str
    after: str
    change: str
    versions: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Trends:
    """A machine's history: `charts` of one `figure` (empty with fewer than two runs), and all regressions."""

    figure: str
    charts: list[Chart]
    worse: list[Worse]


def trend_charts(machine_id: int, wanted: str) -> Trends:
    """A machine's history of the figure `wanted` (the first one if unknown), with a chart for each prompt."""
    figure = wanted if wanted in FIGURES else next(iter(FIGURES))
    changes = regressions(machine_id)
    # Settings with a number of threads are shown in a chart of their own on the runs' pages.
    known = [point for point in history(machine_id) if point.figure == figure and not point.setting.get("threads")]
    points = sorted(known, key=lambda point: (len(point.prompt), point.prompt))
    charts = [
        _trend(figure, prompt, list(those), [change for change in changes if change.after.figure == figure])
        for prompt, those in groupby(points, lambda point: point.prompt)
    ]
    return Trends(figure, [chart for chart in charts if chart], [_worse(change) for change in changes])


def regressions_shown(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Worse]:
    """The regressions since the previous run, on one machine or all; only those in `run_ids`, if given."""
    changes = regressions(machine_id)
    return [_worse(change) for change in changes if run_ids is None or change.after.run_id in run_ids]


def figure_name(figure: str, prompt: str) -> str:
    """A figure's name, with the prompt unless it covers all tasks."""
    name = str(FIGURES[figure].name)
    return f"{name} · {display.prompt_name(SAMPLE_KINDS[figure], prompt, {})}" if prompt else name


def _trend(figure: str, prompt: str, points: Sequence[Point], changes: Sequence[FigureChange]) -> Chart | None:
    kind = FIGURES[figure]
    points = sorted(points, key=lambda point: (point.at, point.run_id))
    runs = {point.run_id: point for point in points}
    if len(runs) < 2:
        return None
    steps = list(runs)
    ticks = [_tick(point.at, point.version) for point in runs.values()]
    # Two runs of the same day and version get different labels.
    ticks = [tick if ticks.count(tick) == 1 else f"{tick} ({place + 1})" for place, tick in enumerate(ticks)]
    lines: dict[str, list[Point]] = {}
    for point in points:
        lines.setdefault(display.configuration_name(point.model, point.setting), []).append(point)
    title = figure_name(figure, prompt)
    alerts = [
        {"at": steps.index(after.run_id), "value": after.value.median * kind.factor, "words": _percent(change)}
        for change in changes
        if (after := change.after).prompt == prompt and after.run_id in runs and not after.setting.get("threads")
    ]
    spec = {
        "kind": "lines",
        "label": title,
        "x": "",
        "y": str(kind.axis),
        "ticks": ticks,
        "series": [{"name": name, "points": _drawn(kind, those, steps)} for name, those in lines.items()],
        "alerts": alerts,
    }
    known = {name: {point.run_id: kind.text(point.value.median) for point in those} for name, those in lines.items()}
    rows = tuple((name, *(texts.get(step, display.NOTHING) for step in steps)) for name, texts in known.items())
    return Chart(f"trend-{figure}-{prompt}", title, "", spec, (_("Model"), *ticks), rows)


def _drawn(kind: FigureDisplay, points: Sequence[Point], steps: Sequence[int]) -> list[list[float]]:
    return [
        [
            steps.index(point.run_id),
            *(end * kind.factor for end in (point.value.median, point.value.low, point.value.high)),
        ]
        for point in points
    ]


def _worse(change: FigureChange) -> Worse:
    before, after = change.before, change.after
    kind = FIGURES[after.figure]
    return Worse(
        name=display.configuration_name(after.model, after.setting),
        figure=figure_name(after.figure, after.prompt),
        before=kind.text(before.value.median),
        after=kind.text(after.value.median),
        change=_percent(change),
        versions=" → ".join(dict.fromkeys((before.version or "?", after.version or "?"))),
        run_id=after.run_id,
    )


def _percent(change: FigureChange) -> str:
    """A change in percent with its sign, as in « −18 % »; empty when the ratio is unknown."""
    if change.ratio is None:
        return ""
    sign = "+" if change.ratio > 1 else "−"
    return sign + display.share(abs(change.ratio - 1) * 100)


def _tick(at: datetime, version: str) -> str:
    day = formatting.day(at, "d MMM")
    return f"{version} · {day}" if version else day


# Quality against time


def scatter(entries: Sequence[Entry], found: Recommendation) -> Chart | None:
    """The chart of quality against time, with the Pareto front and the recommended entry; None without comparable
    entries."""
    shown = comparable(entries)
    if not shown:
        return None
    front = pareto(entries)
    states = {entry.key: "dominated" for entry in shown} | {entry.key: "front" for entry in front}
    if found.best:
        states[found.best.key] = "recommended"
    title = _("Quality and time of an answer")
    spec = {
        "kind": "scatter",
        "label": title,
        "x": _("Median time of an answer, in seconds"),
        "y": _("Quality of 100"),
        "points": [_point(entry, states[entry.key]) for entry in shown],
        "front": [[entry.time_s.median, entry.quality.mean] for entry in front if entry.time_s and entry.quality],
        "steps": _legend([entry.energy_wh.median for entry in shown if entry.energy_wh]),
        "words": {"ideal": _("towards the ideal"), "front": _("Pareto front"), "size": _size_name(shown)},
    }
    rows = tuple(
        (
            display.entry_name(entry),
            display.whole(entry.quality.mean),
            display.seconds(entry.time_s.median),
            display.energy_of(entry.energy_wh, entry.energy_method),
        )
        for entry in shown
        if entry.quality and entry.time_s
    )
    columns = (_("Model"), _("Quality"), _("Time"), _("Energy"))
    return Chart("scatter", title, _("On the front, no other is both quicker and better."), spec, columns, rows)


def _point(entry: Entry, state: str) -> dict[str, object]:
    quality, time, energy = entry.quality, entry.time_s, entry.energy_wh
    name, points = display.entry_name(entry), display.whole(quality.mean if quality else None)
    # Not marked as estimated: the legend says so.
    spent = display.energy(energy.median) if energy else ""
    figures = ", ".join(filter(None, (display.seconds(time.median if time else None), spent)))
    detail = {
        "recommended": _("recommended, %(figures)s", figures=figures),
        "dominated": _("dominated, %(figures)s", figures=figures),
    }.get(state, figures)
    return {
        "key": entry.key,
        "name": name,
        "detail": detail,
        "title": _("%(name)s: quality %(quality)s of 100, %(figures)s", name=name, quality=points, figures=detail),
        "x": time.median if time else 0,
        "xs": [time.low, time.high] if time and time.count > 1 else None,
        "y": quality.mean if quality else 0,
        "ys": [quality.low, quality.high] if quality and quality.count > 1 else None,
        "size": energy.median if energy else None,
        "state": state,
        "href": f"#{display.anchor(entry.key)}",
    }


def _size_name(entries: Sequence[Entry]) -> str:
    methods = {entry.energy_method for entry in entries if entry.energy_wh}
    if methods == {"estimated"}:
        return str(_("Energy (estimated)"))
    return str(_("Energy (partly estimated)") if "estimated" in methods else _("Energy"))


def _legend(energies: Sequence[float]) -> list[list[object]]:
    """Three round energies for the legend, up to about the largest."""
    if not energies or max(energies) <= 0:
        return []
    largest = max(energies)
    power = 10 ** floor(log10(largest))
    top = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= largest * 0.75)
    return [[size, display.energy(size)] for size in (top / 5, top / 2, top)]


# One sample


def course(sample: LabSample) -> Chart | None:
    """The chart of CPU and memory over time, with the phases of the answer; None with fewer than two intervals."""
    if len(sample.series) < 2:
        return None
    columns = [list(column) for column in zip(*sample.series, strict=True)]
    times, engine, machine, ram = columns
    # The engine's CPU is stored in percent of one core; the chart shows it in percent of the machine.
    cores = sample.run.machine.description.get("threads") or 0
    cpu = [{"name": _("machine"), "points": _pairs(times, machine)}]
    if cores:
        cpu.append({"name": _("engine"), "points": _pairs(times, [value and value / cores for value in engine])})
    title = _("Processor and memory during this sample")
    panels = [
        {"label": _("Processor"), "y": _("Processor, share of the machine"), "top": 100, "lines": cpu},
        {
            "label": _("Memory"), "y": _("Memory of the engine, GB"), "top": None,
            "lines": [{"name": _("engine"), "points": _pairs(times, [value and value / 1e9 for value in ram])}],
        },
    ]  # fmt: skip
    shown = [panel for panel in panels if any(line["points"] for line in panel["lines"])]
    for panel in shown:
        panel["lines"] = [line for line in panel["lines"] if line["points"]]
    phases = _phases(sample.metrics)
    spec = {"kind": "panels", "label": title, "x": _("Seconds"), "phases": phases, "panels": shown}
    heads = (_("Second"), _("Machine"), _("Engine"), _("Memory"))
    rows = tuple(
        (number(at, 1), display.share(busy), display.share(own), display.size(held))
        for at, own, busy, held in sample.series
    )
    return Chart("course", title, _("CPU of the engine: one core counts a hundred."), spec, heads, rows)


def _phases(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The phases of the answer in order, each with its start and end in seconds, as far as they are known."""
    lengths = (
        (_("Loading"), metrics.get("load_ms")), (_("Reading"), metrics.get("prefill_ms")),
        (_("Thinking"), metrics.get("thinking_ms")), (_("Writing"), metrics.get("decode_ms")),
    )  # fmt: skip
    found, at = [], 0.0
    for name, ms in lengths:
        if ms:
            # Engines report thinking as part of writing.
            length = ms - (metrics.get("thinking_ms") or 0) if name == lengths[-1][0] else ms
            found.append({"name": name, "from": at, "to": at + max(0.0, length) / 1000})
            at += max(0.0, length) / 1000
    return found


def _pairs(times: list[float], values: list[float | None]) -> list[list[float]]:
    return [[at, value] for at, value in zip(times, values, strict=True) if value is not None]
