"""Streamed HTTP exchanges that another thread can cut at any moment, even before the first byte."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from app.engines.base import Cancel
from app.errors import AppError

CONNECT_TIMEOUT_S = 2.0
# Less than the 3 s within which an engine that is not there must be said to be so.
QUERY_TIMEOUT_S = 2.5
READ_SIZE = 65536
# A line longer than this is no event of any engine.
LINE_LIMIT = 16 * 1024 * 1024

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


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
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
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept-Encoding": "identity"} | (headers or {}))
        adapter = _Adapter(pool_connections=4, pool_maxsize=256)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def query(self, url: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        """GET a small document; raises engine_unreachable."""
        try:
            return self._session.get(url, headers=headers, timeout=(CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S))
        except requests.RequestException as error:
            raise self.unreachable(error) from error

    @contextlib.contextmanager
    def post(
        self, url: str, body: dict[str, Any], cancel: Cancel, *, headers: dict[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """POST and give the response as soon as its head is there.

        Raises engine_unreachable when no connection can be made, engine_silent when nothing comes for the
        read timeout, engine_cut when the connection ends before the head.
        """
        registered: list[partial[None]] = []

        def register(connection_socket: socket.socket) -> None:
            callback = partial(_reset, connection_socket)
            registered.append(callback)
            cancel.on_set(callback)

        _current.cut = register
        try:
            response = self._session.post(
                url, json=body, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, self._read_timeout_s)
            )
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

    def lines(self, response: requests.Response) -> Iterator[bytes]:
        """Whole lines as they arrive, without their line ends; raises engine_cut, engine_silent, engine_garbled."""
        tail = b""
        while True:
            try:
                chunk = response.raw.read1(READ_SIZE)
            except HTTPError as error:
                code = "engine_silent" if "timed out" in str(error).lower() else "engine_cut"
                raise self.failure(code, error) from error
            except (OSError, ValueError, AttributeError) as error:
                raise self.failure("engine_cut", error) from error
            if not chunk:
                break
            *complete, tail = (tail + chunk).split(b"\n")
            for line in complete:
                yield line.rstrip(b"\r")
            if len(tail) > LINE_LIMIT:
                raise self.failure("engine_garbled", f"a line of more than {LINE_LIMIT} bytes")
        if tail:
            yield tail

    def failure(self, code: str, cause: object) -> AppError:
        """An engine failure that names this engine."""
        return AppError(code, cause=str(cause)[:1000], engine=self._label)

    def unreachable(self, error: Exception) -> AppError:
        """The failure of not getting a connection at all."""
        return self.failure("engine_unreachable", error)
