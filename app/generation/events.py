"""A run's numbered events in memory, and the followers that wait for them."""

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

# A comment after this much silence keeps proxies and browsers from giving up.
HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
# Finished runs that late followers can still replay from memory.
KEPT = 64
# Streams of one person at once: more tabs than anyone keeps open, and few enough to leave threads to the others.
EACH = 64


class Event(StrEnum):
    """The events of the wire, from engine to browser."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    LOADING = "loading"
    CONTEXT = "context"
    READING = "reading"
    THINKING = "thinking"
    TEXT = "text"
    DONE = "done"


class Snapshot(NamedTuple):
    """The text up to and including event `number`."""

    number: int
    content: str
    thinking: str


def encode(number: int, event: Event, data: dict[str, Any]) -> bytes:
    """One Server-Sent Event."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"id: {number}\nevent: {event}\ndata: {text}\n\n".encode(errors="replace")


class Channel:
    """The events of one run. One thread publishes and never waits for those who follow, any number of them."""

    def __init__(self, content: str = "", thinking: str = "") -> None:
        self._condition = threading.Condition()
        self._frames: list[bytes] = []
        self._texts = {Event.TEXT: [content], Event.THINKING: [thinking]}
        self._closed = False

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Add an event; `last` ends every follower, and nothing comes after it."""
        with self._condition:
            if self._closed:
                return
            if event in self._texts:
                self._texts[event].append(data["text"])
            self._frames.append(encode(len(self._frames) + 1, event, data))
            self._closed = last
            self._condition.notify_all()

    def close(self) -> None:
        """End every follower without a last event: they come back and find the rest elsewhere."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def follow(self, after: int = 0, revoked: Cancel | None = None) -> Iterator[bytes]:
        """Frames after number `after`, as they come, until the last one or until `revoked` is set.

        What came while the last frames were written comes in one piece; HEARTBEAT is given in each long silence.
        """
        revoked = revoked or Cancel()
        revoked.on_set(self._wake)
        try:
            while True:
                with self._condition:
                    news = len(self._frames) > after or self._closed or revoked.is_set()
                    news = news or self._condition.wait(HEARTBEAT_S)
                    frames, closed = self._frames[after:], self._closed
                if revoked.is_set():
                    return
                if frames:
                    after += len(frames)
                    yield b"".join(frames)
                elif closed:
                    return
                elif not news:
                    yield HEARTBEAT
        finally:
            revoked.forget(self._wake)

    def snapshot(self) -> Snapshot:
        """What followers have been sent so far."""
        with self._condition:
            return Snapshot(len(self._frames), "".join(self._texts[Event.TEXT]), "".join(self._texts[Event.THINKING]))

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()


@dataclass
class Follower:
    """One who follows an answer: `first`, then the events of a channel after number `after`."""

    channel: Channel | None
    after: int = 0
    first: bytes = b""

    def frames(self, revoked: Cancel) -> Iterator[bytes]:
        """All of it as bytes, for the thread that writes them out; it ends when `revoked` is set."""
        if self.first:
            yield self.first
        if self.channel is not None:
            yield from self.channel.follow(self.after, revoked)


class Hub:
    """The channels of the runs that are active or ended lately, by message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: OrderedDict[int, Channel] = OrderedDict()
        self._active: set[int] = set()

    def open(self, message_id: int, content: str = "", thinking: str = "") -> Channel:
        """A new channel for a message, in place of any earlier one; it goes on from the text so far."""
        channel = Channel(content, thinking)
        with self._lock:
            self._channels[message_id] = channel
            self._channels.move_to_end(message_id)
            self._active.add(message_id)
        return channel

    def get(self, message_id: int) -> Channel | None:
        """The channel of a message, or None when its events are no longer in memory."""
        with self._lock:
            return self._channels.get(message_id)

    def retire(self, message_id: int) -> None:
        """Mark a run as ended: its channel stays until enough others have ended after it."""
        with self._lock:
            self._active.discard(message_id)
            ended = [key for key in self._channels if key not in self._active]
            for key in ended[:-KEPT]:
                del self._channels[key]

    def close(self) -> None:
        """End all followers."""
        with self._lock:
            channels = list(self._channels.values())
        for channel in channels:
            channel.close()


@dataclass(eq=False)
class _OpenStream:
    user_id: int
    opened_with: str
    revoked: Cancel = field(default_factory=Cancel)


class StreamRegistry:
    """The streams that people and programs follow here: `limit` at most, as each holds one of the threads that serve
    everybody."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: set[_OpenStream] = set()

    @contextmanager
    def open(self, user_id: int, opened_with: str) -> Iterator[Cancel]:
        """Count one more while inside. Raises too_many_streams.

        `opened_with`: the hash of the session's or token's secret; the Cancel given is set when that is revoked.
        """
        stream = _OpenStream(user_id, opened_with)
        with self._lock:
            own = sum(other.user_id == user_id for other in self._open)
            if own >= EACH or len(self._open) >= self._limit:
                raise AppError("too_many_streams")
            self._open.add(stream)
        try:
            yield stream.revoked
        finally:
            with self._lock:
                self._open.discard(stream)

    def revoke(self, *hashes: str) -> None:
        """End what was opened with these at once: whoever follows comes back and is refused."""
        with self._lock:
            found = [stream for stream in self._open if stream.opened_with in hashes]
        for stream in found:
            stream.revoked.set()
