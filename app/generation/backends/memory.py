"""The event log and the signals of a service that is one process: everything is in its memory."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from app.engines.base import Cancel
from app.generation import events
from app.generation.events import HEARTBEAT, Event, TextSoFar, Topic, encode

# Finished runs whose events can still be replayed.
KEPT = 64


class MemoryEventStream:
    """An `EventStream` as a list of frames. `content`, `thinking`: text left by an earlier attempt."""

    def __init__(self, content: str = "", thinking: str = "") -> None:
        self._condition = threading.Condition()
        self._frames: list[bytes] = []
        self._texts = {Event.TEXT: [content], Event.THINKING: [thinking]}
        self._closed = False

    def publish(self, event: Event, data: dict[str, Any], *, last: bool = False) -> None:
        """Append an event and wake the followers."""
        with self._condition:
            if self._closed:
                return
            if event in self._texts:
                self._texts[event].append(data["text"])
            elif event == Event.ACCEPTED and data.get("reset"):
                message = data["message"]
                self._texts = {Event.TEXT: [message["content"]], Event.THINKING: [message["thinking"]]}
            self._frames.append(encode(len(self._frames) + 1, event, data))
            self._closed = last
            self._condition.notify_all()

    def close(self) -> None:
        """Close the stream and wake the followers."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def follow(self, after: int = 0, revoked: Cancel | None = None) -> Iterator[bytes]:
        """Yield the frames, joined where the reader was slower."""
        revoked = revoked or Cancel()
        with revoked.calling(self._wake):
            while True:
                with self._condition:
                    has_news = len(self._frames) > after or self._closed or revoked.is_set()
                    has_news = has_news or self._condition.wait(events.HEARTBEAT_S)
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

    def frames(self, after: int = 0) -> bytes:
        """Return the frames published so far."""
        with self._condition:
            return b"".join(self._frames[after:])

    def text(self) -> TextSoFar:
        """Return the text published so far."""
        with self._condition:
            return TextSoFar(len(self._frames), "".join(self._texts[Event.TEXT]), "".join(self._texts[Event.THINKING]))

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()


class MemoryEventLog:
    """An `EventLog` that keeps the streams of active runs and of the last `kept` finished ones."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._streams: OrderedDict[int, MemoryEventStream] = OrderedDict()
        self._active: set[int] = set()

    def open(self, message_id: int, content: str = "", thinking: str = "") -> MemoryEventStream:
        """Create a message's stream."""
        stream = MemoryEventStream(content, thinking)
        with self._lock:
            self._streams[message_id] = stream
            self._streams.move_to_end(message_id)
            self._active.add(message_id)
        return stream

    def get(self, message_id: int) -> MemoryEventStream | None:
        """Return a message's stream, or None."""
        with self._lock:
            return self._streams.get(message_id)

    def retire(self, message_id: int) -> None:
        """Keep the stream until `kept` others have ended after it."""
        with self._lock:
            self._active.discard(message_id)
            ended = [key for key in self._streams if key not in self._active]
            for key in ended[: -self._kept]:
                del self._streams[key]

    def close(self) -> None:
        """Close all streams."""
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.close()


class MemorySignals:
    """`Signals` within one process: listeners are called in the sender's thread."""

    def __init__(self) -> None:
        self._listeners: defaultdict[Topic, list[Callable[[str], None]]] = defaultdict(list)

    def send(self, topic: Topic, value: str = "") -> None:
        """Call every listener of the topic."""
        for heard in self._listeners[topic]:
            heard(value)

    def listen(self, topic: Topic, heard: Callable[[str], None]) -> None:
        """Add a listener."""
        self._listeners[topic].append(heard)
