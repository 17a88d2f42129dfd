"""The API of messages: ask, correct, follow, stop, regenerate, continue, rate, branches. Answers are event streams."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from flask import Flask, Response, current_app, jsonify

from app.chat import blueprint
from app.chat.conversations import conversation_with_messages
from app.chat.schemas import (
    AskRequest,
    CorrectRequest,
    RatingRequest,
    RegenerateRequest,
    RestoreTurnRequest,
    ShowBranchRequest,
    after,
)
from app.errors import AppError
from app.extensions import context_of
from app.generation.events import HEARTBEAT, Subscriber
from app.generation.serializers import conversation_json, message_json, rating_json
from app.models import Conversation, LoginSession, Message, Rating
from app.models.base import digest
from app.models.branches import MessageTree
from app.security import current_user, login_required
from app.web import STREAM_HEADERS, generation

# Sent at once: gunicorn sends the headers with the first bytes, and the engine may be silent for long.
FOLLOWING = b": following\n\n"


def event_stream(begin: Callable[[], Subscriber]) -> Response:
    """Return an event stream of the subscriber from `begin`; it holds a thread, but no database connection.

    It ends when the user's session ends. Raises too_many_streams, before calling `begin`.
    """
    with ExitStack() as ending:
        streams = generation().streams
        revoked = ending.enter_context(streams.open(current_user.id, digest(current_user.session_token)))
        subscriber = begin()
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        frames = _while_signed_in(subscriber.frames(revoked), app, current_user.session_token)
        response = Response(frames, mimetype="text/event-stream", headers=STREAM_HEADERS)
        response.call_on_close(ending.pop_all().close)
        return response


def _while_signed_in(frames: Iterable[bytes], app: Flask, token: str) -> Iterator[bytes]:
    """Yield the same frames; check at each heartbeat whether another process, such as a command, closed the session."""
    for frame in frames:
        yield frame
        if frame == HEARTBEAT:
            with context_of(app):
                if LoginSession.user_of(token) is None:
                    return


@blueprint.post("/api/conversations/<string:conversation_id>/messages")
@login_required
def ask(conversation_id: str) -> Response:
    """Ask a question; the response is the answer's event stream."""
    conversation = Conversation.of(current_user, conversation_id)
    asked = AskRequest.read()
    return event_stream(
        lambda: generation().ask(
            conversation,
            asked.content,
            model=asked.model,
            think=asked.think,
            client_id=asked.client_id or secrets.token_hex(16),
            follows=asked.follows,
        )
    )


@blueprint.get("/api/messages/<int:message_id>/stream")
@login_required
def follow(message_id: int) -> Response:
    """Follow an answer from after the event given by `?after=` or `Last-Event-ID`."""
    number, attempt = after()
    answer = Message.answer_of(current_user, message_id)

    def begin() -> Subscriber:
        subscriber = generation().follow(answer, number, attempt)
        subscriber.first = FOLLOWING + subscriber.first
        return subscriber

    return event_stream(begin)


@blueprint.patch("/api/messages/<int:message_id>")
@login_required
def correct(message_id: int) -> Response:
    """Change a question's text without asking it again. Raises run_active."""
    question = Message.question_of(current_user, message_id)
    content = CorrectRequest.read().content
    generation().changes.correct(question, content)
    return jsonify(message_json(question, siblings=MessageTree(question.conversation).siblings(question.id)))


@blueprint.post("/api/messages/<int:message_id>/stop")
@login_required
def stop(message_id: int) -> tuple[Response, int]:
    """Stop an answer that is queued or running."""
    return jsonify({"status": generation().stop_answer(Message.answer_of(current_user, message_id))}), 202


@blueprint.post("/api/messages/<int:message_id>/regenerate")
@login_required
def regenerate(message_id: int) -> Response:
    """Write another answer to the same question, with another model if given."""
    answer = Message.answer_of(current_user, message_id)
    asked = RegenerateRequest.read()
    return event_stream(lambda: generation().regenerate(answer, model=asked.model, think=asked.think))


@blueprint.post("/api/messages/<int:message_id>/continue")
@login_required
def go_on(message_id: int) -> Response:
    """Continue an answer that was cut off."""
    answer = Message.answer_of(current_user, message_id)
    return event_stream(lambda: generation().resume(answer))


@blueprint.put("/api/messages/<int:message_id>/rating")
@login_required
def rate(message_id: int) -> Response:
    """Rate an answer as good or bad, with an optional reason."""
    answer = Message.answer_of(current_user, message_id)
    rating = RatingRequest.read()
    return jsonify(rating_json(Rating.give(answer, good=rating.good, reason=rating.reason)))


@blueprint.delete("/api/messages/<int:message_id>/rating")
@login_required
def take_rating_back(message_id: int) -> tuple[str, int]:
    """Remove an answer's rating."""
    Rating.take_back(Message.answer_of(current_user, message_id))
    return "", 204


@blueprint.put("/api/conversations/<string:conversation_id>/head")
@login_required
def show_branch(conversation_id: str) -> Response:
    """Switch to the branch that contains `message_id`, down to its newest message. Raises run_active."""
    conversation = Conversation.of(current_user, conversation_id)
    wanted = ShowBranchRequest.read().message_id
    generation().changes.show_branch(conversation, wanted)
    return jsonify(conversation_with_messages(conversation))


@blueprint.delete("/api/messages/<int:message_id>")
@login_required
def delete_turn(message_id: int) -> Response:
    """Delete a question, its answers and everything after them. Raises run_active.

    `removed` in the response identifies the deleted messages for `put_turn_back`.
    """
    question = Message.question_of(current_user, message_id)
    conversation, parent_id = question.conversation, question.parent_id
    removed = generation().changes.remove_turn(question)
    return jsonify(
        conversation_with_messages(conversation) | {"removed": {"removed": removed.id, "parent_id": parent_id}}
    )


@blueprint.post("/api/conversations/<string:conversation_id>/turns")
@login_required
def put_turn_back(conversation_id: str) -> Response:
    """Undo `delete_turn`, given the `removed` that it returned. Raises run_active, unknown_parent."""
    conversation = Conversation.of(current_user, conversation_id)
    asked = RestoreTurnRequest.read()
    removed = Conversation.of(current_user, asked.removed, deleted=True)
    if removed is conversation:
        raise AppError("not_found")
    generation().changes.restore_turn(conversation, removed, asked.parent_id)
    return jsonify(conversation_with_messages(conversation))


@blueprint.post("/api/messages/<int:message_id>/branch")
@login_required
def branch_off(message_id: int) -> tuple[Response, int]:
    """Copy the messages up to an answer into a new conversation. Raises run_active."""
    answer = Message.answer_of(current_user, message_id)
    return jsonify(conversation_json(generation().changes.copy_branch(answer))), 201
