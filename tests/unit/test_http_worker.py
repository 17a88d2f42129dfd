"""How long the server reads a large body: as long as its size asks for, and no longer."""

import socket
import threading

import pytest

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
