"""A waiting follower's connection gets each event at once, in whole chunks, however slow or short-lived it is."""

import socket
import threading
from collections.abc import Iterator

import pytest

from app.generation.hub import Channel, Event
from app.generation.outlet import Outlet
from tests.support.processes import wait_until
from tests.support.sse import parse

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection's two ends, ours with a small buffer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        theirs = socket.create_connection(listener.getsockname())
        theirs.settimeout(10)
        ours, _ = listener.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours, theirs:
        yield ours, theirs


class Serving(threading.Thread):
    """Writes a follower's frames as a web server does; `own` are those that its own thread had to write."""

    def __init__(self, channel: Channel, connection: socket.socket) -> None:
        super().__init__()
        self._channel = channel
        self._connection = connection
        self.own: list[bytes] = []
        self.failure: OSError | None = None

    def run(self) -> None:
        try:
            for data in self._channel.follow(0, Outlet(self._connection)):
                self.own.append(data)
                self._connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
            self._connection.sendall(b"0\r\n\r\n")
            self._connection.close()
        except OSError as failure:
            self.failure = failure

    def wait_for_news(self) -> None:
        """Until it waits inside the channel, where news goes straight to the connection."""
        wait_until(lambda: bool(self._channel._waiting))


def body(connection: socket.socket) -> bytes:
    """All that comes up to the end, without the chunks."""
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        data += connection.recv(65536)
    parts = []
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return b"".join(parts)
        parts.append(data[: int(size, 16)])
        assert data[int(size, 16) :].startswith(b"\r\n")
        data = data[int(size, 16) + 2 :]


def test_news_reaches_a_waiting_follower_without_its_thread(pair: Pair) -> None:
    ours, theirs = pair
    channel = Channel()
    serving = Serving(channel, ours)
    serving.start()
    serving.wait_for_news()
    for word in ("Bon", "jour"):
        channel.publish(Event.TEXT, {"text": word})
    channel.publish(Event.DONE, {}, last=True)
    assert [event.data for event in parse([body(theirs)])] == [{"text": "Bon"}, {"text": "jour"}, {}]
    serving.join(10)
    assert serving.own == []


def test_a_slow_follower_gets_everything_once_and_holds_nobody_up(pair: Pair) -> None:
    ours, theirs = pair
    channel = Channel()
    serving = Serving(channel, ours)
    serving.start()
    serving.wait_for_news()
    # More than all buffers on the way hold: nobody reads before it is all published.
    for number in range(60):
        channel.publish(Event.TEXT, {"text": f"{number} " + "x" * 10_000})
    channel.publish(Event.DONE, {}, last=True)
    events = list(parse([body(theirs)]))
    assert [event.number for event in events] == list(range(1, 62))
    assert [event.data["text"].split()[0] for event in events[:-1]] == [str(number) for number in range(60)]
    serving.join(10)
    assert serving.own


def test_a_follower_that_is_gone_ends_and_the_others_go_on(pair: Pair) -> None:
    ours, theirs = pair
    channel = Channel()
    serving = Serving(channel, ours)
    serving.start()
    serving.wait_for_news()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    wait_until(lambda: publish_until_gone(channel, serving))
    serving.join(10)
    assert serving.failure is not None
    channel.publish(Event.DONE, {}, last=True)
    assert list(parse(channel.follow()))[-1].name == "done"


def publish_until_gone(channel: Channel, serving: Serving) -> bool:
    channel.publish(Event.TEXT, {"text": "x"})
    return not serving.is_alive()
