"""The numbered events of each run, kept in memory, and the streams on which clients follow them."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from app.engines.base import Cancel
from app.errors import AppError

# After this many seconds of silence a comment is sent, so that proxies and browsers keep the connection open.
HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
# Finished runs whose events can still be replayed from memory.
KEPT = 64
# Streams that one user may follow at once: enough for many tabs, and few enough to leave threads for other users.
MAX_STREAMS_EACH = 64


class Event(StrEnum):
    """Names of the events on the wire."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    LOADING = "loading"
    CONTEXT = "context"
    READING = "reading"
    THINKING = "thinking"
    TEXT = "text"
    DONE = "done"


class TextSoFar(NamedTuple):
    """The text of an answer up to and including event `number`."""

    number: int
    content: str
    thinking: str


def encode(number: int, event: Event, data: dict[str, Any]) -> bytes:
    """Return one Server-Sent Event as bytes."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"id: {number}\nevent: {event}\ndata: {text}\n\n".encode(errors="replace")


class EventStream:
    """Events of one attempt at an answer, numbered from 1.

    One thread at a time publishes, and never waits for followers. `content`, `thinking`: text left by an earlier
    attempt.
    """

    def __init__(self, content: str = "", thinking: str = "") -> None:
        self._condition = threading.Condition()
        self._frames: list[bytes] = []
        self._texts = {Event.TEXT: [content], Event.THINKING: [thinking]}
        self._closed = False

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Append an event; `last` closes the stream. Does nothing on a closed stream."""
        with self._condition:
            if self._closed:
                return
            if event in self._texts:
                self._texts[event].append(data["text"])
            self._frames.append(encode(len(self._frames) + 1, event, data))
            self._closed = last
            self._condition.notify_all()

    def close(self) -> None:
        """Close the stream without a last event, so that the clients reconnect."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def follow(self, after: int = 0, revoked: Cancel | None = None) -> Iterator[bytes]:
        """Yield the frames after event `after` as they are published, until the stream is closed or `revoked` is set.

        Blocks the thread that iterates. Frames published in the meantime come joined; HEARTBEAT comes after each
        silence of HEARTBEAT_S seconds.
        """
        revoked = revoked or Cancel()
        revoked.on_set(self._wake)
        try:
            while True:
                with self._condition:
                    has_news = len(self._frames) > after or self._closed or revoked.is_set()
                    has_news = has_news or self._condition.wait(HEARTBEAT_S)
                    frames, closed = self._frames[after:], self._closed
                if revoked.is_set():
                    return
                if frames:
                    after += len(frames)
                    yield b"".join(frames)
                elif closed:
                    return
                elif not has_news:
                    yield HEARTBEAT
        finally:
            revoked.forget(self._wake)

    def text(self) -> TextSoFar:
        """Return the text published so far, with the number of the last event."""
        with self._condition:
            return TextSoFar(len(self._frames), "".join(self._texts[Event.TEXT]), "".join(self._texts[Event.THINKING]))

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()


@dataclass
class Subscriber:
    """A client that follows an answer: gets `first`, then the events of `stream` after event `after`."""

    stream: EventStream | None
    after: int = 0
    first: bytes = b""

    def frames(self, revoked: Cancel) -> Iterator[bytes]:
        """Yield everything as bytes, for the thread that writes to the client; ends when `revoked` is set."""
        if self.first:
            yield self.first
        if self.stream is not None:
            yield from self.stream.follow(self.after, revoked)


class EventLog:
    """Event streams by message id: those of active runs and of the last KEPT finished ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: OrderedDict[int, EventStream] = OrderedDict()
        self._active: set[int] = set()

    def open(self, message_id: int, content: str = "", thinking: str = "") -> EventStream:
        """Create a message's stream, replacing that of an earlier attempt, which left `content` and `thinking`."""
        stream = EventStream(content, thinking)
        with self._lock:
            self._streams[message_id] = stream
            self._streams.move_to_end(message_id)
            self._active.add(message_id)
        return stream

    def get(self, message_id: int) -> EventStream | None:
        """Return a message's stream, or None if it is no longer in memory."""
        with self._lock:
            return self._streams.get(message_id)

    def retire(self, message_id: int) -> None:
        """Mark a run as ended; its stream is kept until KEPT others have ended after it."""
        with self._lock:
            self._active.discard(message_id)
            ended = [key for key in self._streams if key not in self._active]
            for key in ended[:-KEPT]:
                del self._streams[key]

    def close(self) -> None:
        """Close all streams."""
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.close()


@dataclass(eq=False)
class _OpenStream:
    user_id: int
    opened_with: str
    revoked: Cancel = field(default_factory=Cancel)


class StreamRegistry:
    """Limit and revoke the streams that clients follow in this process.

    `limit`: streams of all users together, because each holds one of the threads that serve all requests.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: set[_OpenStream] = set()

    @contextmanager
    def open(self, user_id: int, opened_with: str) -> Iterator[Cancel]:
        """Register a stream while inside; yields the Cancel that `revoke` sets. Raises too_many_streams.

        `opened_with`: the hash of the session's or API token's secret.
        """
        stream = _OpenStream(user_id, opened_with)
        with self._lock:
            own = sum(other.user_id == user_id for other in self._open)
            if own >= MAX_STREAMS_EACH or len(self._open) >= self._limit:
                raise AppError("too_many_streams")
            self._open.add(stream)
        try:
            yield stream.revoked
        finally:
            with self._lock:
                self._open.discard(stream)

    def revoke(self, *hashes: str) -> None:
        """End the streams opened with these session or token hashes; their clients are refused when they reconnect."""
        with self._lock:
            found = [stream for stream in self._open if stream.opened_with in hashes]
        for stream in found:
            stream.revoked.set()
