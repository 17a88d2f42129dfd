"""The administrator's pages: engine and models, diagnostics, ratings."""

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from werkzeug.exceptions import ClientDisconnected

from app.diagnostics import TITLES, FindingState, count
from app.diagnostics.checkup import proxy_probe, quick_findings
from app.diagnostics.comparison import Comparison, ComparisonJob, compare_here, comparison_finding, comparison_table
from app.diagnostics.history import answers_table, last_records, waits
from app.engines.catalogue import CATALOGUE, DEMO
from app.engines.registry import can_be_pulled, look_for_ollama
from app.errors import AppError
from app.extensions import current_application, release_connection
from app.formatting import number, percent
from app.generation.model_import import ImportPhase, ImportState
from app.generation.serializers import engine_json
from app.models import StoredSetting
from app.models.model_choice import DEFAULT_MODEL_SETTING, ENVIRONMENT, PRESET_SETTINGS, stored_presets
from app.models.ratings import newest_reasons, ratings_by_model
from app.security import admin_required, current_user
from app.web import STREAM_HEADERS, generation, model_import

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
# Order of the findings on the page: the worst first.
ORDER = (FindingState.BAD, FindingState.WARNING, FindingState.OK, FindingState.UNKNOWN)
# A model's file may be of any size; the folder's disk and the memory limit it.
FILE_TYPE = "application/octet-stream"


@blueprint.get("/")
@admin_required
def home() -> Any:
    """Lead to the first page."""
    return redirect(url_for("admin.models"))


@blueprint.get("/models")
@admin_required
def models() -> str:
    """Show the engine, why it was chosen, its models, and those of the catalogue that it can download."""
    registry = generation().registry
    # Without a connection of the database: where Ollama would be may be silent for a second.
    release_connection()
    ollama = look_for_ollama(current_app.config["OLLAMA_HOST"]) if registry.engine.name == "embedded" else ""
    default = registry.default()
    catalogue = can_be_pulled(registry.engine, registry.models)
    files, last_import = model_import().files, model_import().state
    try:
        url = registry.engine.url
    except AppError:
        url = ""
    return render_template(
        "admin/models.html",
        page="admin",
        models=[*registry.models, *(replace(model, installed=False) for model in catalogue)],
        loaded=registry.loaded,
        presets=stored_presets(),
        engine=engine_json(registry, default)
        | {"reason": current_app.config["ENGINE_REASON"], "url": url, "detail": registry.failure},
        default=asdict(default) | {"installed": default.installed, "locked": default.source == ENVIRONMENT},
        ollama={"state": ollama, "url": current_app.config["OLLAMA_HOST"]},
        machine={"memory": files.memory, "disk": files.room, "folder": files.folder},
        last_import={"state": _import_json(last_import), "sentence": _import_sentence(last_import)},
        catalogue=[model for model in CATALOGUE.values() if model.name != DEMO],
        texts={
            "file_checking": _("Checking the file…"),
            "file_sending": _("{percent} · {done} of {size}"),
            "file_left": _("{time} left"),
            "file_sent": _("The file is there: it is being checked…"),
            "file_loading": _("Loading the model: a minute for a large one, after the answers that are being written…"),
            "file_stopped": _("Stopped. Nothing was installed."),
            "error_unreachable": _("The server cannot be reached. Nothing was installed; send the file again."),
            "error_unexpected": _("Something went wrong on the server. Nothing was installed."),
        },
    )


@blueprint.post("/models/default")
@admin_required
def set_default_model() -> Any:
    """Store the default model; raises forbidden if DEFAULT_MODEL fixes it."""
    registry = generation().registry
    if registry.default().source == ENVIRONMENT:
        raise AppError("forbidden")
    model = registry.find(request.form.get("name", "")[:200])
    StoredSetting.put(DEFAULT_MODEL_SETTING, model.name)
    generation().models_changed()
    flash(_("%(model)s is now the default model.", model=model.name), "success")
    return redirect(url_for("admin.models"))


@blueprint.post("/models/intents")
@admin_required
def set_presets() -> Any:
    """Choose the models of « Rapide » and « Soigné »; users see the two only if both are set and differ."""
    registry = generation().registry
    wanted = {preset: request.form.get(preset, "")[:200] for preset in PRESET_SETTINGS}
    chosen = {preset: registry.find(name).name if name else "" for preset, name in wanted.items()}
    for preset, name in chosen.items():
        StoredSetting.put(PRESET_SETTINGS[preset], name)
    shown = all(chosen.values()) and len(set(chosen.values())) == len(chosen)
    flash(_("Saved: everyone can choose between the two.") if shown else _("Saved: the two are not shown."), "success")
    return redirect(url_for("admin.models"))


