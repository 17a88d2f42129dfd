"""Rows as the JSON that pages and scripts read."""

from typing import Any

from app.errors import sentence
from app.generation.hub import Channel
from app.models import Conversation, Message, Role, Run
from app.models.types import iso


def conversation_json(conversation: Conversation, state: str | None = None) -> dict[str, Any]:
    """A conversation without its messages; `state` is "queued" or "running" while it is being answered."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "model": conversation.model,
        "url": f"/c/{conversation.id}",
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "state": state,
    }


def stream_url(message_id: int) -> str:
    """Where the events of an answer can be followed."""
    return f"/api/messages/{message_id}/stream"


def error_json(run: Run, locale: str | None = None) -> dict[str, str] | None:
    """A run's failure: its code, and its sentence in the language given or in force."""
    if not run.error_code:
        return None
    return {"code": run.error_code, "message": sentence(run.error_code, run.error_params or {}, locale)}


def message_json(message: Message, channel: Channel | None = None) -> dict[str, Any]:
    """A message; an answer that is being written has the text of its channel and the number of its last event."""
    answer = {
        "id": message.id,
        "role": str(message.role),
        "parent_id": message.parent_id,
        "content": message.content,
        "created_at": iso(message.created_at),
    }
    run = message.run
    if message.role == Role.USER or run is None:
        return answer
    last_event, thinking = 0, message.thinking
    if channel is not None and run.active:
        last_event, answer["content"], thinking = channel.snapshot()
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
        "attempt": run.attempt,
        "stream": stream_url(message.id),
        "last_event": last_event,
    }


def accepted_json(answer: Message) -> dict[str, Any]:
    """The first event of a run: what was stored, and where to follow it."""
    question = answer.parent
    return {
        "conversation": conversation_json(answer.conversation, str(answer.run.state) if answer.run else None),
        "user_message": message_json(question) if question else None,
        "message": message_json(answer),
        "stream": stream_url(answer.id),
    }
