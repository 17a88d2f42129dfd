"""The Labo's charts: the data that the browser draws, with a table of the same figures."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import floor, log10
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.formatting import number, percent_change
from app.lab.presentation import display
from app.lab.stats.changes import MEASURES, FigureChange, Point, history, regressions
from app.lab.stats.intervals import Figure, ScoreShare
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


# A line of a chart: its name, and its figure at each step.
Line = tuple[str, Mapping[int, Figure | ScoreShare]]


# Charts of leaderboard entries


def entry_charts(entries: Sequence[Entry]) -> list[Chart]:
    """All charts that these entries have figures for."""
    # Sorted, so that a model has the same colour in all charts.
    name = display.entry_namer(entries)
    entries = sorted(entries, key=name)
    usual = [entry for entry in entries if not entry.setting.get("threads")]

    def lines(figures: Callable[[Entry], Mapping[Any, Figure]]) -> list[Line]:
        return [(name(entry), {int(step): figure for step, figure in figures(entry).items()}) for entry in usual]

    made = (
        split(usual, name),
        _steps(
            "reading", _("Reading, by the length of the text"), _("Tokens to read"),
            lines(lambda entry: entry.prefill_tps),
            _("Tokens read per second; nothing of the text was in the engine’s cache."),
        ),
        _steps(
            "context", _("Writing, by what the context already holds"), _("Tokens in the context"),
            lines(lambda entry: entry.pace_after),
            _("Tokens written per second, right after a text of that length was read."),
        ),
        _steps(
            "threads", _("Writing, by threads"), _("Threads"), _threads(entries, name),
            _("Tokens written per second: more threads than cores help nobody."),
        ),
        _steps(
            "crowd", _("Writing, by people at once"), _("People at once"), lines(_crowd),
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


def _steps(chart_id: str, title: str, x: str, lines: Sequence[Line], note: str) -> Chart | None:
    """A line chart of tokens per second over the steps of `lines`; None with fewer than two steps."""
    steps = sorted({step for _name, figures in lines for step in figures})
    if len(steps) < 2:
        return None
    ticks = {step: number(step) for step in steps}
    drawn = [line for line in lines if line[1]]
    return _line_chart(chart_id, title, FIGURES["decode_tps"], ticks, drawn, x=x, note=note)


def _line_chart(
    chart_id: str,
    title: str,
    kind: "FigureDisplay",
    ticks: Mapping[int, str],
    lines: Sequence[Line],
    *,
    x: str = "",
    note: str = "",
    alerts: Sequence[dict[str, Any]] = (),
) -> Chart:
    """A chart of one kind of figure at each step of `ticks`, which maps the steps to their labels."""
    series = [
        {
            "name": name,
            "points": [
                [place, *(kind.factor * value for value in (figure.median, figure.low, figure.high))]
                for place, step in enumerate(ticks)
                if (figure := figures.get(step))
            ],
        }
        for name, figures in lines
    ]
    labels = tuple(ticks.values())
    spec = {
        "kind": "lines", "label": title, "x": x, "y": str(kind.axis), "ticks": labels, "series": series,
        "alerts": alerts,
    }  # fmt: skip
    rows = tuple((name, *(display.middle(figures.get(step), kind.text) for step in ticks)) for name, figures in lines)
    return Chart(chart_id, title, note, spec, (_("Model"), *labels), rows)


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


def trends(machine_id: int, figure: str) -> tuple[list[Chart], list[Worse]]:
    """A machine's history: a chart of the figure for each prompt (with two runs at least), and all regressions."""
    changes = regressions(machine_id)
    # Settings with a number of threads are shown in a chart of their own on the runs' pages.
    known = [point for point in history(machine_id) if point.figure == figure and not point.setting.get("threads")]
    points = sorted(known, key=lambda point: (len(point.prompt), point.prompt))
    charts = [
        _trend(figure, prompt, list(those), [change for change in changes if change.after.figure == figure])
        for prompt, those in groupby(points, lambda point: point.prompt)
    ]
    return [chart for chart in charts if chart], [_worse(change) for change in changes]


def regressions_shown(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Worse]:
    """The regressions since the previous run, on one machine or all; only those in `run_ids`, if given."""
    changes = regressions(machine_id)
    return [_worse(change) for change in changes if run_ids is None or change.after.run_id in run_ids]


def figure_name(figure: str, prompt: str) -> str:
    """A figure's name, with the prompt unless it covers all tasks."""
    name = str(FIGURES[figure].name)
    return f"{name} · {display.prompt_name(SAMPLE_KINDS[figure], prompt, {})}" if prompt else name


