"""The chat page, empty or with a conversation."""

from flask import render_template

from app.chat import blueprint
from app.chat.conversations import branch_json
from app.chat.listed import listed, sidebar
from app.chat.status import models_json, status_json
from app.chat.texts import script_texts
from app.guards import current_user, member
from app.models import Conversation


def _page(conversation: Conversation | None) -> str:
    return render_template(
        "chat/page.html",
        page="chat",
        conversation=listed([conversation])[0] if conversation else None,
        messages=branch_json(conversation) if conversation else [],
        sidebar=sidebar(conversation),
        models=models_json(),
        status=status_json(),
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
