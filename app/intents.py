"""« Rapide » and « Soigné »: what an administrator had the two stand for, so that nobody must know models by name."""

from collections.abc import Iterable

from app.engines.base import Model
from app.models import StoredSetting

# From the intent to the name of its setting.
SETTINGS = {"quick": "quick_model", "careful": "careful_model"}


def stored_intents() -> dict[str, str]:
    """The model's name for each intent, "" where none was chosen."""
    return {intent: StoredSetting.get(name) for intent, name in SETTINGS.items()}


def usable_intents(models: Iterable[Model]) -> dict[str, str]:
    """The same when both models can be used and differ; else none, for one alone is no choice."""
    stored, installed = stored_intents(), {model.name for model in models}
    usable = set(stored.values()) <= installed and len(set(stored.values())) == len(SETTINGS)
    return stored if usable else {}


def store_intents(chosen: dict[str, str]) -> None:
    """Keep them; "" takes one back."""
    for intent, name in SETTINGS.items():
        StoredSetting.put(name, chosen[intent])
