"""What was measured of each model beside the figures of its line: one table for the pages, the report, the files."""

from collections.abc import Callable, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext

from app.bench import intervals, names
from app.bench.figures.ranking import Entry
from app.bench.figures.stats import Figure
from app.bench.showing import charts
from app.bench.words import FAILURES
from app.formatting import number

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
BETWEEN = " · "


def table(entries: Sequence[Entry]) -> Table | None:
    """The heads and the lines, of what was measured here: what was written down by hand has none of it."""
    shown = [entry for entry in entries if not entry.historical]
    if not shown:
        return None
    name = charts.namer(entries)
    people = sorted({count for entry in shown for count in entry.crowds})
    columns: list[tuple[str, Callable[[Entry], str]]] = [
        (_("Model"), name),
        (_("Context"), _context),
        (_("Failures of small models"), failures),
        (_("Samples"), lambda entry: BETWEEN.join((names.whole(entry.samples), *marks(entry)))),
        (_("Loading from the disk"), lambda entry: intervals.ranged(entry.load_cold_s, names.seconds)),
        (_("Loading from memory"), lambda entry: intervals.ranged(entry.load_warm_s, names.seconds)),
    ]
    if people:
        counts = BETWEEN.join(map(number, people))
        together = _("Tokens/s together (people: %(counts)s)", counts=counts)
        each = _("Tokens/s each (people: %(counts)s)", counts=counts)
        columns += [
            (together, lambda entry: _crowd(entry, people, "total_tps")),
            (each, lambda entry: _crowd(entry, people, "person_tps")),
        ]
    columns.append((_("Outliers"), _outliers))
    return tuple(head for head, _told in columns), tuple(
        tuple(told(entry) for _head, told in columns) for entry in shown
    )


def marks(entry: Entry) -> list[str]:
    """What makes a line less sure: samples that failed, and those that something disturbed."""
    found = [ngettext("%(num)s failed", "%(num)s failed", entry.failed)] if entry.failed else []
    if entry.disturbed:
        found.append(ngettext("%(num)s disturbed", "%(num)s disturbed", entry.disturbed))
    return found


def failures(entry: Entry) -> str:
    """Which ones were seen, in how many of its answers."""
    if not entry.answers:
        return names.NOTHING
    seen = sorted(entry.failures.items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{FAILURES.get(kind, kind)} {names.whole(count)}" for kind, count in seen)
    return str(ngettext(
        "%(failures)s (of %(num)s answer)", "%(failures)s (of %(num)s answers)", entry.answers,
        failures=told or _("none"),
    ))  # fmt: skip


def _context(entry: Entry) -> str:
    tokens = entry.setting.get("context") or entry.facts.get("context")
    return number(tokens) if tokens else names.NOTHING


def _crowd(entry: Entry, people: Sequence[int], figure: str) -> str:
    found = [entry.crowds.get(count, {}).get(figure) for count in people]
    return BETWEEN.join(names.rate(one.median if one else None) for one in found) if any(found) else names.NOTHING


def _outliers(entry: Entry) -> str:
    figures: tuple[tuple[str, Figure | None, Callable[[float], str]], ...] = (
        (_("Time"), entry.time_s, names.seconds),
        (_("First word"), entry.first_token_s, names.seconds),
        (_("Tokens/s"), entry.decode_tps, names.rate),
        ("CPU", entry.cpu, names.share),
        ("RAM", entry.ram_bytes, names.size),
        (_("Energy"), entry.energy_wh, names.energy),
    )
    found = [f"{name} {names.outliers(figure, write)}" for name, figure, write in figures if figure and figure.outliers]
    return BETWEEN.join(found) or names.NOTHING
