"""`/api/conversations`: make, list, read, change, delete."""

import tomllib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, jsonify, request
from flask_babel import format_date, get_locale
from flask_babel import gettext as _

from app.chat import blueprint
from app.chat.schemas import (
    ChangeConversationRequest,
    CreateConversationRequest,
    FolderRequest,
    InstructionsRequest,
    cursor,
)
from app.generation.serializers import conversation_json, message_json
from app.models import Conversation, Folder, Prompt, conversations
from app.models import conversations as listing
from app.models.branches import MessageTree
from app.security import current_user, login_required
from app.web import generation

LIBRARY = Path(__file__).with_name("library")
SUGGESTED = ("reword", "summary", "translate", "formula")


def sidebar_item(conversations: list[Conversation], states: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """For the person who asks; `group` is the heading of its date. `states`, where they are known already."""
    states = listing.running_states(current_user) if states is None else states
    unread = listing.unread(conversations)
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        conversation_json(item, states.get(item.id), item.id in unread and item.id not in states)
        | {"group": _heading(item.updated_at.astimezone(), today)}
        for item in conversations
    ]


def sidebar(opened: Conversation | None) -> dict[str, Any]:
    """The sidebar's list: pinned ones, folders, then by date. The folder of the open conversation is open too."""
    loose, states = listing.unfiled(current_user), listing.running_states(current_user)
    folders = [_folder(folder, opened, states) for folder in Folder.all_of(current_user)]
    dated: dict[str, list[dict[str, Any]]] = {}
    for item in sidebar_item(loose, states):
        dated.setdefault(item["group"], []).append(item)
    return {
        "pinned": sidebar_item(listing.pinned(current_user), states),
        "folders": folders,
        "groups": list(dated.items()),
        "next_cursor": listing.next_cursor(loose),
    }


def folder_json(folder: Folder) -> dict[str, Any]:
    """A folder without what is in it."""
    return {"id": folder.id, "name": folder.name}


def _folder(folder: Folder, opened: Conversation | None, states: dict[str, str]) -> dict[str, Any]:
    if opened is None or opened.folder_id != folder.id:
        return folder_json(folder)
    held = listing.in_folder(current_user, folder.id)
    return folder_json(folder) | {"conversations": sidebar_item(held, states), "next_cursor": listing.next_cursor(held)}


def _heading(moment: datetime, today: datetime) -> str:
    if moment >= today:
        return str(_("Today"))
    if moment >= today - timedelta(days=7):
        return str(_("Last 7 days"))
    if moment >= today - timedelta(days=30):
        return str(_("Last 30 days"))
    return str(format_date(moment, "LLLL yyyy")).capitalize()


def branch_json(conversation: Conversation) -> list[dict[str, Any]]:
    """The visible messages with their versions, those being written with their text so far."""
    tree, events = MessageTree(conversation), generation().events
    return [message_json(one, events(one.id), tree.siblings(one.id)) for one in conversation.branch()]


def _one(conversation: Conversation) -> dict[str, Any]:
    return sidebar_item([conversation])[0]


@blueprint.post("/api/conversations")
@login_required
def create_conversation() -> tuple[Response, int]:
    """A new empty conversation."""
    name = CreateConversationRequest.read().model
    model = generation().registry.find(name).name if name else None
    return jsonify(conversation_json(Conversation.start(current_user, model))), 201


@blueprint.get("/api/conversations")
@login_required
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
    return jsonify({"conversations": sidebar_item(found), "next_cursor": conversations.next_cursor(found)})


