"""The default model and the models of « Rapide » and « Soigné », which administrators choose while the server runs."""

from collections.abc import Iterable

from flask import Flask
from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import context_of, db

DEFAULT_MODEL_SETTING = "default_model"
# Preset → name of the StoredSetting that holds its model.
PRESET_SETTINGS = {"quick": "quick_model", "careful": "careful_model"}
# Where the default model was set.
ENVIRONMENT = "environment"
STORED = "setting"
BUILT_IN = "built-in"


class StoredSetting(db.Model):  # type: ignore[name-defined,misc]
    """A setting's name and value."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(400))

    @classmethod
    def get(cls, name: str) -> str:
        """Return the setting's value; "" if it is not set."""
        return db.session.connection().scalar(VALUE, {"name": name}) or ""

    @classmethod
    def put(cls, name: str, value: str) -> None:
        """Store a setting; commits."""
        db.session.merge(cls(name=name, value=value))
        db.session.commit()


# A core statement, built once: every question reads the default model.
VALUE = select(StoredSetting.value).where(StoredSetting.name == bindparam("name"))


def default_model(app: Flask) -> tuple[str, str]:
    """Return the default model's name, "" if none is set, and its source: DEFAULT_MODEL, else the stored setting."""
    if app.config["DEFAULT_MODEL"]:
        return app.config["DEFAULT_MODEL"], ENVIRONMENT
    with context_of(app):
        stored = StoredSetting.get(DEFAULT_MODEL_SETTING)
    return stored, STORED if stored else BUILT_IN


def stored_presets() -> dict[str, str]:
    """Return the chosen model's name for each preset; "" if none was chosen."""
    return {preset: StoredSetting.get(name) for preset, name in PRESET_SETTINGS.items()}


def usable_presets(installed: Iterable[str]) -> dict[str, str]:
    """Return the chosen models if both are installed and differ; else {}, as there would be no choice to offer."""
    stored = stored_presets()
    usable = set(stored.values()) <= set(installed) and len(set(stored.values())) == len(PRESET_SETTINGS)
    return stored if usable else {}
