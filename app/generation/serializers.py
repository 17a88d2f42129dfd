"""Rows as the JSON that pages and scripts read."""

from collections.abc import Sequence
from typing import Any

from app.errors import sentence
from app.generation.events import EventStream
from app.models import Conversation, Message, Rating, Role, Run
from app.models.base import iso
from app.models.branches import MessageTree


def conversation_json(conversation: Conversation, state: str | None = None, unread: bool = False) -> dict[str, Any]:
    """A conversation without its messages; `state` is "queued" or "running" while it is being answered.

    `unread`: its last answer ended and was not seen yet.
    """
    return {
        "id": conversation.id,
        "title": conversation.title,
        "model": conversation.model,
        "url": f"/c/{conversation.id}",
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "folder_id": conversation.folder_id,
        "state": state,
        "unread": unread,
    }


def stream_url(message_id: int) -> str:
    """Where the events of an answer can be followed."""
    return f"/api/messages/{message_id}/stream"


def error_json(run: Run, locale: str | None = None) -> dict[str, str] | None:
    """A run's failure: its code, and its sentence in the language given or in force."""
    if not run.error_code:
        return None
    return {"code": run.error_code, "message": sentence(run.error_code, run.error_params or {}, locale)}


def message_json(
    message: Message, events: EventStream | None = None, siblings: Sequence[int] | None = None
) -> dict[str, Any]:
    """A message; an answer that is being written has the text of its events and the number of its last event.

    `siblings`: its versions by their ids, itself among them; None where it is the only one.
    """
    answer = {
        "id": message.id,
        "role": str(message.role),
        "parent_id": message.parent_id,
        "siblings": siblings or [message.id],
        "content": message.content,
        "created_at": iso(message.created_at),
    }
    run = message.run
    if message.role == Role.USER or run is None:
        return answer | {"edited_at": iso(message.edited_at)}
    last_event, thinking = 0, message.thinking
    if events is not None and run.active:
        last_event, answer["content"], thinking = events.text()
    return answer | {
        "thinking": thinking,
        "model": run.model,
        "think": run.think,
        "status": str(run.state),
        "reason": run.reason,
        "error": error_json(run),
        "metrics": run.metrics,
        "finished_at": iso(run.finished_at),
        "left_out": {"count": run.left_out, "first_read": run.first_read} if run.left_out else None,
        "rating": rating_json(message.rating) if message.rating else None,
        "attempt": run.attempt,
        "stream": stream_url(message.id),
        "last_event": last_event,
    }


def rating_json(rating: Rating) -> dict[str, Any]:
    """What a person thinks of an answer."""
    return {"good": rating.good, "reason": rating.reason}


def accepted_json(answer: Message, tree: MessageTree | None = None) -> dict[str, Any]:
    """The first event of a run: what was stored, and where to follow it. `tree`: where there may be other versions."""
    question = answer.parent

    def told(message: Message) -> dict[str, Any]:
        return message_json(message, siblings=tree.siblings(message.id) if tree else None)

    return {
        "conversation": conversation_json(answer.conversation, str(answer.run.state) if answer.run else None),
        "user_message": told(question) if question else None,
        "message": told(answer),
        "stream": stream_url(answer.id),
    }
