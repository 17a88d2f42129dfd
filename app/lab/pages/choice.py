"""The page that helps to choose a model: weights, recommendation, chart, ranking and labels."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify, request

from app.errors import AppError
from app.lab import labels
from app.lab.pages import blueprint, page
from app.lab.presentation import charts, display, sentences
from app.lab.runs import queries
from app.lab.service import current_lab
from app.lab.stats import ranking
from app.lab.stats.ranking import Entry
from app.lab.stats.tradeoff import PRESETS, Recommendation, Weights, comparable, recommend
from app.models.lab import LabMachine
from app.models.model_choice import ENVIRONMENT
from app.security import current_user
from app.web import generation, number_asked

ASPECTS = ("quality", "speed", "sobriety")


@blueprint.get("/")
def tradeoff() -> str:
    """The page. Query: `machine` chooses one of several; `preset`, or the three weights, say what counts."""
    machines = queries.machines()
    machine = _machine(machines)
    weights, preset = _weights()
    entries = ranking.leaderboard(machine.id) if machine else []
    found = recommend(entries, weights)
    return page(
        "tradeoff",
        "tradeoff",
        machines=machines,
        machine=machine,
        weights=weights,
        preset=preset,
        presets=PRESETS,
        entries=_shown(entries, found),
        few=[display.entry_name(one) for one in found.few if not one.setting.get("threads")],
        chart=None if machine and machine.source else charts.scatter(entries, found),
        labels=labels.by_model(entries, current_lab().tasks().categories),
        company=_by_hand(ranking.leaderboard(), machines),
        newest=max((entry.at for entry in entries), default=None),
        limits=ranking,
        worse=charts.regressions_shown(machine.id) if machine and not machine.source else [],
        **_card(found),
    )


@blueprint.get("/recommendation")
def recommendation() -> Response:
    """The recommendation for the query's weights as JSON: rendered card, scores by entry, chart."""
    machine = _machine(queries.machines())
    entries = ranking.leaderboard(machine.id) if machine else []
    weights, preset = _weights()
    found = recommend(entries, weights)
    chart = charts.scatter(entries, found)
    card = page("_recommendation", "tradeoff", **_card(found))
    return jsonify({"preset": preset, "scores": found.scores, "html": card, "spec": chart.spec if chart else None})


def _machine(machines: Sequence[LabMachine]) -> LabMachine | None:
    """The machine that the query asks for, else the last one measured by the program. Raises not_found."""
    wanted = number_asked("machine")
    if wanted is None:
        return next((machine for machine in machines if not machine.source), None)
    found = next((machine for machine in machines if machine.id == wanted), None)
    if found is None:
        raise AppError("not_found")
    return found


def _weights() -> tuple[Weights, str]:
    """The query's weights, and the name of the preset they equal, empty if none."""
    preset = request.args.get("preset", "")
    if preset in PRESETS:
        return PRESETS[preset], preset
    asked = [number_asked(name) for name in ASPECTS]
    values = [min(100, value) for value in asked if value is not None]
    weights = Weights(*values) if len(values) == len(ASPECTS) else PRESETS["balanced"]
    return weights, next((name for name, known in PRESETS.items() if known == weights), "")


def _shown(entries: Sequence[Entry], found: Recommendation) -> list[Entry]:
    """The entries by score, without those of a number of threads that are not comparable (too few tasks)."""
    pictured = {entry.key for entry in comparable(entries)}
    shown = [entry for entry in entries if entry.key in pictured or not entry.setting.get("threads")]
    return sorted(shown, key=lambda entry: -found.scores.get(entry.key, -1))


def _card(found: Recommendation) -> dict[str, Any]:
    """What the card of a recommendation shows."""
    registry = generation().registry
    return {
        "found": found,
        "why": sentences.why_recommended(found),
        "installed": {model.name for model in registry.models},
        "settable": current_user.is_admin and registry.default().source != ENVIRONMENT,
    }


def _by_hand(entries: Sequence[Entry], machines: Sequence[LabMachine]) -> dict[str, Any] | None:
    """The measurements made by hand as a table: a row for each configuration, a column for each machine."""
    columns = sorted((machine for machine in machines if machine.source), key=lambda machine: machine.name)
    rows: dict[str, dict[int, Entry]] = {}
    for entry in sorted((entry for entry in entries if entry.historical), key=lambda entry: entry.model):
        rows.setdefault(display.entry_name(entry), {})[entry.machine_id] = entry
    return {"machines": columns, "rows": rows, "source": columns[0].source} if columns else None
