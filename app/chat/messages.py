"""Questions and answers: ask, correct, follow, stop, regenerate, go on. Answers are streams of events."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from flask import Flask, Response, current_app, jsonify

from app.bodies import body, field, name_field
from app.chat import blueprint
from app.chat.schemas import Question, after, question_text
from app.extensions import context_of
from app.generation.events import HEARTBEAT, Subscriber
from app.generation.serializers import message_json
from app.guards import current_user, member
from app.models import Conversation, LoginSession, Message
from app.models.base import digest
from app.models.branches import MessageTree
from app.web import STREAM_HEADERS, generation

# The head of an answer goes out with its first byte: while the engine is silent this says that the connection is there.
FOLLOWING = b": following\n\n"


def event_stream(begin: Callable[[], Subscriber]) -> Response:
    """The stream that `begin` gives; it holds a thread, no database connection. Raises too_many_streams before it."""
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
    """The same frames; with each sign of life a look whether another process, a command, has revoked the session."""
    for frame in frames:
        yield frame
        if frame == HEARTBEAT:
            with context_of(app):
                if LoginSession.user_of(token) is None:
                    return


@blueprint.post("/api/conversations/<string:conversation_id>/messages")
@member
def ask(conversation_id: str) -> Response:
    """Ask a question; the answer's events follow."""
    conversation = Conversation.of(current_user, conversation_id)
    question = Question.read()
    return event_stream(
        lambda: generation().ask(
            conversation,
            question.content,
            model=question.model,
            think=question.think,
            client_id=question.client_id,
            follows=question.follows,
        )
    )


@blueprint.get("/api/messages/<int:message_id>/stream")
@member
def follow(message_id: int) -> Response:
    """Follow an answer from the event after `?after=` or `Last-Event-ID`."""
    number, attempt = after()
    answer = Message.answer_of(current_user, message_id)

    def begin() -> Subscriber:
        subscriber = generation().follow(answer, number, attempt)
        subscriber.first = FOLLOWING + subscriber.first
        return subscriber

    return event_stream(begin)


@blueprint.patch("/api/messages/<int:message_id>")
@member
def correct(message_id: int) -> Response:
    """Change the words of a question without asking it again. Raises run_active."""
    question = Message.question_of(current_user, message_id)
    content = question_text(body())
    with generation().exclusive(question.conversation):
        question.correct(content)
    generation().prefill.forget(question.conversation_id)
    return jsonify(message_json(question, siblings=MessageTree(question.conversation).siblings(question.id)))


@blueprint.post("/api/messages/<int:message_id>/stop")
@member
def stop(message_id: int) -> tuple[Response, int]:
    """Stop an answer, queued or being written."""
    return jsonify({"status": generation().stop_answer(Message.answer_of(current_user, message_id))}), 202


@blueprint.post("/api/messages/<int:message_id>/regenerate")
@member
def regenerate(message_id: int) -> Response:
    """Write another answer to the same question, with another model if one is given."""
    answer = Message.answer_of(current_user, message_id)
    data = body()
    model, think = name_field(data, "model"), field(data, "think", bool)
    return event_stream(lambda: generation().regenerate(answer, model=model, think=think))


@blueprint.post("/api/messages/<int:message_id>/continue")
@member
def go_on(message_id: int) -> Response:
    """Go on writing an answer that did not reach its end."""
    answer = Message.answer_of(current_user, message_id)
    return event_stream(lambda: generation().resume(answer))
