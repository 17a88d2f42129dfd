"""gunicorn's worker of threads, changed so that slow and silent clients cost no thread.

A request gets a thread when all of it is there: until then one loop collects its bytes, with deadlines.
"""

import contextlib
import errno
import re
import select
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from app.client_addresses import network_of

# Seconds for the first byte of a connection, and for the whole head of a request after its first byte.
SILENCE_S, HEAD_S = 30.0, 10.0
# Seconds for a body: so many, and one more for each BODY_RATE bytes.
BODY_S, BODY_RATE = 10.0, 16 * 1024
LARGEST_HEAD = 64 * 1024
# Bodies up to this size are collected by the loop. The application refuses larger ones before it reads them, but where
# it takes files from people who are signed in.
LARGEST_BODY = 3 * 1024 * 1024
# What all requests may hold together, in bytes; the largest of those that are not complete is dropped first.
LARGEST_TOTAL = 64 * 1024 * 1024
# Seconds of silence after which a thread gives up reading, and for all of its reading; of a file of gigabytes, one for
# each READ_RATE bytes.
READ_S, READ_ALL_S, READ_RATE = 10.0, 600.0, 64 * 1024
# Seconds after which a client that does not acknowledge what was sent is given up.
LOST_S = 60
# Connections of one network (`network_of`) that may wait without a request: the one that has waited longest makes room.
MAX_WAITING_EACH = 256
# Seconds that a client may take to close its side after the last answer; and all that wait, when the worker stops.
LINGER_S, STOP_S = 2.0, 0.5
RECEIVED_AT_ONCE = 64 * 1024

LINE_END, HEAD_END = b"\r\n", b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"[0-9a-f]{1,8}(?=[ \t;\r]|$)", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]
    """A client's connection, and what it has sent of its next request."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.network = network_of(self.client[0])
        # gunicorn's own wait for the first byte is not needed.
        self.data_ready = True
        self.received = bytearray()
        # How many bytes the request has: 0 while its head is not complete, None if only its chunks will tell.
        self.needed: int | None = 0
        # Where the next chunk begins.
        self.chunk = 0
        # Bytes of a body that a thread reads, 0 if the loop collects it.
        self.large = 0
        # Whether all of the request was collected, and how many bytes the thread was given.
        self.collected, self.given = False, 0
        # When it is closed if nothing happens, in monotonic seconds.
        self.deadline = 0.0
        self.closing = False
        # Returns False when the worker stops.
        self.serving: Callable[[], bool] = lambda: True

    def init(self) -> None:
        """Give the collected bytes to gunicorn's parser, in the thread that handles the request."""
        super().init()
        self.parser.unreader.sock = BodySocket(self.sock, self.large, self.serving)
        self.parser.unreader.unread(bytes(self.received))
        self.received = bytearray()

    def begin(self) -> None:
        """Wait for another request on the same connection."""
        self.needed, self.chunk, self.large = 0, 0, 0

    def is_complete(self) -> bool:
        """Return whether a thread can read the request without waiting; sets `needed` and the deadline of the body."""
        if self.needed == 0:
            while self.received.startswith(LINE_END):
                del self.received[: len(LINE_END)]
            end = self.received.find(HEAD_END)
            if end < 0:
                return False
            self._read_head(bytes(self.received[: end + 2]), end + len(HEAD_END))
        if self.needed is None:
            self.collected = self._has_last_chunk()
            return self.collected or len(self.received) > LARGEST_BODY
        self.collected = not self.large and len(self.received) >= self.needed
        return len(self.received) >= self.needed

    def _has_last_chunk(self) -> bool:
        """Return whether the chunks that have come include the last one, or are malformed: gunicorn refuses those."""
        while (end := self.received.find(LINE_END, self.chunk)) >= 0:
            size = CHUNK_SIZE.match(self.received, self.chunk, end)
            if size is None:
                return True
            if int(size[0], 16) == 0:
                # What follows are trailers, which end with an empty line.
                return self.received.find(HEAD_END, end) >= 0
            following = end + 2 * len(LINE_END) + int(size[0], 16)
            if following > len(self.received):
                return False
            self.chunk = following
        return len(self.received) - self.chunk > LARGEST_HEAD

    def _read_head(self, head: bytes, size: int) -> None:
        length = LENGTH.search(head)
        body = int(length[1]) if length else 0
        self.large = body if body > LARGEST_BODY else 0
        body -= self.large
        self.needed = None if CHUNKED.search(head) else size + body
        self.chunk = size
        self.deadline = time.monotonic() + BODY_S + body / BODY_RATE
        if EXPECT.search(head):
            with contextlib.suppress(OSError):
                self.sock.send(CONTINUE)


class BodySocket:
    """The socket from which a thread reads the rest of a large body of `size` bytes.

    A client that is too slow counts as gone; so do all of them when the worker stops (`serving` returns False).
    """

    def __init__(self, sock: socket.socket, size: int, serving: Callable[[], bool]) -> None:
        self._sock = sock
        self._serving = serving
        self._deadline = time.monotonic() + max(READ_ALL_S, size / READ_RATE)
        self._gone = False

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes; b"" from then on if the client has closed the connection or is silent."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        end = min(time.monotonic() + READ_S, self._deadline)
        while not self._gone and self._serving():
            left_s = max(0.0, end - time.monotonic())
            if poll.poll(min(left_s, STOP_S) * 1000):
                data = self._sock.recv(size)
                self._gone = not data
                return data
            self._gone = not left_s
        return b""


