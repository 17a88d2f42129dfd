"""Conversations as lists show them: what is being answered, what is unread, and the heading each stands under."""

from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _

from app.generation.serializers import conversation_json
from app.guards import current_user
from app.models import Conversation, Folder
from app.models import conversations as listing


def listed(conversations: list[Conversation], states: dict[str, str] | None = None) -> list[dict[str, Any]]:
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
    for item in listed(loose, states):
        dated.setdefault(item["group"], []).append(item)
    return {
        "pinned": listed(listing.pinned(current_user), states),
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
    return folder_json(folder) | {"conversations": listed(held, states), "next_cursor": listing.next_cursor(held)}


def _heading(moment: datetime, today: datetime) -> str:
    if moment >= today:
        return str(_("Today"))
    if moment >= today - timedelta(days=7):
        return str(_("Last 7 days"))
    if moment >= today - timedelta(days=30):
        return str(_("Last 30 days"))
    return str(format_date(moment, "LLLL yyyy")).capitalize()
