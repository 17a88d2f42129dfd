"""A follower's connection, written to at once by whoever has news: waking the follower's thread would cost far more."""

import contextlib
import socket


class Outlet:
    """The plain connection of an HTTP/1.1 answer whose head is out and whose body goes in chunks.

    One thread writes at a time: the follower's own, or, while that one waits, the one with the news.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        # The head of the answer waits for its first chunk: one packet instead of two.
        self._hold(True)
        # What the kernel did not take of the last chunk.
        self._rest = b""

    @property
    def stuck(self) -> bool:
        """Whether a chunk has been written in part only: the follower's own thread must `finish`."""
        return bool(self._rest)

    def write(self, data: bytes) -> bool:
        """Write a chunk without waiting; False when nothing of it was taken, as the other end is slow or gone."""
        if self._rest:
            return False
        chunk = b"%x\r\n%b\r\n" % (len(data), data)
        try:
            sent = self._connection.send(chunk, socket.MSG_DONTWAIT)
        except OSError:
            return False
        self._rest = chunk[sent:]
        return sent > 0

    def finish(self) -> None:
        """Wait until the last chunk is out; raises OSError when the other end is gone."""
        rest, self._rest = self._rest, b""
        if rest:
            self._connection.sendall(rest)

    def flow(self) -> None:
        """What was written so far need not wait for more."""
        if self._held:
            self._hold(False)

    def _hold(self, held: bool) -> None:
        self._held = held
        with contextlib.suppress(OSError):
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, held)
