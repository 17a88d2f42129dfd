"""The record of the machine in words: what samples were taken on, and how its energy is known."""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.bench import names
from app.bench.figures.ranking import Entry
from app.formatting import number, with_unit
from app.models.lab import LabMachine, LabRun


def facts(run: LabRun) -> list[tuple[str, str]]:
    """Name and value of everything that is recorded of a run's machine and engine."""
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
    """How the energy of these lines is known; empty where none is."""
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
    words = names.size(told["ram_bytes"])
    return str(_("%(size)s, limited to %(limit)s", size=words, limit=names.size(limit))) if limit else words


def _power(told: dict[str, Any]) -> str:
    if told.get("method") != "estimated":
        return str(_("measured at the processor (RAPL)")) if told.get("method") else ""
    idle, full = (with_unit(told.get(name) or 0, "W", 0) for name in ("idle_w", "full_w"))
    if told.get("assumed"):
        return str(_("estimated, from %(idle)s at rest to %(full)s, assumed", idle=idle, full=full))
    return str(_("estimated, from %(idle)s at rest to %(full)s, as configured", idle=idle, full=full))