class HttpWorker(ThreadWorker):  # type: ignore[misc]
    """See the module. All methods run in the worker's main thread, which owns `_waiting`, so that it needs no lock.

    `_waiting`: the connections that have no thread, the one that has waited longest first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[Connection, None] = {}
        # Bytes of the requests that wait or have a thread.
        self._received = 0

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection; one that waits makes room where there is none."""
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE} and self._waiting:
                self._drop(next(iter(self._waiting)))
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LOST_S * 1000)
        connection = Connection(self.cfg, sock, address, listener.getsockname())
        self._make_room(connection.network)
        self.nr_conns += 1
        connection.serving = lambda: bool(self.alive)
        self._wait(connection, SILENCE_S)

    def finish_request(self, connection: Connection, future: Future[bool]) -> None:
        """Wait for the connection's next request, or for the client to close it."""
        self._received -= connection.given
        connection.given = 0
        if not future.cancelled() and future.exception() is None and future.result():
            connection.received += connection.parser.unreader.take_buffered()
            connection.begin()
            self._wait(connection, self.cfg.keepalive if self.alive else STOP_S)
            return
        # What the client still sends is read and dropped: closing at once could take the answer's end away from it.
        connection.closing = True
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
        else:
            self._wait(connection, LINGER_S)

    def handle_request(self, request: Any, connection: Connection) -> bool:
        """(gunicorn's name.) Answer a request; return whether to wait for another one on its connection.

        Not after a body that was not collected, and the answer says so: where that ends is known only if the thread
        has read all of it.
        """
        if not connection.collected:
            request.force_close()
        return bool(super().handle_request(request, connection))

    def murder_keepalived(self, force: bool = False) -> None:
        """(gunicorn's name.) Close the connections whose time is over, or all that wait."""
        now = time.monotonic()
        for connection in [each for each in self._waiting if force or each.deadline <= now]:
            self._drop(connection)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events; when the worker stops, not long, so that deadlines are kept."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, STOP_S / 2))

    def _cap_keepalive(self, _deadline: float) -> None:
        """(gunicorn's name.) Let connections wait no longer than STOP_S, as the worker stops."""
        for connection in self._waiting:
            connection.deadline = min(connection.deadline, time.monotonic() + STOP_S)

    def _wait(self, connection: Connection, seconds: float) -> None:
        """Collect the connection's next request, of which a part may be there."""
        connection.sock.setblocking(False)
        connection.deadline = time.monotonic() + (HEAD_S if connection.received else seconds)
        self._waiting[connection] = None
        self._received += len(connection.received)
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._receive, connection))
        self._receive(connection, connection.sock)

    def _receive(self, connection: Connection, sock: socket.socket) -> None:
        """Take what has come; hand a complete request to a thread."""
        if connection not in self._waiting:
            # Dropped since the poller has seen that something came.
            return
        try:
            data = sock.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        if data == b"":
            self._drop(connection)
        elif not connection.closing:
            self._take(connection, data or b"")

    def _take(self, connection: Connection, data: bytes) -> None:
        """Add bytes to the request; hand it to a thread when it is complete, and refuse what grows too large."""
        if data and not connection.received:
            connection.deadline = time.monotonic() + HEAD_S
        before = len(connection.received)
        connection.received += data
        is_complete = bool(connection.received) and connection.is_complete()
        self._received += len(connection.received) - before
        if is_complete:
            self._forget(connection)
            connection.given = len(connection.received)
            self._received += connection.given
            self.enqueue_req(connection)
        elif connection.needed == 0 and len(connection.received) > LARGEST_HEAD:
            with contextlib.suppress(OSError):
                connection.sock.send(TOO_LARGE)
            self._drop(connection)
        elif self._received > LARGEST_TOTAL and self._waiting:
            self._drop(max(self._waiting, key=lambda each: len(each.received)))

    def _make_room(self, network: str) -> None:
        """Close the oldest connection that waits if its network, or all together, have too many."""
        if len(self._waiting) < MAX_WAITING_EACH and self.nr_conns < self.worker_connections - 1:
            return
        counts = Counter(each.network for each in self._waiting)
        crowded = network if counts[network] >= MAX_WAITING_EACH else None
        if crowded is None and self.nr_conns >= self.worker_connections - 1 and counts:
            crowded = counts.most_common(1)[0][0]
        oldest = next((each for each in self._waiting if each.network == crowded), None)
        if oldest is not None:
            self._drop(oldest)

    def _forget(self, connection: Connection) -> None:
        self._received -= len(connection.received)
        self.poller.unregister(connection.sock)
        del self._waiting[connection]

    def _drop(self, connection: Connection) -> None:
        if connection in self._waiting:
            self._forget(connection)
        self.nr_conns -= 1
        connection.close()
