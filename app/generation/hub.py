"""A run's numbered events in memory, and the followers that wait for them."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from app.generation.outlet import Outlet

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


@dataclass(eq=False)
class _Place:
    """Where a follower is that waits: the number of the last event it was sent."""

    after: int
    outlet: Outlet | None

    def send(self, number: int, frame: bytes) -> bool:
        """Send the event of that number at once; False when the follower's own thread has to."""
        if self.outlet is None or number != self.after + 1 or not self.outlet.write(frame):
            return False
        self.after = number
        return not self.outlet.stuck


class Channel:
    """The events of one run. One thread publishes, any number follow."""

    def __init__(self, content: str = "", thinking: str = "") -> None:
        self._condition = threading.Condition()
        self._frames: list[bytes] = []
        self._texts = {Event.TEXT: [content], Event.THINKING: [thinking]}
        self._closed = False
        self._waiting: list[_Place] = []

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Add an event; `last` ends every follower, and nothing comes after it."""
        with self._condition:
            if self._closed:
                return
            if event in self._texts:
                self._texts[event].append(data["text"])
            number = len(self._frames) + 1
            frame = encode(number, event, data)
            self._frames.append(frame)
            self._closed = last
            served = [place.send(number, frame) for place in self._waiting]
            if last or not all(served):
                self._condition.notify_all()

    def close(self) -> None:
        """End every follower without a last event: they come back and find the rest elsewhere."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def follow(self, after: int = 0, outlet: Outlet | None = None) -> Iterator[bytes]:
        """Frames after number `after`, as they come, until the last one; `outlet` is sent what comes in a pause."""
        while True:
            told = True
            with self._condition:
                if len(self._frames) <= after and not self._closed:
                    place = _Place(after, outlet)
                    self._waiting.append(place)
                    told = self._condition.wait(HEARTBEAT_S)
                    self._waiting.remove(place)
                    after = place.after
                frames, closed = self._frames[after:], self._closed
            if outlet is not None:
                outlet.finish()
            if frames:
                after += len(frames)
                yield b"".join(frames)
            elif closed:
                return
            elif not told:
                yield HEARTBEAT

    def snapshot(self) -> Snapshot:
        """What followers have been sent so far."""
        with self._condition:
            return Snapshot(len(self._frames), "".join(self._texts[Event.TEXT]), "".join(self._texts[Event.THINKING]))


@dataclass
class Follower:
    """One who follows an answer: `first`, then the events of a channel after number `after`, as bytes."""

    channel: Channel | None
    after: int = 0
    first: bytes = b""
    outlet: Outlet | None = None

    def __iter__(self) -> Iterator[bytes]:
        for frames in self._frames():
            yield frames
            if self.outlet is not None:
                self.outlet.flow()

    def _frames(self) -> Iterator[bytes]:
        if self.first:
            yield self.first
        if self.channel is not None:
            yield from self.channel.follow(self.after, self.outlet)


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
