"""A run's numbered events in memory, and the followers that wait for them."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

# Tokens are joined into frames this long; the first one goes at once.
FRAME_S = 0.04
# A comment after this much silence keeps proxies and browsers from giving up.
HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
# Finished runs that late followers can still replay from memory.
KEPT = 64


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
    """The events of one run. One thread publishes, any number follow."""

    def __init__(self, content: str = "", thinking: str = "") -> None:
        self._condition = threading.Condition()
        self._frames: list[bytes] = []
        self._sealed = {Event.TEXT: [content], Event.THINKING: [thinking]}
        self._pending: list[str] = []
        self._pending_event = Event.TEXT
        self._due = 0.0
        self._closed = False

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Add an event after the text that came before it; `last` ends every follower, and nothing comes after it."""
        with self._condition:
            if self._closed:
                return
            self._seal()
            self._add(event, data)
            self._closed = self._closed or last
            self._condition.notify_all()

    def append(self, event: Event, text: str) -> None:
        """Add text or thinking, joined with its neighbours into frames."""
        with self._condition:
            if self._pending and self._pending_event != event:
                self._seal()
            self._pending_event = event
            self._pending.append(text)
            if time.monotonic() >= self._due:
                self._seal()
                self._condition.notify_all()

    def close(self) -> None:
        """End every follower without a last event: they come back and find the rest elsewhere."""
        with self._condition:
            self._seal()
            self._closed = True
            self._condition.notify_all()

    def follow(self, after: int = 0) -> Iterator[bytes]:
        """Frames after number `after`, as they come, until the last one."""
        while True:
            with self._condition:
                frames, closed = self._wait(after)
            if frames:
                after += len(frames)
                yield b"".join(frames)
            elif closed:
                return
            else:
                yield HEARTBEAT

    def snapshot(self) -> Snapshot:
        """What followers have been sent so far."""
        with self._condition:
            return Snapshot(len(self._frames), "".join(self._sealed[Event.TEXT]), "".join(self._sealed[Event.THINKING]))

    def _wait(self, after: int) -> tuple[list[bytes], bool]:
        deadline = time.monotonic() + HEARTBEAT_S
        while len(self._frames) <= after and not self._closed:
            now = time.monotonic()
            if self._pending and now >= self._due:
                self._seal()
                break
            if now >= deadline:
                break
            # Until a frame is due, text may be waiting that nobody announces: wake up for it.
            self._condition.wait((self._due if now < self._due else deadline) - now)
        return self._frames[after:], self._closed

    def _seal(self) -> None:
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            self._sealed[self._pending_event].append(text)
            self._add(self._pending_event, {"text": text})
            self._due = time.monotonic() + FRAME_S

    def _add(self, event: Event, data: dict[str, Any]) -> None:
        self._frames.append(encode(len(self._frames) + 1, event, data))


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
