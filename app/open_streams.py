"""Streams that are being followed, by the session or the token that opened them: revoking it ends them at once."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from flask import Flask, current_app, request

from app.models.types import digest


class OpenStreams:
    """Connections of this process, each by the hash of the token that opened it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[tuple[str, socket.socket | None]] = set()

    def join(self, token: str) -> Callable[[], None]:
        """Add the answer to this request, opened with that token; returns what to call at its end."""
        stream = (digest(token), request.environ.get("gunicorn.socket"))
        with self._lock:
            self._open.add(stream)

        def leave() -> None:
            with self._lock:
                self._open.discard(stream)

        return leave

    def end(self, *hashes: str) -> None:
        """End what was opened with these: the other side sees the end, comes back and is refused.

        The thread that follows meets it with its next write. The lock is held meanwhile: a connection whose stream has
        left may be answering something else.
        """
        with self._lock:
            for opened_with, connection in self._open:
                if opened_with in hashes and connection is not None:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)


def init_app(app: Flask) -> None:
    """Know those of this application."""
    app.extensions["open_streams"] = OpenStreams()


def open_streams() -> OpenStreams:
    """Those of this application."""
    found: OpenStreams = current_app.extensions["open_streams"]
    return found
