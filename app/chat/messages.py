"""The API of messages: ask, correct, follow, stop, regenerate, continue, rate, branches. Answers are event streams."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Annotated, Literal

from flask import Flask, Response, jsonify, request
from pydantic import AfterValidator, Field

from app.chat import blueprint
from app.chat.conversations import conversation_with_messages
from app.errors import AppError
from app.extensions import context_of, current_application
from app.generation.events import HEARTBEAT, Subscriber
from app.generation.serializers import conversation_json, message_json, rating_json
from app.models import Conversation, LoginSession, Message, ParentRef, Rating, Role
from app.models.attachments import NOTHING
from app.models.base import digest
from app.models.branches import MessageTree
from app.models.ratings import MAX_REASON
from app.security import current_user
from app.text import clean
from app.web import MAX_CONTENT, STREAM_HEADERS, JsonRequest, Name, Number, Text, at_most, generation, of_text

# Sent at once: gunicorn sends the headers with the first bytes, and the engine may be silent for long.
FOLLOWING = b": following\n\n"
# More than fit into a question.
MOST_PASSAGES = 100
# The number of an event or of an attempt.
NUMBER = re.compile("[0-9]{1,9}")


def event_stream(begin: Callable[[], Subscriber]) -> Response:
    """Return an event stream of the subscriber from `begin`; it holds a thread, but no database connection.

    It ends when the user's session ends. Raises too_many_streams, before calling `begin`.
    """
    with ExitStack() as ending:
        streams = generation().streams
        revoked = ending.enter_context(streams.open(current_user.id, digest(current_user.session_token)))
        subscriber = begin()
        app = current_application()
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


def _not_blank(text: str) -> str:
    if not text.strip():
        raise AppError("blank_message")
    return text


# The text of a question; raises blank_message, too_large.
QuestionText = Annotated[Text, AfterValidator(_not_blank), at_most(MAX_CONTENT)]


class AskRequest(JsonRequest):
    """A question to ask in a conversation."""

    content: QuestionText = ""
    client_id: Annotated[str, Field(pattern=r"^[\w-]{0,64}$")] = ""
    model: Name = None
    think: bool = False
    # An explicit null means the beginning of the conversation; a missing field means its end.
    parent_id: Number | None = None
    at_end: bool = False
    # Ids of files, and of the passages of them to answer from, in the order of their numbers.
    files: list[Text] = []
    passages: Annotated[list[Number], Field(max_length=MOST_PASSAGES)] = []
    # When to read files that are too long to be read at once, part by part.
    whole: Literal["idle", "night"] | None = None

    @property
    def follows(self) -> ParentRef:
        """The message that the question follows."""
        first = "parent_id" in self.model_fields_set and self.parent_id is None
        return ParentRef(self.parent_id, first=first, at_end=self.at_end)


@blueprint.post("/api/conversations/<string:conversation_id>/messages")
def ask(conversation_id: str) -> Response:
    """Ask a question; the response is the answer's event stream."""
    conversation = Conversation.of(current_user, conversation_id)
    asked = AskRequest.read()
    model, attachment = asked.model, NOTHING
    if asked.files or asked.passages:
        model = generation().model_for(asked.model or conversation.model, asked.think).name
        attachment = generation().attachment(
            current_user, asked.files, model, passages=asked.passages, timing=asked.whole
        )
    return event_stream(
        lambda: generation().ask(
            conversation,
            asked.content,
            model=model,
            think=asked.think,
            client_id=asked.client_id or secrets.token_hex(16),
            follows=asked.follows,
            attachment=attachment,
        )
    )


def _after() -> tuple[int, int | None]:
    """Return the number of the last event that the client received, and its attempt if given; raises invalid_field."""
    number = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    attempt = request.args.get("attempt", "")
    if not NUMBER.fullmatch(number):
        raise AppError("invalid_field", field="after")
    return int(number), int(attempt) if NUMBER.fullmatch(attempt) else None


@blueprint.get("/api/messages/<int:message_id>/stream")
def follow(message_id: int) -> Response:
    """Follow an answer from after the event given by `?after=` or `Last-Event-ID`.

    With `?wait=0` the response ends with what there is now: for pages that may not hold a connection open.
    """
    number, attempt = _after()
    answer = Message.of(current_user, message_id, Role.ASSISTANT)

    def begin() -> Subscriber:
        subscriber = generation().follow(answer, number, attempt)
        subscriber.first = FOLLOWING + subscriber.first
        return subscriber

    if request.args.get("wait") == "0":
        return Response(begin().frames_so_far(), mimetype="text/event-stream", headers=STREAM_HEADERS)
    return event_stream(begin)


