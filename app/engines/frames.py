"""An answer's lines, read from the engine a frame at a time: a wake-up for each token would take the model's CPU."""

import contextlib
import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests

from app.engines.base import Done, EngineEvent, Text, Thinking
from app.errors import AppError

# Once an answer is being written, tokens are taken off the wire this often; the first one at once.
FRAME_S = 0.06
READ_SIZE = 65536
# What a frame may have more than the last one before it is read early: the end of an answer says much at once.
SLACK = 100
# A line longer than this is no event of any engine.
LINE_LIMIT = 16 * 1024 * 1024
HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,8}")


class Frames:
    """Whole lines without their ends, a list for each read. `failed(code, cause)` makes the failure to raise:
    engine_cut, engine_silent or engine_garbled."""

    def __init__(self, response: requests.Response, failed: Callable[[str, object], AppError]) -> None:
        self._failed = failed
        # The bytes as the socket has them: the library's own reader hands out one chunk, that is one token, a call.
        self._socket: Any = getattr(response.raw._original_response, "fp", None)
        self._pause = _Pause(getattr(getattr(self._socket, "raw", None), "_sock", None))
        chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = response.headers.get("Content-Length", "")
        self._body = _Chunked() if chunked else _Plain(int(length) if length.isdigit() else None)
        self._writing = False

    def events(self, read: Callable[[bytes], list[EngineEvent]]) -> Iterator[EngineEvent]:
        """What `read` makes of each line, up to Done, text in a row joined; a failure comes after what it follows."""
        for lines in self._lines():
            events: list[EngineEvent] = []
            try:
                for line in lines:
                    _extend(events, read(line))
            except AppError:
                yield from events
                raise
            self._writing = self._writing or any(isinstance(event, Text | Thinking) for event in events)
            for event in events:
                yield event
                if isinstance(event, Done):
                    return

    def _lines(self) -> Iterator[list[bytes]]:
        tail = b""
        while not self._body.ended:
            if self._writing:
                self._pause.take()
            *lines, tail = (tail + self._next()).split(b"\n")
            if lines:
                yield [line.rstrip(b"\r") for line in lines]
            if self._body.broken:
                raise self._failed("engine_cut", self._body.broken)
            if len(tail) > LINE_LIMIT:
                raise self._failed("engine_garbled", f"a line of more than {LINE_LIMIT} bytes")
        if tail:
            yield [tail]

    def _next(self) -> bytes:
        try:
            data = self._socket.read1(READ_SIZE)
            self._pause.usual = len(data) + SLACK
            return self._body.feed(data)
        except TimeoutError as error:
            raise self._failed("engine_silent", error) from error
        except (OSError, ValueError, AttributeError) as error:
            raise self._failed("engine_cut", error) from error


class _Pause:
    """A frame's rest, cut short when the answer ends: the kernel counts the bytes, nobody wakes up for them.

    `usual`: bytes that a frame of tokens does not reach. Encrypted bytes cannot be told apart: the rest is whole then.
    """

    def __init__(self, wire: Any) -> None:
        self._wire: socket.socket | None = wire if type(wire) is socket.socket else None
        self._poll = select.poll()
        self.usual = 1
        if self._wire is not None:
            self._poll.register(self._wire, select.POLLIN)

    def take(self) -> None:
        """Wait for FRAME_S at most."""
        if self._wire is None:
            time.sleep(FRAME_S)
            return
        with contextlib.suppress(OSError):
            self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, self.usual)
            self._poll.poll(FRAME_S * 1000)
            self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


def _extend(events: list[EngineEvent], more: list[EngineEvent]) -> None:
    for event in more:
        last = events[-1] if events else None
        if isinstance(event, Text) and isinstance(last, Text):
            events[-1] = Text(last.text + event.text)
        elif isinstance(event, Thinking) and isinstance(last, Thinking):
            events[-1] = Thinking(last.text + event.text)
        else:
            events.append(event)


class _Plain:
    """A body of that many bytes, or up to the end of the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.ended = length == 0
        # Why nothing more can be read of it, though it has not ended.
        self.broken = ""

    def feed(self, data: bytes) -> bytes:
        """The part of the body in these bytes; no bytes are the end of the connection."""
        if self._left is None:
            self.ended = not data
        elif not data:
            self.broken = f"{self._left} bytes are missing"
        else:
            self._left -= len(data)
            self.ended = self._left <= 0
        return data


class _Chunked:
    """A body in chunks: each has its size in hexadecimal on a line before it; a chunk of size 0 is the end."""

    def __init__(self) -> None:
        self._held = b""
        self.ended = False
        self.broken = ""

    def feed(self, data: bytes) -> bytes:
        """The content of the chunks that are whole now; the rest waits for more bytes."""
        if not data:
            self.broken = "the connection ended within the answer"
        held, start, parts = self._held + data, 0, []
        while (line := held.find(b"\r\n", start)) >= 0:
            digits = held[start:line].partition(b";")[0].rstrip()
            if not HEXADECIMAL.fullmatch(digits):
                self.broken = f"no size of a chunk: {digits[:20]!r}"
                break
            size = int(digits, 16)
            end = line + 2 + size
            if size == 0:
                self.ended = True
                break
            if len(held) < end + 2:
                break
            parts.append(held[line + 2 : end])
            start = end + 2
        self._held = held[start:]
        return b"".join(parts)
