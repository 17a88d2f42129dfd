"""What the chat's templates need for writing: suggestions, intents, contexts, the key that sends."""

from typing import Any

from flask import current_app

from app.bench import names
from app.chat import blueprint
from app.chat.prompts import suggestions
from app.chat.schemas import MAX_INSTRUCTIONS
from app.generation.prompt import estimated_tokens, system_text
from app.guards import current_user
from app.intents import usable_intents
from app.models.lab import LabLabel
from app.web import generation


@blueprint.app_template_filter("context_tokens")
def context_tokens(model: dict[str, Any] | None) -> int:
    """Tokens that a model reads at once, also where the engine does not tell."""
    return int((model or {}).get("context") or current_app.config["CONTEXT_TOKENS"])


@blueprint.context_processor
def composer() -> dict[str, Any]:
    """For every page of the chat."""
    if not current_user.is_authenticated:
        return {}
    system = system_text(current_app.config["SYSTEM_PROMPT"], current_user.instructions, "")
    return {
        "suggestions": suggestions(),
        "intents": usable_intents(generation().registry.models),
        "labels": LabLabel.by_model(),
        "names": names,
        "send_key": current_user.send_key,
        "system_tokens": estimated_tokens(system),
        "most_instructions": MAX_INSTRUCTIONS,
    }
