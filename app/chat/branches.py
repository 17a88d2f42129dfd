"""The branches of a conversation: show another one, delete a turn and take that back, go on in a new conversation."""

from typing import Any

from flask import Response, jsonify

from app.chat import blueprint
from app.chat.conversations import branch_json
from app.chat.listed import listed
from app.chat.schemas import Place, wanted_message
from app.errors import AppError
from app.generation.serializers import conversation_json
from app.guards import current_user, member
from app.models import Conversation, Message, branches
from app.web import generation


def shown_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation in which nothing is being written, with its visible messages."""
    return listed([conversation], {})[0] | {"messages": branch_json(conversation)}


@blueprint.put("/api/conversations/<string:conversation_id>/head")
@member
def show_branch(conversation_id: str) -> Response:
    """Show the branch of `message_id`, down to its newest end. Raises run_active."""
    conversation = Conversation.of(current_user, conversation_id)
    wanted = wanted_message()
    with generation().exclusive(conversation):
        branches.show_branch(conversation, wanted)
    return jsonify(shown_json(conversation))


@blueprint.delete("/api/messages/<int:message_id>")
@member
def delete_turn(message_id: int) -> Response:
    """Delete a question, its answers and what follows them. `removed` is where it is kept. Raises run_active."""
    question = Message.question_of(current_user, message_id)
    conversation, parent_id = question.conversation, question.parent_id
    with generation().exclusive(conversation):
        removed = branches.remove_turn(question)
    # What the engine keeps of it is its text in another form.
    generation().engine.forget(conversation.id)
    generation().prefill.forget(conversation.id)
    return jsonify(shown_json(conversation) | {"removed": {"removed": removed.id, "parent_id": parent_id}})


@blueprint.post("/api/conversations/<string:conversation_id>/turns")
@member
def put_turn_back(conversation_id: str) -> Response:
    """Take back the deletion of a turn, with the `removed` that it gave. Raises run_active, unknown_parent."""
    conversation = Conversation.of(current_user, conversation_id)
    place = Place.read()
    removed = Conversation.of(current_user, place.removed, deleted=True)
    if removed is conversation:
        raise AppError("not_found")
    with generation().exclusive(removed), generation().exclusive(conversation):
        branches.restore_turn(conversation, removed, place.parent_id)
    return jsonify(shown_json(conversation))


@blueprint.post("/api/messages/<int:message_id>/branch")
@member
def branch_off(message_id: int) -> tuple[Response, int]:
    """A new conversation that begins with the messages up to this answer. Raises run_active."""
    answer = Message.answer_of(current_user, message_id)
    with generation().exclusive(answer.conversation):
        made = branches.copy_branch(answer)
    return jsonify(conversation_json(made)), 201
