"""The HTTP side of a fake engine: threads, chunked answers, a log of requests, clients that leave."""

from __future__ import annotations

import argparse
import json
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

JSON = "application/json; charset=utf-8"
# How often a wait that something else may end looks whether the client is still there.
GLANCE = 0.01


class ClientGoneError(ConnectionError):
    """The client closed or reset its connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was received, kept for assertions."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float = field(default_factory=time.monotonic)


class Exchange:
    """One request and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        url = urlsplit(handler.path)
        self.path = url.path
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.method = handler.command
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.raw = handler.rfile.read(int(self.headers.get("content-length", "0")))

    @property
    def json(self) -> Any:
        """The body, or None when there is none; ValueError when it is not JSON."""
        return json.loads(self.raw) if self.raw else None

    def reply(self, status: int, payload: Any) -> None:
        """Answer at once: a dict or list as JSON, a string as plain text."""
        text = isinstance(payload, str)
        body = payload.encode() if text else compact(payload)
        self._head(status, {"Content-Type": "text/plain" if text else JSON, "Content-Length": str(len(body))})
        self._write(body)

    def start_stream(self, content_type: str) -> None:
        self._head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    def send(self, data: bytes) -> None:
        """One HTTP chunk, in one write."""
        self._write(b"%x\r\n%s\r\n" % (len(data), data))

    def finish(self) -> None:
        self._write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Close the connection in the middle of the answer, as the kernel does for a process that dies."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Reset the connection, as the kernel does for a process that is killed with unread data."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.rfile.close()
        self._handler.connection.close()
        self._handler.close_connection = True

    def pause(self, seconds: float) -> None:
        """Wait, but not a moment longer than the client does."""
        poll = select.poll()
        poll.register(self._handler.connection, select.POLLIN | select.POLLRDHUP)
        if poll.poll(seconds * 1000):
            self.check()

    def wait(self, happened: Callable[..., bool]) -> None:
        """Wait until `happened(timeout=…)` says so, or until the client leaves."""
        while not happened(timeout=GLANCE):
            self.check()

    def check(self) -> None:
        """Raise ClientGoneError when the client has left."""
        try:
            gone = not self._handler.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError as error:
            raise ClientGoneError from error
        if gone:
            raise ClientGoneError

    def client_is_there(self) -> bool:
        """Whether the client has not left yet."""
        try:
            self.check()
        except ClientGoneError:
            return False
        return True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        with _client_may_leave():
            self._handler.end_headers()

    def _write(self, data: bytes) -> None:
        with _client_may_leave():
            self._handler.wfile.write(data)


class FakeServer:
    """A threaded HTTP server on 127.0.0.1, for the length of a `with` block or of a process."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.mistakes: list[BaseException | None] = []
        self._news = threading.Condition()
        self._http = _Server(self, port)
        self.port: int = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(GLANCE,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        if self.mistakes:
            raise RuntimeError("the fake made a mistake") from self.mistakes[0]

    def answer(self, exchange: Exchange) -> None:
        """Answer one request: what a fake engine is."""
        raise NotImplementedError

    def received(self, path: str) -> list[Any]:
        """The bodies of the requests to this path, oldest first."""
        with self._news:
            return [request.body for request in self.requests if request.path == path]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change what tests wait for, and wake them."""
        with self._news:
            yield
            self._news.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5) -> None:
        """Wait for a condition over this server's records; TimeoutError tells what was seen instead."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not condition():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self!r} saw {[(r.method, r.path) for r in self.requests]}")
                # Not every change is announced by `changing`.
                self._news.wait(GLANCE)

    def take(self, exchange: Exchange) -> None:
        """Log a request, then answer it."""
        try:
            body = exchange.json
        except ValueError:
            body = exchange.raw
        with self.changing():
            self.requests.append(Request(exchange.method, exchange.path, exchange.headers, body))
        self.answer(exchange)


def compact(payload: Any) -> bytes:
    """JSON as the engines write it: no spaces, no escapes for accents."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def serve(parser: argparse.ArgumentParser, make: Callable[[argparse.Namespace], FakeServer]) -> None:
    """Run a fake as a process, until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    with make(parser.parse_args()) as fake:
        print(fake.url, flush=True)
        stop.wait()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _take(self) -> None:
        try:
            self.server.fake.take(Exchange(self))
        except ClientGoneError:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _take  # noqa: N815 (the names that http.server asks for)

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests read the log of requests."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, fake: FakeServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fake = fake
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Forget clients that reset their connection; keep a mistake of the fake for the test to see."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.fake.mistakes.append(error)

    def hang_up(self) -> None:
        """End the conversations still going on, so that their threads end too."""
        for connection in list(self._open):
            with _client_may_leave(quiet=True):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def _client_may_leave(*, quiet: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not quiet:
            raise ClientGoneError from error
