"""An answer's lines, read from the engine a frame at a time: a wake-up for each token would take the model's CPU."""

import re
import select
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from typing import Any

from app.engines.base import Done, EngineEvent, Text, Thinking
from app.errors import AppError

# Once an answer is being written, tokens are taken off the wire this often; the first one at once.
FRAME_S = 0.06
# From so many answers at once frames are longer, up to so many times.
CROWD = 16
LONGEST_FRAMES = 4.0
READ_SIZE = 65536
# A line longer than this is no event of any engine.
LINE_LIMIT = 16 * 1024 * 1024
HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,8}")

# The answers that are being written now.
_writing: set["Frames"] = set()


def rest_s() -> float:
    """Seconds between two frames. A frame takes the same CPU whatever it holds: in a crowd they are longer."""
    return FRAME_S * min(max(1.0, len(_writing) / CROWD), LONGEST_FRAMES)


class Frames:
    """Whole lines without their ends, a list for each read. `failed(code, cause)` makes the failure to raise:
    engine_cut, engine_silent or engine_garbled."""

    def __init__(self, response: HTTPResponse, failed: Callable[[str, object], AppError]) -> None:
        self._failed = failed
        # The bytes as the socket has them: the library's own reader hands out one chunk, that is one token, a call.
        self._socket: Any = response.fp
        self._pause = _Pause(self._socket.fileno())
        self._body = _Chunked() if response.chunked else _Plain(response.length)

    def events(self, read: Callable[[bytes], list[EngineEvent]]) -> Iterator[EngineEvent]:
        """What `read` makes of each line, up to Done, text in a row joined; a failure comes after what it follows."""
        try:
            for lines in self._lines():
                events: list[EngineEvent] = []
                try:
                    for line in lines:
                        _extend(events, read(line))
                except AppError:
                    yield from events
                    raise
                if any(isinstance(event, Text | Thinking) for event in events):
                    _writing.add(self)
                for event in events:
                    yield event
                    if isinstance(event, Done):
                        return
        finally:
            _writing.discard(self)

    def _lines(self) -> Iterator[list[bytes]]:
        tail = b""
        while not self._body.ended:
            if self in _writing:
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
            return self._body.feed(self._socket.read1(READ_SIZE))
        except TimeoutError as error:
            raise self._failed("engine_silent", error) from error
        except (OSError, ValueError, AttributeError) as error:
            raise self._failed("engine_cut", error) from error


class _Pause:
    """A frame's rest, cut short when the connection ends, as it does with the answer: nobody wakes up for tokens."""

    def __init__(self, descriptor: int) -> None:
        self._poll = select.poll()
        # No event of data: the end alone, by either side.
        self._poll.register(descriptor, getattr(select, "POLLRDHUP", 0))

    def take(self) -> None:
        """Wait for the next frame."""
        self._poll.poll(rest_s() * 1000)


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
