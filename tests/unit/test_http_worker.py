"""How long the server reads a large body, and which connections make room for others."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gunicorn.config import Config

from app import http_worker


@pytest.mark.parametrize(("size", "received"), [(0, b""), (100 * http_worker.READ_RATE, b"more")])
def test_a_body_gets_time_for_its_size(monkeypatch: pytest.MonkeyPatch, size: int, received: bytes) -> None:
    monkeypatch.setattr(http_worker, "READ_ALL_S", 0.0)
    client, server = socket.socketpair()
    with client, server:
        reader = http_worker.BodySocket(server, size, lambda: True)
        later = threading.Timer(0.1, client.sendall, (b"more",))
        later.start()
        assert reader.recv(100) == received
        later.join()


def test_a_worker_that_stops_reads_no_more_of_it() -> None:
    client, server = socket.socketpair()
    with client, server:
        client.sendall(b"more")
        assert http_worker.BodySocket(server, 100, lambda: False).recv(100) == b""


class FromAfar:
    """A listening socket whose clients come from the addresses that `connect` is told."""

    def __init__(self, listener: socket.socket, stack: ExitStack) -> None:
        self._listener, self._stack = listener, stack
        self._address = ""

    def connect(self, address: str, worker: http_worker.HttpWorker) -> socket.socket:
        self._address = address
        client = self._stack.enter_context(socket.create_connection(self._listener.getsockname()))
        client.settimeout(2)
        worker.accept(self)  # type: ignore[arg-type]
        return client

    def accept(self) -> tuple[socket.socket, Any]:
        return self._listener.accept()[0], (self._address, 40000, 0, 0)

    def getsockname(self) -> Any:
        return self._listener.getsockname()


@pytest.fixture
def afar() -> Iterator[FromAfar]:
    with ExitStack() as stack:
        yield FromAfar(stack.enter_context(socket.create_server(("127.0.0.1", 0))), stack)


@pytest.fixture
def worker() -> Iterator[http_worker.HttpWorker]:
    """A worker that has accepted nothing yet."""
    made = http_worker.HttpWorker(0, 0, [], None, 0, Config(), None)
    with selectors.DefaultSelector() as poller:
        made.poller = poller
        yield made
        made.murder_keepalived(force=True)
    made.tmp.close()


@pytest.mark.parametrize(
    ("addresses", "closed"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"], 0),
        (["192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.1"], 1),
        (["2001:db8::1", "2001:db8:0:1::1", "2001:db8::2", "2001:db8::3"], 0),
        (["2001:db8:0:1::1", "2001:db8::1", "2001:db8::2:0:0:2", "2001:db8::3:0:0:3"], 1),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1", "::ffff:192.0.2.1"], 0),
    ],
)
def test_of_one_network_the_oldest_makes_room(
    monkeypatch: pytest.MonkeyPatch,
    worker: http_worker.HttpWorker,
    afar: FromAfar,
    addresses: list[str],
    closed: int,
) -> None:
    monkeypatch.setattr(http_worker, "MAX_WAITING_EACH", 2)
    clients = [afar.connect(address, worker) for address in addresses]
    assert clients[closed].recv(1) == b""
    assert worker.nr_conns == len(clients) - 1
