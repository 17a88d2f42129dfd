"""Server-Sent Events as a browser reads them, one at a time."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its number in the run."""

    number: int
    name: str
    data: dict[str, Any]


def parse(frames: Iterable[bytes]) -> Iterator[Event]:
    """The events in these bytes, however they are cut.

    A keep-alive means that nothing came for its whole interval: a test that waits so long has failed.
    """
    held = b""
    for frame in frames:
        *blocks, held = (held + frame).split(b"\n\n")
        for block in blocks:
            if block == b": following":
                continue
            assert not block.startswith(b":"), "nothing came until the keep-alive"
            lines = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            yield Event(int(lines["id"]), lines["event"], json.loads(lines["data"]))
    assert not held, f"half an event at the end: {held!r}"


class Stream:
    """An answer that is followed; what was read so far stays in `events`."""

    def __init__(self, frames: Iterable[bytes], close: Callable[[], None]) -> None:
        self.events: list[Event] = []
        self._coming = parse(frames)
        self._close = close

    def until(self, name: str, fits: Callable[[dict[str, Any]], bool] = lambda _data: True) -> Event:
        """Read up to and including the next event of that name that fits."""
        for event in self._coming:
            self.events.append(event)
            if event.name == name and fits(event.data):
                return event
        raise AssertionError(f"no {name} event among {self.events}")

    def end(self) -> "Stream":
        """Read to the end."""
        self.events.extend(self._coming)
        return self

    def leave(self) -> None:
        """Close the connection, as a closed tab does."""
        self._close()

    @property
    def names(self) -> list[str]:
        """The kinds of events in order, neighbours of one kind once."""
        kinds = [event.name for event in self.events]
        return [kind for before, kind in zip([None, *kinds], kinds, strict=False) if kind != before]

    @property
    def numbers(self) -> list[int]:
        return [event.number for event in self.events]

    def text(self, name: str = "text") -> str:
        """The deltas of one kind, joined."""
        return "".join(event.data["text"] for event in self.events if event.name == name)

    def data(self, name: str) -> dict[str, Any]:
        """What the only event of that kind says."""
        (found,) = [event.data for event in self.events if event.name == name]
        return found

    @property
    def message_id(self) -> int:
        """The answer's id, once `accepted` was read."""
        accepted = next(event for event in self.events if event.name == "accepted")
        return int(accepted.data["message"]["id"])
