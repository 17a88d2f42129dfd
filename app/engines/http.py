"""Streamed HTTP exchanges that another thread can cut at any moment, even before the first byte."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from app.engines.base import Cancel
from app.engines.frames import Frames
from app.errors import AppError

CONNECT_TIMEOUT_S = 2.0
# Less than the 3 s within which an engine that is not there must be said to be so.
QUERY_TIMEOUT_S = 2.5
COMMAND_TIMEOUT_S = 30.0

_current = threading.local()


def _reset(connection_socket: socket.socket) -> None:
    """Wake the thread that reads this socket and make the later close a reset.

    A reset is noticed by llama.cpp at its next write, a plain close only at the second one.
    """
    with contextlib.suppress(OSError):
        connection_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection_socket.shutdown(socket.SHUT_RDWR)


class _Cuttable:
    """Registers the socket of each request with the Cancel of the thread that sends it."""

    sock: socket.socket | None

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc]
        cut = getattr(_current, "cut", None)
        if cut is not None and self.sock is not None:
            cut(self.sock)


class _Connection(_Cuttable, HTTPConnection):
    pass


class _SecureConnection(_Cuttable, HTTPSConnection):
    pass


class _Once:
    """A connection serves one request: the engine closes it, and may do so before we could ask again."""

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.close()
        super()._put_conn(None)  # type: ignore[misc]


class _Pool(_Once, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_Once, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class Exchanges:
    """HTTP with one engine. `label` names it in failures; a proxy of the environment is never used."""

    def __init__(self, label: str, *, read_timeout_s: float, headers: dict[str, str] | None = None) -> None:
        self._label = label
        self._read_timeout_s = read_timeout_s
        self._template: tuple[tuple[str, dict[str, str]], requests.PreparedRequest] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        # An engine that closes its connection tells the end of an answer at once, whatever a frame waits for.
        self._session.headers.update({"Accept-Encoding": "identity", "Connection": "close"} | (headers or {}))
        adapter = _Adapter(pool_connections=4, pool_maxsize=256)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def query(self, url: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        """GET a small document; raises engine_unreachable."""
        try:
            return self._session.get(url, headers=headers, timeout=(CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S))
        except requests.RequestException as error:
            raise self.unreachable(error) from error

    def command(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> requests.Response:
        """POST something small to be done; raises engine_unreachable or engine_cut."""
        try:
            return self._session.post(url, json=body, headers=headers, timeout=(CONNECT_TIMEOUT_S, COMMAND_TIMEOUT_S))
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
        sent: Callable[[], None] = lambda: None,
    ) -> Iterator[requests.Response]:
        """POST and give the response as soon as its head is there; `sent()` is called before that is waited for.

        `silence_s`: the longest silence, else the read timeout. Raises engine_unreachable when no connection can
        be made, engine_silent when nothing comes for so long, engine_cut when the connection ends before the head.
        """
        prepared = self._prepared(url, headers or {})
        prepared.prepare_body(None, None, body)
        registered: list[partial[None]] = []

        def register(connection_socket: socket.socket) -> None:
            sent()
            callback = partial(_reset, connection_socket)
            registered.append(callback)
            cancel.on_set(callback)

        _current.cut = register
        try:
            timeout = (CONNECT_TIMEOUT_S, silence_s or self._read_timeout_s)
            response = self._session.get_adapter(url).send(prepared, stream=True, timeout=timeout)
        except (requests.ConnectTimeout, requests.exceptions.InvalidURL) as error:
            raise self.unreachable(error) from error
        except requests.ReadTimeout as error:
            raise self.failure("engine_silent", error) from error
        except requests.RequestException as error:
            raise self.failure("engine_cut", error) if registered else self.unreachable(error) from error
        finally:
            _current.cut = None
        try:
            yield response
        finally:
            for callback in registered:
                cancel.forget(callback)
            response.close()

    def _prepared(self, url: str, headers: dict[str, str]) -> requests.PreparedRequest:
        """A copy of the request to that address: preparing each anew takes longer than sending it."""
        template = self._template
        if template is None or template[0] != (url, headers):
            request = requests.Request("POST", url, headers=headers, json={})
            # Another thread may put its own here meanwhile.
            template = self._template = ((url, headers), self._session.prepare_request(request))
        return template[1].copy()

    def frames(self, response: requests.Response) -> Frames:
        """The lines of an answer as they arrive."""
        return Frames(response, self.failure)

    def failure(self, code: str, cause: object) -> AppError:
        """An engine failure that names this engine."""
        return AppError(code, cause=str(cause)[:1000], engine=self._label)

    def unreachable(self, error: Exception) -> AppError:
        """The failure of not getting a connection at all."""
        return self.failure("engine_unreachable", error)
