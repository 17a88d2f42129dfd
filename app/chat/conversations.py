"""`/api/conversations`: make, list, read, change, delete."""

from typing import Any

from flask import Response, jsonify, request

from app.bodies import body, name_field
from app.chat import blueprint
from app.chat.listed import listed
from app.chat.schemas import Change, cursor
from app.generation.serializers import conversation_json, message_json
from app.guards import current_user, member
from app.models import Conversation, Folder, conversations
from app.models.branches import MessageTree
from app.web import generation


def branch_json(conversation: Conversation) -> list[dict[str, Any]]:
    """The visible messages with their versions, those being written with their text so far."""
    tree, events = MessageTree(conversation), generation().events
    return [message_json(one, events(one.id), tree.siblings(one.id)) for one in conversation.branch()]


def _one(conversation: Conversation) -> dict[str, Any]:
    return listed([conversation])[0]


@blueprint.post("/api/conversations")
@member
def create_conversation() -> tuple[Response, int]:
    """A new empty conversation."""
    name = name_field(body(), "model")
    model = generation().registry.find(name).name if name else None
    return jsonify(conversation_json(Conversation.start(current_user, model))), 201


@blueprint.get("/api/conversations")
@member
def list_conversations() -> Response:
    """One's own conversations, the latest first; `cursor` goes on.

    `q` searches titles; `folder` wants a folder's, `loose` those under no folder and not pinned, `archived` those that
    were put away.
    """
    before, folder = cursor(), request.args.get("folder", type=int)
    if folder is not None:
        found = conversations.in_folder(current_user, Folder.of(current_user, folder).id, before=before)
    elif "loose" in request.args:
        found = conversations.unfiled(current_user, before=before)
    elif "archived" in request.args:
        found = conversations.archived(current_user, before=before)
    else:
        words = request.args.get("q", "").strip()[:200]
        found = conversations.recent(current_user, before=before, containing=words)
    return jsonify({"conversations": listed(found), "next_cursor": conversations.next_cursor(found)})


@blueprint.get("/api/conversations/<string:conversation_id>")
@member
def read_conversation(conversation_id: str) -> Response:
    """A conversation and its visible messages."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify(_one(conversation) | {"messages": branch_json(conversation)})


@blueprint.patch("/api/conversations/<string:conversation_id>")
@member
def change_conversation(conversation_id: str) -> Response:
    """Rename, pin, archive, move to a folder, or take back a deletion."""
    change = Change.read()
    conversation = Conversation.of(current_user, conversation_id, deleted=change.restored)
    folder = change.folder
    conversation.change(
        title=change.title,
        pinned=change.pinned,
        archived=change.archived,
        restored=change.restored,
        folder=folder if folder is None or folder is False else Folder.of(current_user, folder),
    )
    return jsonify(_one(conversation))


@blueprint.post("/api/conversations/<string:conversation_id>/seen")
@member
def see_conversation(conversation_id: str) -> tuple[str, int]:
    """Its end was seen: it is no longer marked as unread."""
    Conversation.of(current_user, conversation_id).see()
    return "", 204


@blueprint.delete("/api/conversations/<string:conversation_id>")
@member
def delete_conversation(conversation_id: str) -> tuple[str, int]:
    """Delete; what is being written in it is stopped. PATCH `{"deleted": false}` takes it back."""
    conversation = Conversation.of(current_user, conversation_id)
    for answer in conversation.being_written():
        generation().stop_answer(answer)
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
