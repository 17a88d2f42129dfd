"""JSON of conversations, messages and ratings, for the scripts in the pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engines.catalogue import DEMO
from app.errors import sentence
from app.extensions import db
from app.generation.events import EventStream
from app.generation.model_registry import DefaultModel, ModelRegistry
from app.generation.prompt import is_unread
from app.models import Conversation, Message, Rating, Role, Run
from app.models.attachments import Digest, files_of
from app.models.base import iso
from app.models.branches import MessageTree
from app.models.passages import excerpts_of


def conversation_json(conversation: Conversation, state: str | None = None, unread: bool = False) -> dict[str, Any]:
    """Return a conversation without its messages; `state` is "queued" or "running" while it is being answered.

    `unread`: its last answer has ended and the user has not seen it.
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
    """Return the URL of an answer's event stream."""
    return f"/api/messages/{message_id}/stream"


def error_json(answer: Message) -> dict[str, str] | None:
    """Return the code and the sentence, in the request's language, of why an answer failed; None if it did not."""
    run = answer.run
    if run is None or not run.error_code:
        return None
    words = sentence(run.error_code, run.error_params or {}, midway=bool(answer.content))
    return {"code": run.error_code, "message": words}


def attachments_json(messages: Sequence[Message]) -> dict[int, dict[str, Any]]:
    """Return the files and the passages that questions were asked with, by question; none for the other messages."""
    asked = [message.id for message in messages if message.attached]
    if not asked:
        return {}
    files, passages = files_of(asked), excerpts_of(asked)
    return {
        question: {
            "files": [
                {"id": file.id, "name": file.name, "kind": file.kind, "pages": file.pages, "tokens": file.tokens}
                for file in files.get(question, ())
            ],
            "passages": [
                {"number": number} | passage._asdict() for number, passage in passages.get(question, {}).items()
            ],
        }
        for question in asked
    }


def message_json(
    message: Message,
    events: EventStream | None = None,
    siblings: Sequence[int] | None = None,
    attachments: Mapping[int, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a message; for an answer in progress, text and last event number come from `events`.

    `siblings`: ids of all versions of the message, itself included; None if it is the only one. `attachments`: those of
    all messages that are shown, so that the database is asked once; None looks up those of this message.
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
        if attachments is None:
            attachments = attachments_json([message])
        attached = attachments.get(message.id, {"files": [], "passages": []})
        return answer | {"edited_at": iso(message.edited_at)} | attached
    last_event, thinking = 0, message.thinking
    if events is not None and run.active:
        last_event, answer["content"], thinking = events.text()
    return answer | {
        "thinking": thinking,
        "model": run.model,
        "think": run.think,
        "status": str(run.state),
        "reason": run.reason,
        "error": error_json(message),
        "metrics": run.metrics,
        "finished_at": iso(run.finished_at),
        "left_out": _left_out(run) if run.left_out or run.unread else None,
        "sources": run.sources,
        "part": _part(message) if run.active else None,
        "rating": rating_json(message.rating) if message.rating else None,
        "attempt": run.attempt,
        "stream": stream_url(message.id),
        "last_event": last_event,
    }


def _part(answer: Message) -> dict[str, Any] | None:
    """Return how far the long documents of an answer's question are read; None if it has none to be read."""
    question = answer.parent
    if question is None or not is_unread(question.attached):
        return None
    digest = db.session.get(Digest, question.id, populate_existing=True)
    return digest.progress if digest else None


def _left_out(run: Run) -> dict[str, Any]:
    return {"count": run.left_out, "first_read": run.first_read, "unread": run.unread or []}


def rating_json(rating: Rating) -> dict[str, Any]:
    """Return the user's rating of an answer."""
    return {"good": rating.good, "reason": rating.reason}


def accepted_json(answer: Message, tree: MessageTree | None = None) -> dict[str, Any]:
    """Return the data of a run's first event: the stored messages and the stream's URL. `tree`: where there may be
    other versions.
    """
    question = answer.parent

    def with_versions(message: Message) -> dict[str, Any]:
        return message_json(message, siblings=tree.siblings(message.id) if tree else None)

    return {
        "conversation": conversation_json(answer.conversation, str(answer.run.state) if answer.run else None),
        "user_message": with_versions(question) if question else None,
        "message": with_versions(answer),
        "stream": stream_url(answer.id),
    }


def engine_json(registry: ModelRegistry, default: DefaultModel) -> dict[str, Any]:
    """Return the engine; `demo`: answers come from the demonstration model."""
    engine = registry.engine
    demo = engine.name == "embedded" and default.effective == DEMO
    return {"name": engine.name, "label": engine.label, "reachable": registry.reachable, "demo": demo}
