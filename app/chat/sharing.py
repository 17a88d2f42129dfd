"""Share frozen copies of conversations by link, inside the company: JSON API and pages."""

from datetime import datetime
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _

from app.chat import blueprint
from app.errors import sentence
from app.js_messages import js_messages, renderer_messages
from app.models import Conversation, Role, RunState, Share, User, copies
from app.models.base import iso, utcnow
from app.models.copies import ConversationCopy, MessageCopy
from app.models.shares import SHARED_COLUMNS
from app.security import current_user
from app.web import found_or_ended, generation

# JSON API


@blueprint.get("/api/conversations/<string:conversation_id>/shares")
def list_shares(conversation_id: str) -> Response:
    """List the links to a conversation, the newest first."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify({"shares": [_json(share) for share in Share.all_of(current_user, conversation)]})


@blueprint.post("/api/conversations/<string:conversation_id>/shares")
def share_conversation(conversation_id: str) -> tuple[Response, int]:
    """Create a link to the branch shown now. Raises run_active, nothing_to_share, too_many_shares."""
    conversation = Conversation.of(current_user, conversation_id)
    return jsonify(_json(generation().changes.share(conversation))), 201


@blueprint.delete("/api/shares/<string:share_id>")
def delete_share(share_id: str) -> tuple[str, int]:
    """Revoke a link."""
    Share.of(current_user, share_id).delete()
    return "", 204


# Pages


@blueprint.get("/s/<string:share_id>")
def show_share(share_id: str) -> str:
    """Show a shared conversation; every signed-in user may open it."""
    share = Share.opened(share_id)
    return render_template(
        "chat/shared.html", share=share, mine=share.user_id == current_user.id, sentence=sentence, texts=js_messages()
    )


@blueprint.post("/s/<string:share_id>/copy")
def copy_share(share_id: str) -> Any:
    """Copy a shared conversation into the user's own, to continue it."""
    [made] = copies.import_conversations(current_user, [_copy(Share.opened(share_id), current_user)])
    return redirect(url_for("chat.conversation", conversation_id=made))


@blueprint.get("/settings/shares")
def show_shares() -> str:
    """List all links that the user shared."""
    return render_template("chat/shares.html", rows=Share.all_of(current_user), texts=renderer_messages())


@blueprint.post("/settings/shares/<string:share_id>/revoke")
def revoke_share(share_id: str) -> Any:
    """Revoke a link, from the page that lists them."""
    share = found_or_ended(Share.of, share_id)
    if share:
        share.delete()
        title = share.title or _("Without a title")
        flash(_("The link to “%(title)s” opens nothing any more.", title=title), "success")
    return redirect(url_for("chat.show_shares"))


def _json(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "url": url_for("chat.show_share", share_id=share.id),
        "title": share.title,
        "messages": share.size,
        "created_at": iso(share.created_at),
    }


def _copy(share: Share, reader: User) -> ConversationCopy:
    """Return the shared messages as a new conversation of `reader`, with the reader's own instructions."""
    return ConversationCopy(
        title=share.title,
        messages=[_message(place, message) for place, message in enumerate(share.messages)],
        head=share.size - 1,
        created_at=(now := utcnow()),
        updated_at=now,
        model=next((message["model"] for message in reversed(share.messages) if "model" in message), None),
        personal_instructions=reader.instructions,
    )


def _message(place: int, message: dict[str, Any]) -> MessageCopy:
    """Return a message of the copy: a link gives nobody the files, whose names then stand in the question."""
    created_at, run = datetime.fromisoformat(message["created_at"]), {}
    if message["role"] == Role.ASSISTANT:
        finished = message["finished_at"] and datetime.fromisoformat(message["finished_at"])
        run = {name: message[name] for name in SHARED_COLUMNS} | {"metrics": None}
        run |= {"state": RunState(message["status"]), "queued_at": created_at, "finished_at": finished}
    marks = [f"[{file['name']}]" for file in message.get("files", [])]
    content = "\n\n".join([*marks, message["content"]])
    return MessageCopy(Role(message["role"]), content, place - 1 if place else None, created_at, run=run)
