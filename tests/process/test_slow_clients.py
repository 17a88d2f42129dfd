"""Clients that are slow, silent or do not hang up cost nobody else anything: they get no thread."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app import http_worker
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson, ServerProcess
from tests.support.site import furnished

# More than the server has threads (`ServerProcess`: 16).
MANY = 40
HALF_HEAD = b"GET /login HTTP/1.1\r\nX-A: "
HALF_BODY = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nu"
HALF_CHUNK = b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nu"
# A body that is refused unread, and of which more comes than the answer waits for.
LARGE = b"POST /import HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9000000\r\n\r\nu"
# Chunks that pretend to be the last one, and a head of nothing.
PRETENDING = b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFF\r\n0\r\n\r\n"
NOTHING = b"\r\n\r\n"
CLOSING = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
GARBAGE = b"\x16\x03\x01\x02\x00\r\n\r\n"

Connect = Callable[[bytes], socket.socket]


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    """The engine of the server."""
    with FakeOllama() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path, ollama: FakeOllama
) -> Iterator[ServerProcess]:
    """A server for all tests."""
    instance = furnished(tmp_path_factory.mktemp("slow") / "instance", empty_database)
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as running:
        yield running


@pytest.fixture
def connect(server: ServerProcess) -> Iterator[Connect]:
    """Open a connection that sends these bytes, and is closed at the end of the test."""
    with ExitStack() as stack:

        def opened(data: bytes) -> socket.socket:
            made = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            made.sendall(data)
            return made

        yield opened


def slowest_page(server: ServerProcess) -> float:
    """The most of ten log-in pages, in seconds, each over a connection of its own."""
    taken = []
    for _ in range(10):
        started = time.monotonic()
        assert server.answers("/login")
        taken.append(time.monotonic() - started)
    return max(taken)


@pytest.mark.parametrize("data", [b"", HALF_HEAD, HALF_BODY, HALF_CHUNK, PRETENDING, NOTHING, LARGE, CLOSING, GARBAGE])
def test_many_of_them_slow_nobody(server: ServerProcess, connect: Connect, data: bytes) -> None:
    held = [connect(data) for _ in range(MANY)]
    assert slowest_page(server) < 1
    assert len(held) == MANY


@pytest.mark.slow
def test_they_are_closed_after_a_while_and_their_parts_are_not_answered(
    connect: Connect,
) -> None:
    started = time.monotonic()
    assert connect(HALF_HEAD).recv(100) == b""
    assert http_worker.HEAD_S - 0.5 < time.monotonic() - started < http_worker.HEAD_S + 3


def test_of_one_address_the_oldest_makes_room(server: ServerProcess, connect: Connect) -> None:
    oldest, *_ = [connect(b"") for _ in range(http_worker.MAX_WAITING_EACH + 1)]
    assert server.answers("/login")
    assert oldest.recv(100) == b""
    newest = connect(CLOSING)
    assert newest.recv(12) == b"HTTP/1.1 200"


def test_a_request_that_comes_in_pieces_is_answered(connect: Connect) -> None:
    client = connect(b"")
    for (
        letter
    ) in b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":
        client.sendall(bytes([letter]))
    answer = b""
    while data := client.recv(4096):
        answer += data
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_a_body_is_asked_for_by_clients_that_wait_for_that(connect: Connect) -> None:
    client = connect(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.recv(100) == http_worker.CONTINUE
    client.sendall(b"a=b")
    answer = b""
    while b"HTTP/1.1 400" not in answer:
        data = client.recv(4096)
        assert data, answer
        answer += data


def test_a_head_without_end_is_refused(connect: Connect) -> None:
    client = connect(HALF_HEAD + b"a" * http_worker.LARGEST_HEAD)
    assert client.recv(12) == b"HTTP/1.1 431"


def test_an_answer_goes_on_and_others_begin(server: ServerProcess, ollama: FakeOllama, connect: Connect) -> None:
    alice = RemotePerson(server, "alice")
    alice.register()
    ollama.script(Scenario.hold(after=3))
    stream = alice.ask(alice.start(), "Un")
    stream.until("text")
    held = [connect(data) for data in (HALF_HEAD, HALF_BODY, CLOSING, b"") for _ in range(MANY)]
    ollama.release()
    assert stream.end().data("done")["status"] == "done"
    started = time.monotonic()
    assert alice.ask(alice.start(), "Deux").end().data("done")["status"] == "done"
    assert time.monotonic() - started < 2
    assert held


def test_chunks_are_collected_with_their_trailers(connect: Connect) -> None:
    client = connect(
        b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=y\r\na=b\r\n"
    )
    client.sendall(b"0\r\nX-A: 1\r\n\r\n")
    assert client.recv(12) == b"HTTP/1.1 400"


def test_a_connection_ends_with_a_body_that_was_not_read_whole(connect: Connect) -> None:
    client = connect(LARGE)
    answer = b""
    while data := client.recv(65536):
        answer += data
    assert answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") == 1
    # Or the client may send its next request into it.
    assert b"\r\nConnection: close\r\n" in answer
