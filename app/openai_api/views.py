"""Serve `/v1/models` and `/v1/chat/completions`."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from flask_babel import force_locale, get_locale

from app.engines.base import ChatRequest, Done, EngineEvent, Text, Thinking
from app.errors import AppError
from app.extensions import context_of, current_application, release_connection
from app.models import AccessToken
from app.openai_api import blueprint
from app.openai_api.schemas import ChatCompletionRequest, ResponseBuilder, error_json, model_json, sse_event
from app.security import token_required
from app.web import STREAM_HEADERS, generation

# While nothing is written, how often to check the connection and send a comment that keeps it open, in seconds.
SILENCE_S = 1.0
WAITING = b": waiting\n\n"
# Headers are sent after this many seconds at the latest; a failure before that gets its own HTTP status.
OPENING_S = 3.0

EngineEvents = Iterator[EngineEvent | None]


class ClientGoneError(Exception):
    """The client has closed the connection."""


@blueprint.get("/models")
@token_required
def models() -> Response:
    """List the models, the default one first."""
    registry = generation().registry
    default = registry.default().effective
    ordered = sorted(registry.models, key=lambda model: model.name != default)
    return jsonify({"object": "list", "data": [model_json(model, registry.engine.name) for model in ordered]})


@blueprint.get("/models/<path:name>")
@token_required
def model(name: str) -> Response:
    """Return one model; "default" is the default one."""
    registry, default = generation().registry, generation().registry.default()
    found = registry.find((default.effective or default.name) if name == "default" else name)
    return jsonify(model_json(found, registry.engine.name))


@blueprint.post("/chat/completions")
@token_required
def chat_completions() -> Response:
    """Answer the given messages, without our system prompt and without storing anything.

    The engine stops when the client disconnects or its token is revoked.
    """
    token: AccessToken = g.access_token
    body = ChatCompletionRequest.read()
    asked = _for_engine(body)
    with ExitStack() as ending:
        revoked = ending.enter_context(generation().streams.open(token.user_id, token.token_hash))
        completion = generation().complete(asked, token.user_id)
        ending.callback(completion.cancel)
        revoked.on_set(lambda: completion.fail(AppError("invalid_token")))
        # This thread may wait for minutes: for its turn, then for the model.
        release_connection()
        events = _while_connected(completion.events(SILENCE_S), request.environ.get("gunicorn.socket"))
        builder = ResponseBuilder(asked.model, include_usage=bool(body.include_usage))
        try:
            if not body.stream:
                return jsonify(_whole_answer(events, builder))
            begun = _first_events(events)
        except ClientGoneError:
            return Response(status=499)
        app = current_application()
        chunks = _chunks(chain(begun, events), builder, app, str(get_locale()))
        response = Response(chunks, mimetype="text/event-stream", headers=STREAM_HEADERS)
        response.call_on_close(ending.pop_all().close)
        return response


def _for_engine(body: ChatCompletionRequest) -> ChatRequest:
    """Return the engine's request, within the server's limits. Raises unknown_model, thinking_unsupported."""
    name = None if body.model == "default" else body.model
    model = generation().model_for(name, bool(body.think))
    longest = min(current_app.config["MAX_OUTPUT_TOKENS"], (model.context or current_app.config["CONTEXT_TOKENS"]) // 2)
    return ChatRequest(
        model.name,
        tuple(message.for_engine() for message in body.messages),
        think=bool(body.think) or (body.effort and model.thinking),
        max_tokens=min(body.limit or longest, longest),
        temperature=body.temperature,
        seed=body.seed,
        stop=body.stop,
    )


def _while_connected(events: EngineEvents, connection: socket.socket | None) -> EngineEvents:
    """Yield the same events; raise ClientGoneError once the client has closed the connection."""
    for event in events:
        if connection is not None and _closed(connection):
            raise ClientGoneError
        yield event


def _closed(connection: socket.socket) -> bool:
    """Return whether the client has closed the connection; leaves unread data in place."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _first_events(events: EngineEvents) -> list[EngineEvent]:
    """Wait up to OPENING_S for the first text; return it in a list, [] if none came."""
    deadline = time.monotonic() + OPENING_S
    for event in events:
        if isinstance(event, Text | Thinking | Done):
            return [event]
        if time.monotonic() >= deadline:
            break
    return []


def _whole_answer(events: EngineEvents, builder: ResponseBuilder) -> dict[str, Any]:
    """Collect the events and return the whole completion."""
    text, thinking = [], []
    for event in events:
        match event:
            case Text(more):
                text.append(more)
            case Thinking(more):
                thinking.append(more)
            case Done(reason, usage):
                return builder.whole("".join(text), "".join(thinking), reason, usage)
    raise AssertionError


def _chunks(events: Iterable[EngineEvent | None], builder: ResponseBuilder, app: Flask, locale: str) -> Iterator[bytes]:
    """Yield the chunks of the event stream; a failure during the stream is its last event."""
    first = builder.first()
    try:
        for event in events:
            match event:
                case Text(more) | Thinking(more):
                    yield first + builder.delta("content" if isinstance(event, Text) else "reasoning_content", more)
                    first = b""
                case Done(reason, usage):
                    yield first + builder.last(reason, usage)
                case None:
                    yield WAITING
    except ClientGoneError:
        return
    except AppError as error:
        with context_of(app), force_locale(locale):
            yield sse_event(error_json(error))
