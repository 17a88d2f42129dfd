"""« Rapide » and « Soigné »: what an administrator had the two stand for, so that nobody must know models by name."""

from collections.abc import Iterable

from flask import Flask

from app.engines.base import Model
from app.extensions import context_of
from app.models import StoredSetting
from app.models.settings import DEFAULT_MODEL_SETTING

# From the intent to the name of its setting.
PRESET_SETTINGS = {"quick": "quick_model", "careful": "careful_model"}
ENVIRONMENT = "environment"
STORED = "setting"
BUILT_IN = "built-in"


def stored_presets() -> dict[str, str]:
    """The model's name for each intent, "" where none was chosen."""
    return {intent: StoredSetting.get(name) for intent, name in PRESET_SETTINGS.items()}


def usable_presets(models: Iterable[Model]) -> dict[str, str]:
    """The same when both models can be used and differ; else none, for one alone is no choice."""
    stored, installed = stored_presets(), {model.name for model in models}
    usable = set(stored.values()) <= installed and len(set(stored.values())) == len(PRESET_SETTINGS)
    return stored if usable else {}


def store_presets(chosen: dict[str, str]) -> None:
    """Keep them; "" takes one back."""
    for intent, name in PRESET_SETTINGS.items():
        StoredSetting.put(name, chosen[intent])


def default_model(app: Flask) -> tuple[str, str]:
    """The name ("" when none was set) and its source; the environment wins over the stored setting."""
    if app.config["DEFAULT_MODEL"]:
        return app.config["DEFAULT_MODEL"], ENVIRONMENT
    with context_of(app):
        stored = StoredSetting.get(DEFAULT_MODEL_SETTING)
    return stored, STORED if stored else BUILT_IN
