"""Tables for pages, reports and exports: the machine's properties, the details of each model, the energy's source."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.formatting import number, with_unit
from app.lab.messages import FAILURES
from app.lab.presentation import charts, display
from app.lab.stats.intervals import Figure
from app.lab.stats.ranking import Entry
from app.models.lab import LabMachine, LabRun

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
BETWEEN = " · "


# The machine and its energy


def machine_facts(run: LabRun) -> list[tuple[str, str]]:
    """Rows of name and value for a run's machine and engine."""
    told: dict[str, Any] = run.machine.description or {}
    engine = f"{run.engine.get('label', '')} {run.engine.get('version') or ''}".strip()
    rows = [
        (_("Processor"), str(told.get("cpu") or "")),
        (_("Sockets and cores"), _cores(told)),
        (_("Quota"), with_unit(told["quota"], "CPU", 1) if told.get("quota") else ""),
        (_("Memory"), _memory(told)),
        (_("Memory nodes (NUMA)"), number(told["nodes"]) if told.get("nodes") else ""),
        (_("Instructions"), " ".join(told.get("flags") or ())),
        (_("Virtual machine"), (_("yes") if told["virtual"] else _("no")) if "virtual" in told else ""),
        (_("Governor"), str(told.get("governor") or "")),
        (_("Engine"), engine),
        (_("Energy"), _power(told.get("energy") or {})),
    ]
    return [row for row in rows if row[1]]


def energy_note(entries: Iterable[Entry], machines: Iterable[LabMachine]) -> str:
    """A sentence on whether the energy of these entries is measured or estimated; empty without energy."""
    found = {entry.energy_method for entry in entries} - {""}
    if not found:
        return ""
    if found == {"rapl"}:
        return str(_("Energy measured at the processor (RAPL), rest deducted."))
    if any(_assumed(machine) for machine in machines):
        assumed = _(
            "Energy estimated from the CPU’s use and watts assumed by the number of cores: nobody has set them."
        )
        return str(assumed)
    return str(_("Energy estimated from the configured watts and the CPU’s use."))


def _assumed(machine: LabMachine) -> bool:
    return bool(((machine.description or {}).get("energy") or {}).get("assumed"))


def _cores(told: dict[str, Any]) -> str:
    parts = []
    if count := told.get("sockets"):
        parts.append(ngettext("%(num)s socket", "%(num)s sockets", count))
    if count := told.get("cores"):
        parts.append(ngettext("%(num)s core", "%(num)s cores", count))
    if count := told.get("threads"):
        parts.append(ngettext("%(num)s logical CPU", "%(num)s logical CPUs", count))
    if (allowed := told.get("allowed")) and allowed != told.get("threads"):
        parts.append(ngettext("%(num)s of them allowed", "%(num)s of them allowed", allowed))
    return " · ".join(parts)


def _memory(told: dict[str, Any]) -> str:
    if not told.get("ram_bytes"):
        return ""
    limit = told.get("ram_limit")
    words = display.size(told["ram_bytes"])
    return str(_("%(size)s, limited to %(limit)s", size=words, limit=display.size(limit))) if limit else words


def _power(told: dict[str, Any]) -> str:
    if told.get("method") != "estimated":
        return str(_("measured at the processor (RAPL)")) if told.get("method") else ""
    idle, full = (with_unit(told.get(name) or 0, "W", 0) for name in ("idle_w", "full_w"))
    if told.get("assumed"):
        return str(_("estimated, from %(idle)s at rest to %(full)s, assumed", idle=idle, full=full))
    return str(_("estimated, from %(idle)s at rest to %(full)s, as configured", idle=idle, full=full))


# Details of the entries


def details_table(entries: Sequence[Entry]) -> Table | None:
    """Headers and rows of details that the ranking does not show; None when all entries were measured by hand."""
    shown = [entry for entry in entries if not entry.historical]
    if not shown:
        return None
    name = charts.entry_namer(entries)
    people = sorted({count for entry in shown for count in entry.crowds})
    columns: list[tuple[str, Callable[[Entry], str]]] = [
        (_("Model"), name),
        (_("Context"), _context),
        (_("Failures of small models"), failures),
        (_("Samples"), lambda entry: BETWEEN.join((display.whole(entry.samples), *marks(entry)))),
        (_("Loading from the disk"), lambda entry: display.ranged(entry.load_cold_s, display.seconds)),
        (_("Loading from memory"), lambda entry: display.ranged(entry.load_warm_s, display.seconds)),
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
    """Remarks on an entry's reliability: the numbers of failed and of disturbed samples."""
    found = [ngettext("%(num)s failed", "%(num)s failed", entry.failed)] if entry.failed else []
    if entry.disturbed:
        found.append(ngettext("%(num)s disturbed", "%(num)s disturbed", entry.disturbed))
    return found


def failures(entry: Entry) -> str:
    """The failures of small models in an entry's answers, with their counts, the most frequent first."""
    if not entry.answers:
        return display.NOTHING
    seen = sorted(entry.failures.items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{FAILURES.get(kind, kind)} {display.whole(count)}" for kind, count in seen)
    return str(ngettext(
        "%(failures)s (of %(num)s answer)", "%(failures)s (of %(num)s answers)", entry.answers,
        failures=told or _("none"),
    ))  # fmt: skip


def _context(entry: Entry) -> str:
    tokens = entry.setting.get("context") or entry.facts.get("context")
    return number(tokens) if tokens else display.NOTHING


def _crowd(entry: Entry, people: Sequence[int], figure: str) -> str:
    found = [entry.crowds.get(count, {}).get(figure) for count in people]
    return BETWEEN.join(display.rate(one.median if one else None) for one in found) if any(found) else display.NOTHING


def _outliers(entry: Entry) -> str:
    figures: tuple[tuple[str, Figure | None, Callable[[float], str]], ...] = (
        (_("Time"), entry.time_s, display.seconds),
        (_("First word"), entry.first_token_s, display.seconds),
        (_("Tokens/s"), entry.decode_tps, display.rate),
        ("CPU", entry.cpu, display.share),
        ("RAM", entry.ram_bytes, display.size),
        (_("Energy"), entry.energy_wh, display.energy),
    )
    found = [
        f"{name} {display.outliers(figure, write)}" for name, figure, write in figures if figure and figure.outliers
    ]
    return BETWEEN.join(found) or display.NOTHING