class CorrectRequest(JsonRequest):
    """A question's new text."""

    content: QuestionText = ""


@blueprint.patch("/api/messages/<int:message_id>")
def correct(message_id: int) -> Response:
    """Change a question's text without asking it again. Raises run_active."""
    question = Message.of(current_user, message_id, Role.USER)
    content = CorrectRequest.read().content
    generation().changes.correct(question, content)
    return jsonify(message_json(question, siblings=MessageTree(question.conversation).siblings(question.id)))


@blueprint.post("/api/messages/<int:message_id>/stop")
def stop(message_id: int) -> tuple[Response, int]:
    """Stop an answer that is queued or running."""
    return jsonify({"status": generation().stop_answer(Message.of(current_user, message_id, Role.ASSISTANT))}), 202


class RegenerateRequest(JsonRequest):
    """How to write another answer; None: as the first one."""

    model: Name = None
    think: bool | None = None


@blueprint.post("/api/messages/<int:message_id>/regenerate")
def regenerate(message_id: int) -> Response:
    """Write another answer to the same question, with another model if given."""
    answer = Message.of(current_user, message_id, Role.ASSISTANT)
    asked = RegenerateRequest.read()
    return event_stream(lambda: generation().regenerate(answer, model=asked.model, think=asked.think))


@blueprint.post("/api/messages/<int:message_id>/continue")
def continue_answer(message_id: int) -> Response:
    """Continue an answer that was cut off."""
    answer = Message.of(current_user, message_id, Role.ASSISTANT)
    return event_stream(lambda: generation().resume(answer))


class RatingRequest(JsonRequest):
    """The rating of an answer."""

    good: bool
    reason: Annotated[str, of_text(lambda text: " ".join(clean(text).split())), at_most(MAX_REASON)] = ""


@blueprint.put("/api/messages/<int:message_id>/rating")
def rate(message_id: int) -> Response:
    """Rate an answer as good or bad, with an optional reason."""
    answer = Message.of(current_user, message_id, Role.ASSISTANT)
    rating = RatingRequest.read()
    return jsonify(rating_json(Rating.give(answer, good=rating.good, reason=rating.reason)))


@blueprint.delete("/api/messages/<int:message_id>/rating")
def delete_rating(message_id: int) -> tuple[str, int]:
    """Remove an answer's rating."""
    Rating.take_back(Message.of(current_user, message_id, Role.ASSISTANT))
    return "", 204


class ShowBranchRequest(JsonRequest):
    """A message whose branch to show."""

    message_id: Number


@blueprint.put("/api/conversations/<string:conversation_id>/head")
def show_branch(conversation_id: str) -> Response:
    """Switch to the branch that contains `message_id`, down to its newest message. Raises run_active."""
    conversation = Conversation.of(current_user, conversation_id)
    wanted = ShowBranchRequest.read().message_id
    generation().changes.show_branch(conversation, wanted)
    return jsonify(conversation_with_messages(conversation))


@blueprint.delete("/api/messages/<int:message_id>")
def delete_turn(message_id: int) -> Response:
    """Delete a question, its answers and everything after them. Raises run_active.

    `removed` in the response identifies the deleted messages for `restore_turn`.
    """
    question = Message.of(current_user, message_id, Role.USER)
    conversation, parent_id = question.conversation, question.parent_id
    removed = generation().changes.remove_turn(question)
    return jsonify(
        conversation_with_messages(conversation) | {"removed": {"removed": removed.id, "parent_id": parent_id}}
    )


class RestoreTurnRequest(JsonRequest):
    """A deleted turn to restore: the id that `delete_turn` returned, and the message that it follows."""

    removed: Text
    parent_id: Number | None = None


@blueprint.post("/api/conversations/<string:conversation_id>/turns")
def restore_turn(conversation_id: str) -> Response:
    """Undo `delete_turn`, given the `removed` that it returned. Raises run_active, unknown_parent."""
    conversation = Conversation.of(current_user, conversation_id)
    asked = RestoreTurnRequest.read()
    removed = Conversation.of(current_user, asked.removed, deleted=True)
    if removed is conversation:
        raise AppError("not_found")
    generation().changes.restore_turn(conversation, removed, asked.parent_id)
    return jsonify(conversation_with_messages(conversation))


@blueprint.post("/api/messages/<int:message_id>/branch")
def copy_branch(message_id: int) -> tuple[Response, int]:
    """Copy the messages up to an answer into a new conversation. Raises run_active."""
    answer = Message.of(current_user, message_id, Role.ASSISTANT)
    return jsonify(conversation_json(generation().changes.copy_branch(answer))), 201
