"""Who may use the one child now: those who want the same model at once, the others after them, in order of arrival."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.engines.endpoint import Options


@dataclass(eq=False, slots=True)
class Turn:
    """A place in the line, kept from the arrival to the end of the use."""

    options: Options


class Turns:
    """A line in which neighbours with the same options go together; nobody overtakes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: list[Turn] = []

    @contextmanager
    def taken(self, options: Options) -> Iterator[Turn]:
        """Stand in line while inside."""
        turn = Turn(options)
        with self._lock:
            self._line.append(turn)
        try:
            yield turn
        finally:
            with self._lock:
                self._line.remove(turn)

    def has_come(self, turn: Turn) -> bool:
        """Whether nobody before it wants something else."""
        with self._lock:
            return all(other.options == turn.options for other in self._line[: self._line.index(turn)])
