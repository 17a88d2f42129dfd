"""The pages of the trash and the archive, from which conversations can be restored."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.chat import blueprint
from app.chat.schemas import cursor
from app.errors import AppError
from app.formatting import day
from app.models import Conversation, conversations, trash
from app.security import current_user, login_required
from app.web import found_or_ended, generation


@blueprint.get("/bin")
@login_required
def show_trash() -> str:
    """Show deleted conversations and until when they are kept."""
    rows = [
        _row(conversation, deleted=conversation.deleted_at, until=conversation.deleted_at + trash.KEPT_FOR)
        for conversation in trash.contents(current_user)
        if conversation.deleted_at
    ]
    return render_template("chat/trash.html", rows=rows, days=trash.KEPT_FOR.days)


@blueprint.post("/bin/<string:conversation_id>/restore")
@login_required
def restore(conversation_id: str) -> Any:
    """Take a conversation back from the trash."""
    conversation = found_or_ended(lambda: trash.get_deleted(current_user, conversation_id))
    if conversation:
        conversation.change(restored=True)
        flash(_("“%(title)s” is back in your conversations.", title=conversation.title), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.post("/bin/<string:conversation_id>/erase")
@login_required
def erase(conversation_id: str) -> Any:
    """Erase a deleted conversation now, for good."""
    conversation = found_or_ended(lambda: trash.get_deleted(current_user, conversation_id))
    if conversation:
        _erase([conversation.id])
        flash(_("“%(title)s” is erased.", title=conversation.title), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.post("/bin/empty")
@login_required
def empty_trash() -> Any:
    """Erase everything in the trash now, for good."""
    ids = [conversation.id for conversation in trash.contents(current_user, limit=None)]
    _erase(ids)
    flash(ngettext("%(num)s conversation is erased.", "%(num)s conversations are erased.", len(ids)), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.get("/archive")
@login_required
def show_archive() -> str:
    """Show archived conversations."""
    found = conversations.archived(current_user, before=cursor())
    rows = [_row(conversation, changed=conversation.updated_at) for conversation in found]
    return render_template(
        "chat/archive.html", rows=rows, next_cursor=conversations.next_cursor(found), later="cursor" in request.args
    )


@blueprint.post("/archive/<string:conversation_id>/restore")
@login_required
def take_out(conversation_id: str) -> Any:
    """Take a conversation back from the archive."""
    conversation = found_or_ended(lambda: _put_away(conversation_id))
    if conversation:
        conversation.change(archived=False)
        flash(_("“%(title)s” is back in your conversations.", title=conversation.title), "success")
    return redirect(url_for("chat.show_archive"))


def _put_away(conversation_id: str) -> Conversation:
    """Return an archived conversation of the user; raises not_found."""
    conversation = Conversation.of(current_user, conversation_id)
    if not conversation.archived:
        raise AppError("not_found")
    return conversation


def _erase(ids: list[str]) -> None:
    """Delete conversations for good, and the engine's caches of them."""
    for conversation_id in ids:
        trash.delete_forever([conversation_id])
        generation().forget_conversation(conversation_id)


def _row(conversation: Conversation, **dates: datetime) -> dict[str, Any]:
    days = {name: day(moment) for name, moment in dates.items()}
    return {"id": conversation.id, "title": conversation.title or _("Without a title"), **days}
