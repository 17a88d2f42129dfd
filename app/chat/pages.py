"""The chat page, empty or with a conversation."""

from datetime import datetime, timedelta
from typing import Any

from flask import render_template
from flask_babel import format_date
from flask_babel import gettext as _
from flask_login import current_user

from app.chat import blueprint
from app.chat.conversations import branch_json
from app.chat.status import models_json
from app.chat.texts import script_texts
from app.generation.wire import conversation_json
from app.guards import member
from app.models import Conversation
from app.web import generation


def grouped(conversations: list[Conversation], states: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The sidebar's groups in order: pinned, today, 7 days, 30 days, then months."""
    groups: dict[str, list[dict[str, Any]]] = {}
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for conversation in sorted(conversations, key=lambda item: not item.pinned):
        moment = conversation.updated_at.astimezone()
        if conversation.pinned:
            label = _("Pinned")
        elif moment >= today:
            label = _("Today")
        elif moment >= today - timedelta(days=7):
            label = _("Last 7 days")
        elif moment >= today - timedelta(days=30):
            label = _("Last 30 days")
        else:
            label = format_date(moment, "LLLL yyyy").capitalize()
        groups.setdefault(label, []).append(conversation_json(conversation, states.get(conversation.id)))
    return list(groups.items())


def _page(conversation: Conversation | None) -> str:
    states = Conversation.states(current_user)
    return render_template(
        "chat/page.html",
        page="chat",
        conversation=conversation_json(conversation, states.get(conversation.id)) if conversation else None,
        messages=branch_json(conversation) if conversation else [],
        groups=grouped(Conversation.recent(current_user), states),
        models=models_json(),
        status=generation().status(),
        texts=script_texts(),
    )


@blueprint.get("/")
@member
def home() -> str:
    """The empty page, ready for a new conversation."""
    return _page(None)


@blueprint.get("/c/<string:conversation_id>")
@member
def conversation(conversation_id: str) -> str:
    """A conversation of one's own."""
    return _page(Conversation.of(current_user, conversation_id))
