"""The pages of the chat: a conversation, the trash and the archive."""

from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.chat import blueprint
from app.chat.conversations import branch_json, sidebar, sidebar_items, suggestions
from app.chat.schemas import MAX_CONVERSATION_INSTRUCTIONS
from app.chat.status import models_json, status_json
from app.errors import AppError
from app.formatting import day
from app.generation.prompt import estimated_tokens, system_text
from app.js_messages import js_messages
from app.lab.presentation import display
from app.models import Conversation, conversations, trash
from app.models.lab import LabLabel
from app.models.model_choice import usable_presets
from app.security import current_user, login_required
from app.web import found_or_ended, generation


def _page(conversation: Conversation | None) -> str:
    return render_template(
        "chat/page.html",
        page="chat",
        conversation=sidebar_items([conversation])[0] if conversation else None,
        messages=branch_json(conversation) if conversation else [],
        sidebar=sidebar(conversation),
        models=models_json(),
        status=status_json(),
        texts=js_messages(),
    )


@blueprint.get("/")
@login_required
def home() -> str:
    """Show the empty page for a new conversation."""
    return _page(None)


@blueprint.get("/c/<string:conversation_id>")
@login_required
def conversation(conversation_id: str) -> str:
    """Show one of the user's conversations."""
    return _page(Conversation.of(current_user, conversation_id))


@blueprint.app_template_filter("context_tokens")
def context_tokens(model: dict[str, Any] | None) -> int:
    """Return a model's context in tokens; CONTEXT_TOKENS if the engine does not tell it."""
    return int((model or {}).get("context") or current_app.config["CONTEXT_TOKENS"])


@blueprint.context_processor
def composer() -> dict[str, Any]:
    """Give all chat templates what the composer needs."""
    if not current_user.is_authenticated:
        return {}
    system = system_text(current_app.config["SYSTEM_PROMPT"], current_user.instructions, "")
    return {
        "suggestions": suggestions(),
        "presets": usable_presets(model.name for model in generation().registry.models),
        "labels": LabLabel.by_model(),
        "display": display,
        "send_key": current_user.send_key,
        "system_tokens": estimated_tokens(system),
        "most_instructions": MAX_CONVERSATION_INSTRUCTIONS,
    }


# The trash and the archive


@blueprint.get("/bin")
@login_required
def show_trash() -> str:
    """Show deleted conversations and until when they are kept."""
    rows = [
        _kept_row(conversation, deleted=conversation.deleted_at, until=conversation.deleted_at + trash.KEPT_FOR)
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
        generation().changes.erase([conversation.id])
        flash(_("“%(title)s” is erased.", title=conversation.title), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.post("/bin/empty")
@login_required
def empty_trash() -> Any:
    """Erase everything in the trash now, for good."""
    ids = [conversation.id for conversation in trash.contents(current_user, limit=None)]
    generation().changes.erase(ids)
    flash(ngettext("%(num)s conversation is erased.", "%(num)s conversations are erased.", len(ids)), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.get("/archive")
@login_required
def show_archive() -> str:
    """Show archived conversations."""
    found = conversations.archived(current_user, cursor=request.args.get("cursor", ""))
    rows = [_kept_row(conversation, changed=conversation.updated_at) for conversation in found]
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


def _kept_row(conversation: Conversation, **dates: datetime) -> dict[str, Any]:
    days = {name: day(moment) for name, moment in dates.items()}
    return {"id": conversation.id, "title": conversation.title or _("Without a title"), **days}