@blueprint.url_value_preprocessor
def _allow_large_file(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow a model's file as a body, before anything reads the body; forms keep their limit."""
    if endpoint == "admin.receive_model" and request.mimetype == FILE_TYPE and request.content_length is not None:
        # One more: werkzeug takes a body that reaches the limit for one that goes on.
        request.max_content_length = request.content_length + 1


@blueprint.post("/models/files/check")
@admin_required
def check_model() -> tuple[str, int]:
    """Refuse a file before it is sent, by its name, its size in bytes and its beginning, which is the body."""
    model_import().check(request.args.get("name", ""), _size(request.args.get("size", "")), request.get_data()[:16])
    return "", 204


@blueprint.post("/models/files")
@admin_required
def receive_model() -> tuple[Response, int]:
    """Take the GGUF file in the request's body, and begin to load it; holds no connection of the database."""
    name, size = request.args.get("name", ""), request.content_length
    if size is None or request.mimetype != FILE_TYPE:
        raise AppError("bad_request", cause="not a file of known size")
    release_connection()
    try:
        model = model_import().receive(name, size, request.stream.read)
    except ClientDisconnected as error:
        raise AppError("model_incomplete", cause=str(error)) from error
    model_import().start_loading(model)
    return jsonify(_import_json(model_import().state)), 202


@blueprint.get("/models/files")
@admin_required
def follow_import() -> Response:
    """Return how far the last import is."""
    state = model_import().state
    return jsonify(_import_json(state) | {"sentence": _import_sentence(state)})


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise AppError("invalid_field", field="size")
    return int(text)


def _import_json(state: ImportState | None) -> dict[str, Any]:
    if state is None:
        return {"phase": "none", "active": False}
    return {
        "phase": state.phase,
        "active": state.active,
        "model": state.model,
        "done": state.done,
        "size": state.size,
        "code": state.failure.code if state.failure else None,
    }


def _import_sentence(state: ImportState | None) -> str:
    """Return what came of the last import; "" if there is nothing to tell."""
    if state is None:
        return ""
    sentences = {
        ImportPhase.READY: _("%(model)s is installed and loaded.", model=state.model),
        ImportPhase.WAITING: _(
            "%(model)s is installed, but the engine does not answer: start this server again.", model=state.model
        ),
    }
    return state.failure.sentence if state.failure else str(sentences.get(state.phase, ""))


@blueprint.get("/doctor")
@admin_required
def doctor() -> str:
    """Show the diagnostics: all quick checks, and the state of the comparison with the terminal."""
    records = last_records()
    findings = quick_findings(current_app.config, generation().registry, records)
    return render_template(
        "admin/doctor.html",
        page="admin",
        findings=sorted(findings, key=lambda finding: ORDER.index(finding.state)),
        bad=count(findings, FindingState.BAD),
        doubtful=count(findings, FindingState.WARNING),
        proxy_title=str(TITLES["proxy"]),
        comparison=_comparison(),
        queue=generation().status(),
        ahead=generation().prefill.cost,
        waits=waits(records),
        answers=answers_table(records),
        answers_count=len(records),
    )


@blueprint.post("/doctor/comparison")
@admin_required
def start_comparison() -> Any:
    """Start the comparison with the terminal unless it is running."""
    app = current_application()
    user_id = current_user.id
    _job().start(lambda tell: compare_here(app, user_id, tell))
    return redirect(url_for("admin.doctor", _anchor="comparison"))


@blueprint.get("/doctor/comparison")
@admin_required
def comparison() -> Response:
    """Return the comparison's progress and result, as data and as HTML for the page."""
    found = _comparison()
    return jsonify(found | {"html": render_template("admin/_comparison.html", comparison=found)})


@blueprint.get("/doctor/beat")
@admin_required
def beat() -> Response:
    """Stream a few events within a second; the page measures whether a proxy holds them back."""
    return Response(proxy_probe(), mimetype="text/event-stream", headers=STREAM_HEADERS)


def _job() -> ComparisonJob:
    found: ComparisonJob = current_app.extensions["comparison"]
    return found


def _comparison() -> dict[str, Any]:
    """Return the comparison in the user's language; `state` is idle, running or over."""
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


@blueprint.get("/ratings")
@admin_required
def ratings() -> str:
    """Show the ratings of each model, and the reasons that users gave."""
    found = ratings_by_model()
    return render_template(
        "admin/ratings.html",
        page="admin",
        rated=any(each.rated for each in found),
        rows=[
            {
                "model": each.model,
                "answers": number(each.answers),
                "good": number(each.good),
                "bad": number(each.bad),
                "share": percent(each.good / each.rated) if each.rated else "–",
            }
            for each in found
        ],
        explained=[(each, newest_reasons(each.model)) for each in found if each.reasons],
    )
