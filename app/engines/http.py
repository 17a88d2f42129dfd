"""HTTP with an engine: small questions, and streamed answers that another thread can cut even before the first byte."""

import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Iterator
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from urllib3.exceptions import NewConnectionError

from app.engines.base import Cancel
from app.engines.frames import Frames
from app.errors import AppError

CONNECT_TIMEOUT_S = 2.0
# Less than the 3 s within which an engine that is not there must be said to be so.
QUERY_TIMEOUT_S = 2.5
COMMAND_TIMEOUT_S = 30.0
# Of a refusal, in bytes.
REFUSAL_SIZE = 8000


def _reset(connection_socket: socket.socket) -> None:
    """Wake the thread that reads this socket and make the later close a reset.

    A reset is noticed by llama.cpp at its next write, a plain close only at the second one.
    """
    with contextlib.suppress(OSError):
        connection_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection_socket.shutdown(socket.SHUT_RDWR)


def direct() -> requests.Session:
    """A session for which no proxy of the environment is used: what it speaks to is on this network."""
    session = requests.Session()
    session.trust_env = False
    return session


def refusal(response: HTTPResponse) -> str:
    """The beginning of the text of an answer that is no stream, as far as it comes."""
    try:
        return response.read(REFUSAL_SIZE).decode(errors="replace")[:2000]
    except (OSError, HTTPException):
        return ""


class Exchanges:
    """HTTP with one engine. `label` names it in failures; a proxy of the environment is never used."""

    def __init__(self, label: str, *, read_timeout_s: float) -> None:
        self._label = label
        self._read_timeout_s = read_timeout_s

    def query(self, url: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        """GET a small document; raises engine_unreachable."""
        try:
            return self._asked("GET", url, QUERY_TIMEOUT_S, headers=headers)
        except requests.RequestException as error:
            raise self.unreachable(error) from error

    def command(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> requests.Response:
        """POST something small to be done; raises engine_unreachable or engine_cut."""
        try:
            return self._asked("POST", url, COMMAND_TIMEOUT_S, headers=headers, json=body)
        except requests.ConnectionError as error:
            refused = isinstance(getattr(error.args[0], "reason", None), NewConnectionError)
            raise (self.unreachable(error) if refused else self.failure("engine_cut", error)) from error
        except requests.RequestException as error:
            raise self.unreachable(error) from error

    @contextlib.contextmanager
    def post(
        self,
        url: str,
        body: dict[str, Any],
        cancel: Cancel,
        *,
        headers: dict[str, str] | None = None,
        silence_s: float | None = None,
    ) -> Iterator[HTTPResponse]:
        """POST and give the response as soon as its head is there.

        `silence_s`: the longest silence, else the read timeout. Raises engine_unreachable when no connection can
        be made, engine_silent when nothing comes for so long, engine_cut when the connection ends before the head.
        """
        # Without the library of the small questions, which takes twice as long to send a request.
        with contextlib.closing(self._connection(url)) as connection:
            wire = connection.sock
            wire.settimeout(silence_s or self._read_timeout_s)
            cut = partial(_reset, wire)
            cancel.on_set(cut)
            try:
                with self._answered(connection, url, body, headers or {}) as response:
                    yield response
            finally:
                cancel.forget(cut)

    def _asked(self, method: str, url: str, timeout_s: float, **more: Any) -> requests.Response:
        # One question a session: the engine could close a kept connection at the moment it is used again.
        with direct() as session:
            return session.request(method, url, timeout=(CONNECT_TIMEOUT_S, timeout_s), **more)

    def _connection(self, url: str) -> HTTPConnection:
        """A new connection to the host of that address; raises engine_unreachable."""
        try:
            parts = urlsplit(url)
            connection = (
                HTTPSConnection(parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT_S, context=self._trust)
                if parts.scheme == "https"
                else HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT_S)
            )
            connection.connect()
        except (OSError, ValueError, HTTPException) as error:
            raise self.unreachable(error) from error
        return connection

    def _answered(
        self, connection: HTTPConnection, url: str, body: dict[str, Any], headers: dict[str, str]
    ) -> HTTPResponse:
        """The head of the answer to a request; raises engine_silent, engine_cut."""
        # An engine that closes its connection tells the end of an answer at once, whatever a frame waits for.
        headers = {"Content-Type": "application/json", "Connection": "close"} | headers
        try:
            connection.request("POST", urlsplit(url).path, json.dumps(body).encode(), headers)
            return connection.getresponse()
        except TimeoutError as error:
            raise self.failure("engine_silent", error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self.failure("engine_cut", error) from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The authorities that the small questions trust."""
        return ssl.create_default_context(cafile=certifi.where())

    def frames(self, response: HTTPResponse) -> Frames:
        """The lines of an answer as they arrive."""
        return Frames(response, self.failure)

    def failure(self, code: str, cause: object) -> AppError:
        """An engine failure that names this engine."""
        return AppError(code, cause=str(cause)[:1000], engine=self._label)

    def unreachable(self, error: Exception) -> AppError:
        """The failure of not getting a connection at all."""
        return self.failure("engine_unreachable", error)
