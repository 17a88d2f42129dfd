"""Render the chat page, empty or with a conversation."""

from typing import Any

from flask import current_app, render_template

from app.chat import blueprint
from app.chat.conversations import branch_json, sidebar, sidebar_items, suggestions
from app.chat.schemas import MAX_CONVERSATION_INSTRUCTIONS
from app.chat.status import models_json, status_json
from app.generation.prompt import estimated_tokens, system_text
from app.js_messages import js_messages
from app.lab.presentation import display
from app.models import Conversation
from app.models.lab import LabLabel
from app.models.model_choice import usable_presets
from app.security import current_user, login_required
from app.web import generation


def _page(conversation: Conversation | None) -> str:
    return render_template(
        "chat/page.html",
        page="chat",
        conversation=sidebar_items([conversation])[0] if conversation else None,
        messages=branch_json(conversation) if conversation else [],
        sidebar=sidebar(conversation),
        models=models_json(),
        status=status_json(),
        texts=js_messages(),
    )


@blueprint.get("/")
@login_required
def home() -> str:
    """Show the empty page for a new conversation."""
    return _page(None)


@blueprint.get("/c/<string:conversation_id>")
@login_required
def conversation(conversation_id: str) -> str:
    """Show one of the user's conversations."""
    return _page(Conversation.of(current_user, conversation_id))


@blueprint.app_template_filter("context_tokens")
def context_tokens(model: dict[str, Any] | None) -> int:
    """Return a model's context in tokens; CONTEXT_TOKENS if the engine does not tell it."""
    return int((model or {}).get("context") or current_app.config["CONTEXT_TOKENS"])


@blueprint.context_processor
def composer() -> dict[str, Any]:
    """Give all chat templates what the composer needs."""
    if not current_user.is_authenticated:
        return {}
    system = system_text(current_app.config["SYSTEM_PROMPT"], current_user.instructions, "")
    return {
        "suggestions": suggestions(),
        "presets": usable_presets(model.name for model in generation().registry.models),
        "labels": LabLabel.by_model(),
        "display": display,
        "send_key": current_user.send_key,
        "system_tokens": estimated_tokens(system),
        "most_instructions": MAX_CONVERSATION_INSTRUCTIONS,
    }
