"""The JSON API of conversations, folders, instructions and prompts, and the lists in the sidebar."""

import tomllib
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

from flask import Response, jsonify, request
from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from pydantic import AfterValidator, Field

from app.chat import blueprint
from app.generation.serializers import attachments_json, conversation_json, engine_json, message_json
from app.models import Conversation, Folder, Prompt, conversations
from app.models.attachments import NOTHING
from app.models.base import utcnow
from app.models.branches import MessageTree
from app.models.conversations import MAX_FOLDER_NAME
from app.security import current_user
from app.web import JsonRequest, Line, Name, Number, Text, at_most, generation, of_text, plain_text

MAX_TITLE = 200
# Longest instructions of a conversation, in characters: they are part of each of its prompts.
MAX_CONVERSATION_INSTRUCTIONS = 2000
LIBRARY = Path(__file__).with_name("library")
SUGGESTED = ("reword", "summary", "translate", "formula")
# It writes one language only.
SUGGESTED_FOR_DEMO = ("mail", "reword", "summary", "formula")


# Lists of conversations, as JSON


def sidebar_items(shown: list[Conversation], states: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return conversations as JSON for the current user, each with the heading of its date as `group`.

    `states`: conversation id → state of its running answer; read from the database if None.
    """
    states = conversations.running_states(current_user) if states is None else states
    unread = conversations.unread(shown)
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        conversation_json(item, states.get(item.id), item.id in unread and item.id not in states)
        | {"group": _heading(item.updated_at.astimezone(), today)}
        for item in shown
    ]


def sidebar(opened: Conversation | None) -> dict[str, Any]:
    """Return the sidebar: pinned ones, folders (with content if the opened conversation is there), the rest by date."""
    loose, states = conversations.unfiled(current_user), conversations.running_states(current_user)
    dated = groupby(sidebar_items(loose, states), itemgetter("group"))
    return {
        "pinned": sidebar_items(conversations.pinned(current_user), states),
        "folders": [_folder(folder, opened, states) for folder in Folder.all_of(current_user)],
        "groups": [(heading, list(items)) for heading, items in dated],
        "next_cursor": conversations.next_cursor(loose),
    }


def _folder_json(folder: Folder) -> dict[str, Any]:
    """Return a folder as JSON, without its conversations."""
    return {"id": folder.id, "name": folder.name}


def _folder(folder: Folder, opened: Conversation | None, states: dict[str, str]) -> dict[str, Any]:
    if opened is None or opened.folder_id != folder.id:
        return _folder_json(folder)
    held = conversations.in_folder(current_user, folder.id)
    return _folder_json(folder) | {
        "conversations": sidebar_items(held, states),
        "next_cursor": conversations.next_cursor(held),
    }


def _heading(moment: datetime, today: datetime) -> str:
    """Return the heading of a date; `today`: the midnight before now."""
    if moment >= today:
        return str(_("Today"))
    if moment >= today - timedelta(days=7):
        return str(_("Last 7 days"))
    if moment >= today - timedelta(days=30):
        return str(_("Last 30 days"))
    return str(format_date(moment, "LLLL yyyy")).capitalize()


def branch_json(conversation: Conversation) -> list[dict[str, Any]]:
    """Return the visible branch as JSON: each message with its versions, running answers with their text so far."""
    tree, events, shown = MessageTree(conversation), generation().events, conversation.branch()
    attached = attachments_json(shown)
    return [message_json(one, events(one.id), tree.siblings(one.id), attached) for one in shown]


def sidebar_item(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as JSON, as the sidebar shows it."""
    return sidebar_items([conversation])[0]


def conversation_with_messages(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as JSON with its visible messages."""
    return sidebar_item(conversation) | {"messages": branch_json(conversation)}


# Conversations


class CreateConversationRequest(JsonRequest):
    """A new conversation; without a model it uses the default one."""

    model: Name = None


@blueprint.post("/api/conversations")
def create_conversation() -> tuple[Response, int]:
    """Create an empty conversation."""
    name = CreateConversationRequest.read().model
    model = generation().registry.find(name).name if name else None
    return jsonify(conversation_json(Conversation.start(current_user, model))), 201


@blueprint.get("/api/conversations")
def list_conversations() -> Response:
    """List the user's conversations, the latest first; `cursor` is where to continue.

    `q` searches titles; `folder` lists one folder, `loose` conversations without folder and pin, `archived` the
    archive.
    """
    cursor, folder = request.args.get("cursor", ""), request.args.get("folder", type=int)
    if folder is not None:
        found = conversations.in_folder(current_user, Folder.of(current_user, folder).id, cursor=cursor)
    elif "loose" in request.args:
        found = conversations.unfiled(current_user, cursor=cursor)
    elif "archived" in request.args:
        found = conversations.archived(current_user, cursor=cursor)
    else:
        words = request.args.get("q", "").strip()[:200]
        found = conversations.recent(current_user, cursor=cursor, containing=words)
    return jsonify({"conversations": sidebar_items(found), "next_cursor": conversations.next_cursor(found)})


@blueprint.get("/api/conversations/<string:conversation_id>")
def read_conversation(conversation_id: str) -> Response:
    """Return a conversation with its visible messages."""
    return jsonify(conversation_with_messages(Conversation.of(current_user, conversation_id)))


def _false(value: bool) -> bool:
    if value:
        raise ValueError
    return value


class ChangeConversationRequest(JsonRequest):
    """Changes to a conversation; a field that is None stays as it is."""

    title: Annotated[Line, Field(max_length=MAX_TITLE)] | None = None
    # Only false is allowed: it takes a deletion back.
    deleted: Annotated[bool, AfterValidator(_false)] | None = None
    # An explicit null takes it out of its folder.
    folder_id: Number | None = None
    pinned: bool | None = None
    archived: bool | None = None


@blueprint.patch("/api/conversations/<string:conversation_id>")
def change_conversation(conversation_id: str) -> Response:
    """Rename, pin, archive or move a conversation, or take back its deletion."""
    change = ChangeConversationRequest.read()
    restored = change.deleted is False
    conversation = Conversation.of(current_user, conversation_id, deleted=restored)
    columns = change.model_dump(include={"title", "pinned", "archived"}, exclude_none=True)
    if "folder_id" in change.model_fields_set:
        columns["folder_id"] = None if change.folder_id is None else Folder.of(current_user, change.folder_id).id
    if restored:
        columns["deleted_at"] = None
    conversation.change(**columns)
    return jsonify(sidebar_item(conversation))


@blueprint.post("/api/conversations/<string:conversation_id>/seen")
def mark_as_read(conversation_id: str) -> tuple[str, int]:
    """Mark a conversation as read."""
    Conversation.of(current_user, conversation_id).change(seen_at=utcnow())
    return "", 204


@blueprint.delete("/api/conversations/<string:conversation_id>")
def delete_conversation(conversation_id: str) -> tuple[str, int]:
    """Move a conversation to the trash and stop its running answers. PATCH `{"deleted": false}` takes it back."""
    conversation = Conversation.of(current_user, conversation_id)
    generation().changes.delete(conversation)
    return "", 204


class PrefillRequest(JsonRequest):
    """The files and the model that the next question will be asked with; None: the model that answered last."""

    files: list[Text] = []
    model: Name = None


@blueprint.post("/api/conversations/<string:conversation_id>/prefill")
def prefill(conversation_id: str) -> tuple[Response, int]:
    """Announce that the user is about to ask, maybe about files: the engine may read all of it ahead if it is idle."""
    conversation = Conversation.of(current_user, conversation_id)
    coming = PrefillRequest.read()
    model, attachment = None, NOTHING
    if coming.files or coming.model:
        model = generation().model_for(coming.model or conversation.model, think=False).name
        attachment = generation().attachment(current_user, coming.files, model)
    return jsonify({"prefill": generation().prefill.start(conversation.id, attachment, model)}), 202


# Folders


class FolderRequest(JsonRequest):
    """A folder's name."""

    name: Annotated[Line, Field(max_length=MAX_FOLDER_NAME)] = ""


@blueprint.get("/api/folders")
def list_folders() -> Response:
    """List the user's folders by name."""
    return jsonify({"folders": [_folder_json(folder) for folder in Folder.all_of(current_user)]})


@blueprint.post("/api/folders")
def make_folder() -> tuple[Response, int]:
    """Create a folder. Raises name_taken, too_many_folders."""
    return jsonify(_folder_json(Folder.make(current_user, FolderRequest.read().name))), 201


@blueprint.patch("/api/folders/<int:folder_id>")
def rename_folder(folder_id: int) -> Response:
    """Rename a folder. Raises name_taken."""
    folder = Folder.of(current_user, folder_id)
    folder.rename(FolderRequest.read().name)
    return jsonify(_folder_json(folder))


@blueprint.delete("/api/folders/<int:folder_id>")
def delete_folder(folder_id: int) -> tuple[str, int]:
    """Delete a folder; its conversations stay."""
    Folder.of(current_user, folder_id).delete()
    return "", 204


# Instructions of a conversation


class InstructionsRequest(JsonRequest):
    """A conversation's instructions; "" removes them."""

    instructions: Annotated[str, of_text(plain_text), at_most(MAX_CONVERSATION_INSTRUCTIONS)]


@blueprint.get("/api/conversations/<string:conversation_id>/instructions")
def instructions(conversation_id: str) -> Response:
    """Return the conversation's instructions, and the user's own as they were when it began."""
    return jsonify(_json(Conversation.of(current_user, conversation_id)))


@blueprint.put("/api/conversations/<string:conversation_id>/instructions")
def change_instructions(conversation_id: str) -> Response:
    """Change the conversation's instructions; the engine reads the whole conversation again with the next question."""
    conversation = Conversation.of(current_user, conversation_id)
    generation().changes.instruct(conversation, InstructionsRequest.read().instructions)
    return jsonify(_json(conversation))


def _json(conversation: Conversation) -> dict[str, str]:
    return {"instructions": conversation.instructions, "personal": conversation.personal_instructions or ""}


# Prompts


@cache
def available_prompts(language: str) -> dict[str, dict[str, str]]:
    """Return the built-in prompts in a language: key → `name`, `detail`, `icon`, `content`."""
    found: dict[str, dict[str, str]] = tomllib.loads((LIBRARY / f"{language}.toml").read_text(encoding="utf-8"))
    return found


def suggestions() -> list[dict[str, str]]:
    """Return the built-in prompts that the empty page suggests, in English for the demonstration model."""
    registry = generation().registry
    demo = engine_json(registry, registry.default())["demo"]
    known = available_prompts("en" if demo else str(get_locale()))
    return [known[key] for key in (SUGGESTED_FOR_DEMO if demo else SUGGESTED)]


@blueprint.get("/api/prompts")
def prompts() -> Response:
    """List the prompts that the user can use: own and shared ones (`mine`, `shared`), then `built-in`."""
    rows: list[dict[str, Any]] = [
        {"kind": "shared" if row.shared else "mine", "name": row.name, "detail": "", "content": row.content}
        for row in Prompt.visible_to(current_user)
    ]
    own = [{"kind": "built-in", **prompt} for prompt in available_prompts(str(get_locale())).values()]
    return jsonify({"prompts": rows + own})