@blueprint.get("/api/conversations/<string:conversation_id>")
@login_required
def read_conversation(conversation_id: str) -> Response:
    """A conversation and its visible messages."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify(_one(conversation) | {"messages": branch_json(conversation)})


@blueprint.patch("/api/conversations/<string:conversation_id>")
@login_required
def change_conversation(conversation_id: str) -> Response:
    """Rename, pin, archive, move to a folder, or take back a deletion."""
    change = ChangeConversationRequest.read()
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
@login_required
def see_conversation(conversation_id: str) -> tuple[str, int]:
    """Its end was seen: it is no longer marked as unread."""
    Conversation.of(current_user, conversation_id).see()
    return "", 204


@blueprint.delete("/api/conversations/<string:conversation_id>")
@login_required
def delete_conversation(conversation_id: str) -> tuple[str, int]:
    """Delete; what is being written in it is stopped. PATCH `{"deleted": false}` takes it back."""
    conversation = Conversation.of(current_user, conversation_id)
    for answer in conversation.being_written():
        generation().stop_answer(answer)
    conversation.delete()
    generation().forget_conversation(conversation.id)
    return "", 204


@blueprint.post("/api/conversations/<string:conversation_id>/prefill")
@login_required
def prefill(conversation_id: str) -> tuple[Response, int]:
    """Say that a question is to be expected here: the engine reads what came before, if it has nothing else to do."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify({"prefill": generation().prefill.start(conversation.id)}), 202


@blueprint.get("/api/folders")
@login_required
def list_folders() -> Response:
    """One's own folders by name."""
    return jsonify({"folders": [folder_json(folder) for folder in Folder.all_of(current_user)]})


@blueprint.post("/api/folders")
@login_required
def make_folder() -> tuple[Response, int]:
    """A new empty folder. Raises name_taken, too_many_folders."""
    return jsonify(folder_json(Folder.make(current_user, FolderRequest.read().name))), 201


@blueprint.patch("/api/folders/<int:folder_id>")
@login_required
def rename_folder(folder_id: int) -> Response:
    """Another name. Raises name_taken."""
    folder = Folder.of(current_user, folder_id)
    folder.rename(FolderRequest.read().name)
    return jsonify(folder_json(folder))


@blueprint.delete("/api/folders/<int:folder_id>")
@login_required
def delete_folder(folder_id: int) -> tuple[str, int]:
    """Take it away; its conversations stay."""
    Folder.of(current_user, folder_id).delete()
    return "", 204


@blueprint.get("/api/conversations/<string:conversation_id>/instructions")
@login_required
def instructions(conversation_id: str) -> Response:
    """The conversation's own, and the person's text that it began with."""
    return jsonify(_json(Conversation.of(current_user, conversation_id)))


@blueprint.put("/api/conversations/<string:conversation_id>/instructions")
@login_required
def instruct(conversation_id: str) -> Response:
    """Change the conversation's own; the engine reads it anew with the next question."""
    conversation = Conversation.of(current_user, conversation_id)
    conversation.instruct(InstructionsRequest.read().instructions)
    generation().forget_conversation(conversation.id)
    return jsonify(_json(conversation))


def _json(conversation: Conversation) -> dict[str, str]:
    return {"instructions": conversation.instructions, "personal": conversation.personal_instructions or ""}


@cache
def available_prompts(language: str) -> dict[str, dict[str, str]]:
    """The program's own prompts in a language, by key: `name`, `detail`, `icon`, `content`."""
    found: dict[str, dict[str, str]] = tomllib.loads((LIBRARY / f"{language}.toml").read_text(encoding="utf-8"))
    return found


def suggestions() -> list[dict[str, str]]:
    """The few that an empty page proposes."""
    known = available_prompts(str(get_locale()))
    return [known[key] for key in SUGGESTED]


@blueprint.get("/api/prompts")
@login_required
def prompts() -> Response:
    """All that this person can use: `mine`, `shared` and `built-in`, in this order."""
    rows: list[dict[str, Any]] = [
        {"kind": "shared" if row.shared else "mine", "name": row.name, "detail": "", "content": row.content}
        for row in Prompt.visible_to(current_user)
    ]
    own = [{"kind": "built-in", **prompt} for prompt in available_prompts(str(get_locale())).values()]
    return jsonify({"prompts": rows + own})
