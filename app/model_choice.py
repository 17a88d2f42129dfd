"""Find the default model, and the models that an administrator chose for « Rapide » and « Soigné »."""

from collections.abc import Iterable

from flask import Flask

from app.engines.base import Model
from app.extensions import context_of
from app.models import StoredSetting
from app.models.settings import DEFAULT_MODEL_SETTING

# Preset → name of the StoredSetting that holds its model.
PRESET_SETTINGS = {"quick": "quick_model", "careful": "careful_model"}
ENVIRONMENT = "environment"
STORED = "setting"
BUILT_IN = "built-in"


def stored_presets() -> dict[str, str]:
    """Return the chosen model's name for each preset; "" if none was chosen."""
    return {preset: StoredSetting.get(name) for preset, name in PRESET_SETTINGS.items()}


def usable_presets(models: Iterable[Model]) -> dict[str, str]:
    """Return the chosen models if both are in `models` and differ; else {}, as there would be no choice to offer."""
    stored, installed = stored_presets(), {model.name for model in models}
    usable = set(stored.values()) <= installed and len(set(stored.values())) == len(PRESET_SETTINGS)
    return stored if usable else {}


def store_presets(chosen: dict[str, str]) -> None:
    """Store the chosen model's name for each preset; "" clears it."""
    for preset, name in PRESET_SETTINGS.items():
        StoredSetting.put(name, chosen[preset])


def default_model(app: Flask) -> tuple[str, str]:
    """Return the default model's name, "" if none is set, and its source: DEFAULT_MODEL, else the stored setting."""
    if app.config["DEFAULT_MODEL"]:
        return app.config["DEFAULT_MODEL"], ENVIRONMENT
    with context_of(app):
        stored = StoredSetting.get(DEFAULT_MODEL_SETTING)
    return stored, STORED if stored else BUILT_IN
