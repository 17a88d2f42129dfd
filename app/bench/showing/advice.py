"""What reports recommend: one model for each machine, since times on different machines cannot be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.bench import words
from app.bench.figures.ranking import Entry
from app.bench.figures.tradeoff import PRESETS, Recommendation, recommend
from app.bench.showing import charts
from app.bench.showing.charts import Chart
from app.bench.showing.scatter import scatter


@dataclass(frozen=True, slots=True)
class Advice:
    """`machine`: empty where there is but one; `estimated`: whether its energy is."""

    machine: str
    name: str
    score: int
    why: str
    certain: bool
    estimated: bool


def of_entries(entries: Sequence[Entry]) -> tuple[list[Advice], list[Chart]]:
    """The recommended models with balanced weights, and the pictures of the trade-off, machine by machine."""
    several = charts.several_machines(entries)
    found: list[Advice] = []
    pictures: list[Chart] = []
    for machine_id in dict.fromkeys(entry.machine_id for entry in entries):
        own = [entry for entry in entries if entry.machine_id == machine_id]
        machine = own[0].machine if several else ""
        choice = recommend(own, PRESETS["balanced"])
        if choice.best is not None:
            found.append(_advice(choice, choice.best, machine))
        if picture := scatter(own, choice):
            title = f"{picture.title} ({machine})" if machine else picture.title
            chart_id = f"{picture.id}-{machine_id}" if machine else picture.id
            pictures.append(replace(picture, id=chart_id, title=title, spec=picture.spec | {"label": title}))
    return found, pictures


def _advice(choice: Recommendation, best: Entry, machine: str) -> Advice:
    return Advice(
        machine=machine,
        name=charts.entry_name(best),
        score=choice.scores[best.key],
        why=words.sentence(choice.reason, choice.params),
        certain=choice.certain,
        estimated=best.energy_method == "estimated",
    )
