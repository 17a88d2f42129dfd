"""The Labo's charts: what each one draws, as data for the browser, and the table that stands beside it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.bench import names
from app.bench.ranking import Entry
from app.bench.stats import Figure
from app.doctor.figures import number

PARTS = ("loading", "reading", "thinking", "writing")


@dataclass(frozen=True, slots=True)
class Chart:
    """`spec` is drawn by `static/js/lib/charts`; `rows` has a name and the figures of each line of the table."""

    id: str
    title: str
    note: str
    spec: dict[str, Any]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, and its figure at each step."""

    name: str
    figures: dict[int, Figure]


def of_entries(entries: Sequence[Entry]) -> list[Chart]:
    """All charts that these measurements have figures for."""
    # In one order, so that a model has the same colour in all of them.
    entries = sorted(entries, key=entry_name)
    usual = [entry for entry in entries if not entry.setting.get("threads")]
    made = (
        split(usual),
        steps(
            "reading", _("Reading, by the length of the text"), _("Tokens to read"), _reading(usual),
            _("Tokens read per second; nothing of the text was in the engine’s cache."),
        ),
        steps(
            "threads", _("Writing, by threads"), _("Threads"), _threads(entries),
            _("Tokens written per second: more threads than cores help nobody."),
        ),
        steps(
            "crowd", _("Writing, by people at once"), _("People at once"), _crowd(usual),
            _("Tokens written per second for all of them together."),
        ),
    )  # fmt: skip
    return [chart for chart in made if chart is not None]


def split(entries: Iterable[Entry]) -> Chart | None:
    """Where the time of a median answer goes."""
    shown = [entry for entry in entries if entry.split]
    if not shown:
        return None
    parts = [_("Loading"), _("Reading"), _("Thinking"), _("Writing")]
    times = {entry.key: [float(entry.split.get(part) or 0) for part in PARTS] for entry in shown}
    shown.sort(key=lambda entry: sum(times[entry.key]))
    rows = [(entry_name(entry), times[entry.key], names.seconds(sum(times[entry.key]))) for entry in shown]
    bars = [{"name": name, "values": values, "total": total} for name, values, total in rows]
    title = _("Where the time goes")
    return Chart(
        "split", title, _("A median answer; the model is loaded once, for the first question after a pause."),
        {"kind": "split", "label": title, "x": _("Seconds"), "parts": parts, "rows": bars},
        (_("Model"), *parts, _("In all")),
        tuple((name, *(names.seconds(value or None) for value in values), total) for name, values, total in rows),
    )  # fmt: skip


def steps(chart_id: str, title: str, x: str, lines: Sequence[Line], note: str) -> Chart | None:
    """Tokens per second against steps of something; None where fewer than two steps are known."""
    ticks = sorted({step for line in lines for step in line.figures})
    if len(ticks) < 2:
        return None
    series = [{"name": line.name, "points": _points(line.figures, ticks)} for line in lines if line.figures]
    words = [number(tick) for tick in ticks]
    spec = {"kind": "lines", "label": title, "x": x, "y": _("Tokens per second"), "ticks": words, "series": series}
    rows = tuple((line.name, *(names.rate(_median(line.figures.get(tick))) for tick in ticks)) for line in lines)
    return Chart(chart_id, title, note, spec, (_("Model"), *words), rows)


def entry_name(entry: Entry) -> str:
    """As the lines of charts and tables are called."""
    return names.cell_name(entry.model, entry.setting)


def _points(figures: dict[int, Figure], ticks: list[int]) -> list[list[float]]:
    return [[ticks.index(step), figure.median, figure.low, figure.high] for step, figure in sorted(figures.items())]


def _reading(entries: Iterable[Entry]) -> list[Line]:
    return _lines(entries, lambda entry: entry.prefill_tps)


def _crowd(entries: Iterable[Entry]) -> list[Line]:
    return _lines(
        entries,
        lambda entry: {people: told["total_tps"] for people, told in entry.crowds.items() if told.get("total_tps")},
    )


def _lines(entries: Iterable[Entry], figures: Callable[[Entry], Mapping[Any, Figure]]) -> list[Line]:
    found = [(entry, {int(step): figure for step, figure in figures(entry).items()}) for entry in entries]
    return [Line(entry_name(entry), steps) for entry, steps in found if steps]


def _threads(entries: Iterable[Entry]) -> list[Line]:
    """Of each model that was measured with several numbers of threads."""
    found: dict[str, dict[int, Figure]] = {}
    for entry in entries:
        others = {**entry.setting, "threads": 0}
        if (count := entry.setting.get("threads")) and entry.decode_tps:
            found.setdefault(names.cell_name(entry.model, others), {})[count] = entry.decode_tps
    return [Line(name, figures) for name, figures in sorted(found.items()) if len(figures) > 1]


def _median(figure: Figure | None) -> float | None:
    return figure.median if figure else None
