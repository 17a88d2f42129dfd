"""`/api/conversations/<id>/instructions`: what a conversation wants of the model, beside what the person wants."""

from flask import Response, jsonify

from app.chat import blueprint
from app.chat.schemas import Instructions
from app.guards import current_user, member
from app.models import Conversation
from app.web import generation


@blueprint.get("/api/conversations/<string:conversation_id>/instructions")
@member
def instructions(conversation_id: str) -> Response:
    """The conversation's own, and the person's text that it began with."""
    return jsonify(_json(Conversation.of(current_user, conversation_id)))


@blueprint.put("/api/conversations/<string:conversation_id>/instructions")
@member
def instruct(conversation_id: str) -> Response:
    """Change the conversation's own; the engine reads it anew with the next question."""
    conversation = Conversation.of(current_user, conversation_id)
    conversation.instruct(Instructions.read().text)
    generation().prefill.forget(conversation.id)
    return jsonify(_json(conversation))


def _json(conversation: Conversation) -> dict[str, str]:
    return {"instructions": conversation.instructions, "personal": conversation.personal_instructions or ""}