def _trend(figure: str, prompt: str, points: Sequence[Point], changes: Sequence[FigureChange]) -> Chart | None:
    points = sorted(points, key=lambda point: (point.at, point.run_id))
    labels = {
        point.run_id: " · ".join(filter(None, (point.version, formatting.day(point.at, "d MMM")))) for point in points
    }
    if len(labels) < 2:
        return None
    # Two runs of the same day and version get different labels.
    counts = Counter(labels.values())
    ticks = {
        run_id: f"{label} ({place})" if counts[label] > 1 else label
        for place, (run_id, label) in enumerate(labels.items(), 1)
    }
    lines: dict[str, dict[int, Figure | ScoreShare]] = {}
    for point in points:
        lines.setdefault(display.configuration_name(point.model, point.setting), {})[point.run_id] = point.value
    kind, steps = FIGURES[figure], list(ticks)
    alerts = [
        {"at": steps.index(after.run_id), "value": after.value.median * kind.factor, "words": _percent(change)}
        for change in changes
        if (after := change.after).prompt == prompt and after.run_id in ticks and not after.setting.get("threads")
    ]
    title = figure_name(figure, prompt)
    return _line_chart(f"trend-{figure}-{prompt}", title, kind, ticks, list(lines.items()), alerts=alerts)


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
    return percent_change(change.ratio) if change.ratio is not None else ""


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
    names = ("quality", "time", "energy")
    columns = (_("Model"), *(str(display.COLUMNS[name]) for name in names))
    cells = [(display.entry_name(entry), display.ranking_cells(entry, display.middle)) for entry in shown]
    rows = tuple((model, *(texts[name] for name in names)) for model, texts in cells)
    return Chart("scatter", title, _("On the front, no other is both quicker and better."), spec, columns, rows)


def _point(entry: Entry, state: str) -> dict[str, object]:
    name, energy = display.entry_name(entry), entry.energy_wh
    # Not marked as estimated: the legend says so.
    spent = display.energy(energy.median) if energy else ""
    figures = ", ".join(filter(None, (display.middle(entry.time_s, display.seconds), spent)))
    detail = {
        "recommended": _("recommended, %(figures)s", figures=figures),
        "dominated": _("dominated, %(figures)s", figures=figures),
    }.get(state, figures)
    quality = display.middle(entry.quality, display.whole)
    (x, xs), (y, ys) = _extent(entry.time_s), _extent(entry.quality)
    return {
        "key": entry.key,
        "name": name,
        "detail": detail,
        "title": _("%(name)s: quality %(quality)s of 100, %(figures)s", name=name, quality=quality, figures=detail),
        "x": x,
        "xs": xs,
        "y": y,
        "ys": ys,
        "size": energy.median if energy else None,
        "state": state,
        "href": f"#{display.anchor(entry.key)}",
    }


def _extent(figure: Figure | ScoreShare | None) -> tuple[float, list[float] | None]:
    """A figure's place on an axis, and its interval if it was measured more than once."""
    if figure is None:
        return 0, None
    return figure.median, [figure.low, figure.high] if figure.count > 1 else None


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
    times, engine, machine, ram = zip(*sample.series, strict=True)

    def line(name: str, values: Sequence[float | None], unit: float = 1) -> dict[str, Any]:
        pairs = zip(times, values, strict=True)
        return {"name": name, "points": [[at, value / unit] for at, value in pairs if value is not None]}

    # The engine's CPU is stored in percent of one core; the chart shows it in percent of the machine.
    cores = sample.run.machine.description.get("threads")
    cpu = [line(_("machine"), machine), *([line(_("engine"), engine, cores)] if cores else [])]
    title = _("Processor and memory during this sample")
    panels = [
        {"label": _("Processor"), "y": _("Processor, share of the machine"), "top": 100, "lines": cpu},
        {
            "label": _("Memory"), "y": _("Memory of the engine, GB"), "top": None,
            "lines": [line(_("engine"), ram, 1e9)],
        },
    ]  # fmt: skip
    for panel in panels:
        panel["lines"] = [line for line in panel["lines"] if line["points"]]
    shown = [panel for panel in panels if panel["lines"]]
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
    loading, reading, thinking, writing = (
        metrics.get(name) or 0.0 for name in ("load_ms", "prefill_ms", "thinking_ms", "decode_ms")
    )
    # Engines report thinking as part of writing.
    names = (_("Loading"), _("Reading"), _("Thinking"), _("Writing"))
    found, at = [], 0.0
    for name, ms in zip(names, (loading, reading, thinking, writing - thinking), strict=True):
        if ms > 0:
            found.append({"name": name, "from": at, "to": at + ms / 1000})
            at += ms / 1000
    return found
