"""The numbered events of each run, how clients follow them, and the notices between processes.

`EventLog` and `Signals` are interfaces; `backends.memory` is what stands behind them.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from app.engines.base import Cancel
from app.errors import AppError

# After this many seconds of silence a comment is sent, so that proxies and browsers keep the connection open.
HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
# Streams that one user may follow at once: enough for many tabs, and few enough to leave threads for other users.
MAX_STREAMS_EACH = 64


class Event(StrEnum):
    """Names of the events on the wire."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    LOADING = "loading"
    CONTEXT = "context"
    READING = "reading"
    PART = "part"
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


class EventStream(Protocol):
    """Events of one attempt at an answer, numbered from 1. One thread at a time publishes."""

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Append an event, without waiting for followers; `last` closes the stream. Ignored on a closed stream.

        An `accepted` event with `reset` has the whole text so far in its message, in place of what came before.
        """

    def close(self) -> None:
        """Close the stream without a last event, so that the clients reconnect."""

    def follow(self, after: int = 0, revoked: Cancel | None = None) -> Iterator[bytes]:
        """Yield the frames after event `after` as they are published, until the stream is closed or `revoked` is set.

        Blocks the thread that iterates. Frames published in the meantime come joined; HEARTBEAT comes after each
        silence of HEARTBEAT_S seconds.
        """

    def frames(self, after: int = 0) -> bytes:
        """Return the frames published so far after event `after`, joined."""

    def text(self) -> TextSoFar:
        """Return the text published so far, with the number of the last event."""


class EventLog(Protocol):
    """Event streams by message id: those of active runs and of the last finished ones."""

    def open(self, message_id: int, content: str = "", thinking: str = "") -> EventStream:
        """Create a message's stream, replacing that of an earlier attempt, which left `content` and `thinking`."""

    def get(self, message_id: int) -> EventStream | None:
        """Return a message's stream, or None if it is no longer kept."""

    def retire(self, message_id: int) -> None:
        """Mark a run as ended; its stream is kept for a while, for clients that come back."""

    def close(self) -> None:
        """Close all streams of this process."""


class Topic(StrEnum):
    """What the processes of one service tell each other by `Signals`."""

    # Hash of a session's or API token's secret that is valid no longer.
    REVOKED = "revoked"
    # Id of a conversation whose text was changed, deleted or erased.
    FORGOTTEN = "forgotten"
    # The default model or the engine's models have changed; the value is empty.
    MODELS = "models"


class Signals(Protocol):
    """Short notices to every process of the service, the sender's included."""

    def send(self, topic: Topic, value: str = "") -> None:
        """Have every listener of the topic called with this value."""

    def listen(self, topic: Topic, heard: Callable[[str], None]) -> None:
        """Call `heard` with each value sent on the topic; it must return soon."""


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

    def frames_so_far(self) -> bytes:
        """Return what there is to send now, without waiting for more."""
        return self.first + (b"" if self.stream is None else self.stream.frames(self.after))


@dataclass(eq=False)
class _OpenStream:
    user_id: int
    opened_with: str
    revoked: Cancel = field(default_factory=Cancel)


class StreamRegistry:
    """Limit and revoke the streams that clients follow in this process.

    `limit`: streams of all users together, because each holds one of the threads that serve all requests.
    """

    def __init__(self, limit: int, signals: Signals) -> None:
        self._limit = limit
        self._signals = signals
        self._lock = threading.Lock()
        self._open: set[_OpenStream] = set()
        signals.listen(Topic.REVOKED, self._end)

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
        for secret in hashes:
            self._signals.send(Topic.REVOKED, secret)

    def _end(self, secret: str) -> None:
        with self._lock:
            found = [stream for stream in self._open if stream.opened_with == secret]
        for stream in found:
            stream.revoked.set()
