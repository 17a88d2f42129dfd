"""An answer on its way to a program: in chunks or whole, and ended as soon as the program has gone."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

from flask import Flask, Response, current_app, jsonify, request
from flask_babel import force_locale, get_locale

from app.api.errors import error_json
from app.api.shapes import Shapes, event
from app.engines.base import ChatRequest, Done, EngineEvent, Text, Thinking
from app.errors import AppError
from app.extensions import context_of, release_connection
from app.generation.service import Generation
from app.models.base import digest
from app.web import STREAM_HEADERS

# How often a connection on which nothing is written is looked at, and told that the answer is still to come.
SILENCE_S = 1.0
WAITING = b": waiting\n\n"
# A stream begins after this long at the latest: a failure until then has its own status.
OPENING_S = 3.0

Heard = Iterator[EngineEvent | None]


class ClientGoneError(Exception):
    """Nobody reads the answer any more."""


def deliver(generation: Generation, asked: ChatRequest, user_id: int, *, stream: bool, include_usage: bool) -> Response:
    """Put it in the queue and answer; however that ends, the engine does not go on for nobody. Raises AppError."""
    with ExitStack() as ending:
        revoked = ending.enter_context(generation.streams.open(user_id, digest(_token())))
        completion = generation.complete(asked, user_id)
        ending.callback(completion.cancel)
        revoked.on_set(lambda: completion.fail(AppError("invalid_token")))
        # This thread may wait for long: for its turn, then for the model.
        release_connection()
        heard = _while_connected(completion.events(SILENCE_S), request.environ.get("gunicorn.socket"))
        shapes = Shapes(asked.model, include_usage=include_usage)
        try:
            if not stream:
                return jsonify(_whole(heard, shapes))
            begun = _opening(heard)
        except ClientGoneError:
            return Response(status=499)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        chunks = _chunks(chain(begun, heard), shapes, app, str(get_locale()))
        response = Response(chunks, mimetype="text/event-stream", headers=STREAM_HEADERS)
        response.call_on_close(ending.pop_all().close)
        return response


def _token() -> str:
    """What the program brought."""
    return str(request.authorization.token if request.authorization else "")


def _while_connected(events: Heard, connection: socket.socket | None) -> Heard:
    """The same events; raises ClientGoneError once the connection is closed at its other end."""
    for heard in events:
        if connection is not None and _closed(connection):
            raise ClientGoneError
        yield heard


def _closed(connection: socket.socket) -> bool:
    """Whether the other end has closed; what it may have sent meanwhile stays to be read."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _opening(heard: Heard) -> list[EngineEvent]:
    """What came first, if that was soon."""
    deadline = time.monotonic() + OPENING_S
    for happened in heard:
        if isinstance(happened, Text | Thinking | Done):
            return [happened]
        if time.monotonic() >= deadline:
            break
    return []


def _whole(heard: Heard, shapes: Shapes) -> dict[str, Any]:
    text, thinking = [], []
    for happened in heard:
        match happened:
            case Text(more):
                text.append(more)
            case Thinking(more):
                thinking.append(more)
            case Done(reason, usage):
                return shapes.whole("".join(text), "".join(thinking), reason, usage)
    raise AssertionError


def _chunks(heard: Iterable[EngineEvent | None], shapes: Shapes, app: Flask, locale: str) -> Iterator[bytes]:
    """The event stream; a failure that comes after its beginning is its last event."""
    first = shapes.first()
    try:
        for happened in heard:
            match happened:
                case Text(more):
                    yield first + shapes.delta("content", more)
                    first = b""
                case Thinking(more):
                    yield first + shapes.delta("reasoning_content", more)
                    first = b""
                case Done(reason, usage):
                    yield first + shapes.last(reason, usage)
                case None:
                    yield WAITING
    except ClientGoneError:
        return
    except AppError as error:
        with context_of(app), force_locale(locale):
            yield event(error_json(error))
