"""The Labo's charts: what each one draws, as data for the browser, and the table that stands beside it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from app.bench import names
from app.bench.figures.ranking import Entry
from app.bench.figures.stats import Figure
from app.formatting import number

# Of a machine's name between two dots, in letters.
LONGEST_PART = 28
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
    name = namer(entries)
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
            "crowd", _("Writing, by people at once"), _("People at once"), _crowd(usual, name),
            _("Tokens written per second for all of them together."),
        ),
    )  # fmt: skip
    return [chart for chart in made if chart is not None]


def split(entries: Iterable[Entry], name_of: Callable[[Entry], str]) -> Chart | None:
    """Where the time of a median answer goes."""
    shown = [entry for entry in entries if entry.split]
    if not shown:
        return None
    parts = [_("Loading"), _("Reading"), _("Thinking"), _("Writing")]
    times = {entry.key: [float(entry.split.get(part) or 0) for part in PARTS] for entry in shown}
    shown.sort(key=lambda entry: sum(times[entry.key]))
    rows = [(name_of(entry), times[entry.key], names.seconds(sum(times[entry.key]))) for entry in shown]
    bars = [{"name": name, "values": values, "total": total} for name, values, total in rows]
    title = _("Where the time goes")
    return Chart(
        "split", title,
        _("The ranking’s time, shared out; the model is loaded once, for the first question after a pause."),
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


def several_machines(entries: Iterable[Entry]) -> bool:
    """Whether a line's machine has to be said."""
    return len({entry.machine_id for entry in entries}) > 1


def namer(entries: Iterable[Entry]) -> Callable[[Entry], str]:
    """What the lines of these measurements are called: with the machine where there are several."""
    if not several_machines(entries):
        return entry_name
    machines = _told_apart({entry.machine_id: entry.machine for entry in entries})
    return lambda entry: f"{entry_name(entry)} ({machines[entry.machine_id]})"


def _told_apart(machines: dict[int, str]) -> dict[int, str]:
    """Of the machines' long names only what differs: a chart has no room for more."""
    parts = {number: [part[:LONGEST_PART] for part in name.split(" · ")] for number, name in machines.items()}
    places = range(max(map(len, parts.values())))
    differing = [place for place in places if len({tuple(told[place : place + 1]) for told in parts.values()}) > 1]
    for count in range(1, len(differing) + 1):
        found = {
            number: " · ".join(told[place] for place in differing[:count] if place < len(told))
            for number, told in parts.items()
        }
        if len(set(found.values())) == len(machines):
            return found
    return {number: f"{parts[number][0]}, {place}" for place, number in enumerate(sorted(machines), 1)}


def _points(figures: dict[int, Figure], ticks: list[int]) -> list[list[float]]:
    return [[ticks.index(step), figure.median, figure.low, figure.high] for step, figure in sorted(figures.items())]


def _crowd(entries: Iterable[Entry], name: Callable[[Entry], str]) -> list[Line]:
    return _lines(
        entries,
        name,
        lambda entry: {people: told["total_tps"] for people, told in entry.crowds.items() if told.get("total_tps")},
    )


def _lines(
    entries: Iterable[Entry], name: Callable[[Entry], str], figures: Callable[[Entry], Mapping[Any, Figure]]
) -> list[Line]:
    found = [(entry, {int(step): figure for step, figure in figures(entry).items()}) for entry in entries]
    return [Line(name(entry), steps) for entry, steps in found if steps]


def _threads(entries: Iterable[Entry], name: Callable[[Entry], str]) -> list[Line]:
    """Of each model that was measured with several numbers of threads."""
    found: dict[str, dict[int, Figure]] = {}
    for entry in entries:
        if (count := entry.setting.get("threads")) and entry.decode_tps:
            others = replace(entry, setting={**entry.setting, "threads": 0})
            found.setdefault(name(others), {})[count] = entry.decode_tps
    return [Line(title, figures) for title, figures in sorted(found.items()) if len(figures) > 1]


def _median(figure: Figure | None) -> float | None:
    return figure.median if figure else None
