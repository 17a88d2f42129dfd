"""The engine and its models: what was chosen and why, and the default model."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.engines.catalogue import DEMO, can_be_pulled
from app.errors import AppError
from app.generation.model_registry import ModelRegistry
from app.guards import admin
from app.intents import SETTINGS, store_intents, stored_intents
from app.models import StoredSetting
from app.models.settings import DEFAULT_MODEL_SETTING
from app.preference import ENVIRONMENT
from app.web import generation

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


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
@admin
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
        intents=stored_intents(),
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
@admin
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
@admin
def set_intents() -> Any:
    """Map « Rapide » and « Soigné » to models; neither is shown unless both are mapped."""
    registry = generation().registry
    wanted = {intent: request.form.get(intent, "")[:200] for intent in SETTINGS}
    chosen = {intent: registry.find(name).name if name else "" for intent, name in wanted.items()}
    store_intents(chosen)
    shown = all(chosen.values()) and len(set(chosen.values())) == len(chosen)
    flash(_("Saved: everyone can choose between the two.") if shown else _("Saved: the two are not shown."), "success")
    return redirect(url_for("admin.models"))
