"""The engine and its models: what was chosen and why, and the default model."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _

from app.diagnostics.checks import TITLES, State, count
from app.diagnostics.client import probe_events
from app.diagnostics.comparison import Comparison, ComparisonJob, compare_here, comparison_finding, comparison_table
from app.diagnostics.history import answers_table, last_records, waits_facts
from app.diagnostics.report import quick_findings
from app.engines.catalogue import DEMO, can_be_pulled
from app.errors import AppError
from app.formatting import duration, number, percent
from app.generation.model_registry import ModelRegistry
from app.model_choice import ENVIRONMENT, PRESET_SETTINGS, store_presets, stored_presets
from app.models import StoredSetting, rating_stats
from app.models.settings import DEFAULT_MODEL_SETTING
from app.security import admin_required, current_user
from app.web import STREAM_HEADERS, generation

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
# On the page what is wrong comes first.
ORDER = (State.BAD, State.WARNING, State.OK, State.UNKNOWN)


def _rows(registry: ModelRegistry) -> list[dict[str, Any]]:
    """The engine's models, then what the company studied and Ollama could still pull."""
    default = registry.default().effective
    rows = [
        asdict(model) | {"loaded": model.name in registry.loaded, "default": model.name == default}
        for model in registry.models
    ]
    if registry.engine.name == "ollama":
        rows += [
            asdict(model) | {"installed": False, "loaded": False, "default": False}
            for model in can_be_pulled(registry.models)
        ]
    return rows


@blueprint.get("/models")
@admin_required
def models() -> str:
    """Which engine, why, and its models."""
    registry = generation().registry
    engine, default = registry.engine, registry.default()
    try:
        url = engine.url
    except AppError:
        url = ""
    return render_template(
        "admin/models.html",
        page="admin",
        models=_rows(registry),
        intents=stored_presets(),
        engine={
            "name": engine.name,
            "label": engine.label,
            "reason": current_app.config["ENGINE_REASON"],
            "reachable": registry.reachable,
            "url": url,
            "detail": registry.failure,
            "demo": engine.name == "embedded" and default.effective == DEMO,
        },
        default={
            "name": default.name,
            "source": default.source,
            "locked": default.source == ENVIRONMENT,
            "installed": default.installed,
            "effective": default.effective,
        },
    )


@blueprint.post("/models/default")
@admin_required
def set_default_model() -> Any:
    """Keep another default model; refused while the environment fixes it."""
    registry = generation().registry
    if registry.default().source == ENVIRONMENT:
        raise AppError("forbidden")
    model = registry.find(request.form.get("name", "")[:200])
    StoredSetting.put(DEFAULT_MODEL_SETTING, model.name)
    registry.wake()
    flash(_("%(model)s is now the default model.", model=model.name), "success")
    return redirect(url_for("admin.models"))


@blueprint.post("/models/intents")
@admin_required
def set_intents() -> Any:
    """Map « Rapide » and « Soigné » to models; neither is shown unless both are mapped."""
    registry = generation().registry
    wanted = {intent: request.form.get(intent, "")[:200] for intent in PRESET_SETTINGS}
    chosen = {intent: registry.find(name).name if name else "" for intent, name in wanted.items()}
    store_presets(chosen)
    shown = all(chosen.values()) and len(set(chosen.values())) == len(chosen)
    flash(_("Saved: everyone can choose between the two.") if shown else _("Saved: the two are not shown."), "success")
    return redirect(url_for("admin.models"))


@blueprint.get("/doctor")
@admin_required
def doctor() -> str:
    """All that is known at once; the comparison as far as it is."""
    records = last_records()
    findings = quick_findings(current_app.config, generation().registry, records)
    return render_template(
        "admin/doctor.html",
        page="admin",
        findings=sorted(findings, key=lambda finding: ORDER.index(finding.state)),
        bad=count(findings, State.BAD),
        doubtful=count(findings, State.WARNING),
        proxy_title=str(TITLES["proxy"]),
        comparison=_comparison(),
        queue=_queue(),
        ahead=_ahead(),
        waits=waits_facts(records),
        answers=answers_table(records),
        answers_count=len(records),
    )


@blueprint.post("/doctor/comparison")
@admin_required
def start_comparison() -> Any:
    """Begin to compare, unless that is under way."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    user_id = current_user.id
    _job().start(lambda tell: compare_here(app, user_id, tell))
    return redirect(url_for("admin.doctor", _anchor="comparison"))


@blueprint.get("/doctor/comparison")
@admin_required
def comparison() -> Response:
    """How far it is, and what came of it: as data, and as the part of the page."""
    found = _comparison()
    return jsonify(found | {"html": render_template("admin/_comparison.html", comparison=found)})


@blueprint.get("/doctor/beat")
@admin_required
def beat() -> Response:
    """A second of beats, by which the page hears whether something holds streams back."""
    return Response(probe_events(), mimetype="text/event-stream", headers=STREAM_HEADERS)


def _job() -> ComparisonJob:
    found: ComparisonJob = current_app.extensions["comparison"]
    return found


def _comparison() -> dict[str, Any]:
    """`state`: idle, running or over; in the reader's language."""
    progress, outcome = _job().progress, _job().outcome
    if progress is not None:
        return {"state": "running", "phase": progress.phase, "step": progress.step, "steps": progress.steps}
    if outcome is None:
        return {"state": "idle"}
    finding = comparison_finding(outcome.result)
    return {
        "state": "over",
        "finding": {"state": str(finding.state), "sentence": finding.sentence, "fix": finding.fix},
        "rows": comparison_table(outcome.result) if isinstance(outcome.result, Comparison) else [],
        "ended_at": format_datetime(outcome.ended_at.astimezone(), "short", rebase=False),
    }


def _queue() -> dict[str, Any]:
    status = generation().status()
    wait = status["eta_s"]
    return status | {"wait": wait if wait is None else duration(wait * 1000) if wait else _("none")}


def _ahead() -> dict[str, Any] | None:
    """What reading ahead took of the engine, None if nothing."""
    cost = generation().prefill.cost
    if not cost.started:
        return None
    return {
        "started": number(cost.started),
        "aborted": number(cost.aborted),
        "count": cost.tokens,
        "tokens": number(cost.tokens),
        "time": duration(cost.seconds * 1000),
    }


@blueprint.get("/ratings")
@admin_required
def ratings() -> str:
    """A row for each model that has answered, and the reasons that were given."""
    found = rating_stats.ratings_by_model()
    return render_template(
        "admin/ratings.html",
        page="admin",
        rated=any(each.share is not None for each in found),
        rows=[
            {
                "model": each.model,
                "answers": number(each.answers),
                "good": number(each.good),
                "bad": number(each.bad),
                "share": "–" if each.share is None else percent(each.share),
            }
            for each in found
        ],
        explained=[each for each in found if each.reasons],
    )
