"""Report models, queue and health: `/api/models`, `/api/status`, `/healthz`, `/readyz`."""

from typing import Any

from flask import Response, jsonify
from flask_babel import gettext as _
from sqlalchemy import text

from app.chat import blueprint
from app.engines.catalogue import DEMO
from app.extensions import db
from app.models.model_choice import usable_presets
from app.security import login_required, public
from app.web import generation


def models_json() -> dict[str, Any]:
    """Return the models, the default one, and a notice if the default that was set is not installed."""
    registry = generation().registry
    default = registry.default()
    engine = registry.engine
    notice = None
    if default.effective and not default.installed:
        notice = _(
            "The model %(wanted)s is not installed here: answers come from %(used)s.",
            wanted=default.name,
            used=default.effective,
        )
    return {
        "default": default.name,
        "effective": default.effective,
        "notice": notice,
        "engine": {
            "name": engine.name,
            "label": engine.label,
            "reachable": registry.reachable,
            "demo": engine.name == "embedded" and default.effective == DEMO,
        },
        "models": [
            {
                "name": model.name,
                "label": model.label or model.name,
                "description": str(model.description),
                "size_bytes": model.size_bytes,
                "ram_bytes": model.ram_bytes,
                "thinking": model.thinking,
                "loaded": model.name in registry.loaded,
                "context": model.context,
            }
            for model in registry.models
        ],
    }


def status_json() -> dict[str, Any]:
    """Return the state of the queue and the engine.

    `careful`: what regenerating with the « Soigné » model means here, None without presets. `usual_s`: average seconds
    of an answer by the default model, None before its first.
    """
    presets, state = usable_presets(model.name for model in generation().registry.models), generation().status()
    usual = generation().estimates.typical_duration(state["model"]) if state["model"] else None
    extra = {"usual_s": None if usual is None else round(usual, 1), "careful": _careful(**presets) if presets else None}
    return state | extra


def _careful(quick: str, careful: str) -> dict[str, Any]:
    seconds = generation().estimates.typical_duration(careful)
    return {"quick": quick, "model": careful, "extra_s": None if seconds is None else round(seconds)}


@blueprint.get("/api/models")
@login_required
def models() -> Response:
    """List the models."""
    return jsonify(models_json())


@blueprint.get("/api/status")
@login_required
def status() -> Response:
    """Return the state of the queue and the engine."""
    return jsonify(status_json())


@blueprint.get("/healthz")
@public
def live() -> Response:
    """Report that the process is alive."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """Report whether the database answers and the engine answered when last asked; 503 if the engine did not."""
    db.session.execute(text("SELECT 1"))
    registry = generation().registry
    usable = registry.reachable and bool(registry.models)
    return jsonify({"database": True, "engine": usable}), 200 if usable else 503
