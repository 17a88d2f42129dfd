"""The default model that was set, and which setting wins."""

from flask import Flask

from app.extensions import context_of
from app.models import StoredSetting
from app.models.settings import DEFAULT_MODEL_SETTING

ENVIRONMENT = "environment"
STORED = "setting"
BUILT_IN = "built-in"


def default_model(app: Flask) -> tuple[str, str]:
    """The name ("" when none was set) and its source; the environment wins over the stored setting."""
    if app.config["DEFAULT_MODEL"]:
        return app.config["DEFAULT_MODEL"], ENVIRONMENT
    with context_of(app):
        stored = StoredSetting.get(DEFAULT_MODEL_SETTING)
    return stored, STORED if stored else BUILT_IN
