"""The figures over time and engine versions, and what became worse beyond noise."""

from flask import request

from app.bench.records import readings
from app.bench.showing import trends
from app.lab.pages import number_asked, page


def history() -> str:
    """One figure's course at a time, on one machine; what is worse in the last run comes first."""
    machines = [machine for machine in readings.machines() if not machine.source]
    wanted = number_asked("machine")
    machine = next((machine for machine in machines if machine.id == wanted), machines[0] if machines else None)
    found = trends.of_machine(machine.id if machine else 0, request.args.get("figure", ""))
    return page("history", "history", machines=machines, machine=machine, found=found, figures=trends.FIGURES)
