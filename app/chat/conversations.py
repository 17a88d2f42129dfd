"""`/api/conversations`: make, list, read, change, delete."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, request
from flask_login import current_user

from app.bodies import body, name_field
from app.chat import blueprint
from app.chat.schemas import Change
from app.errors import AppError
from app.generation.wire import conversation_json, message_json
from app.guards import member
from app.models import Conversation
from app.models.conversation import PAGE
from app.web import generation


def branch_json(conversation: Conversation) -> list[dict[str, Any]]:
    """The visible messages, those being written with their text so far."""
    return [message_json(message, generation().channel(message.id)) for message in conversation.branch()]


def _one(conversation: Conversation) -> dict[str, Any]:
    return conversation_json(conversation, Conversation.states(current_user).get(conversation.id))


@blueprint.post("/api/conversations")
@member
def create_conversation() -> tuple[Response, int]:
    """A new empty conversation."""
    name = name_field(body(), "model")
    model = generation().model_for(name, think=False) if name else None
    return jsonify(conversation_json(Conversation.start(current_user, model))), 201


@blueprint.get("/api/conversations")
@member
def list_conversations() -> Response:
    """One's own conversations, the latest first; `q` searches titles, `cursor` goes on."""
    cursor = request.args.get("cursor")
    try:
        before = datetime.fromtimestamp(float(cursor), UTC) if cursor else None
    except (ValueError, OverflowError, OSError):
        raise AppError("invalid_field", field="cursor") from None
    found = Conversation.recent(current_user, before=before, containing=request.args.get("q", "").strip()[:200])
    states = Conversation.states(current_user)
    return jsonify(
        {
            "conversations": [conversation_json(item, states.get(item.id)) for item in found],
            "next_cursor": repr(found[-1].updated_at.timestamp()) if len(found) == PAGE else None,
        }
    )


@blueprint.get("/api/conversations/<string:conversation_id>")
@member
def read_conversation(conversation_id: str) -> Response:
    """A conversation and its visible messages."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify(_one(conversation) | {"messages": branch_json(conversation)})


@blueprint.patch("/api/conversations/<string:conversation_id>")
@member
def change_conversation(conversation_id: str) -> Response:
    """Rename, pin, archive, or take back a deletion."""
    change = Change.read()
    conversation = Conversation.of(current_user, conversation_id, deleted=change.restored)
    conversation.change(title=change.title, pinned=change.pinned, archived=change.archived, restored=change.restored)
    return jsonify(_one(conversation))


@blueprint.delete("/api/conversations/<string:conversation_id>")
@member
def delete_conversation(conversation_id: str) -> tuple[str, int]:
    """Delete; what is being written in it is stopped. PATCH `{"deleted": false}` takes it back."""
    conversation = Conversation.of(current_user, conversation_id)
    for answer in conversation.being_written():
        generation().request_stop(answer)
    conversation.delete()
    # What the engine keeps of it is its text in another form.
    generation().engine.forget(conversation.id)
    return "", 204


@blueprint.post("/api/conversations/<string:conversation_id>/prefill")
@member
def prefill(conversation_id: str) -> tuple[Response, int]:
    """Say that a question is to be expected here: the engine reads what came before, if it has nothing else to do."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify({"prefill": generation().prefill.start(conversation.id)}), 202
