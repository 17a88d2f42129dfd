"""Looks after the others while an answer is measured: whoever asks meanwhile is let through at once."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from app.doctor.visitor import AwayError, RefusedError, StrangerError, Visitor
from app.engines.base import Cancel

# How often the queue is looked at, and after what time an answer is given up.
LOOK_S, LONGEST_S = 0.5, 120.0


class Watch:
    """`with Watch(visitor, ours) as watch:` ask with `watch.cancel`; `ours` answers of the queue are our own.

    `seen` then says whether the answer was given up: crowded, slow, or "".
    """

    def __init__(self, visitor: Visitor, ours: int) -> None:
        self._visitor = visitor
        self._ours = ours
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="comparison-watch", daemon=True)
        self.cancel = Cancel()
        self.seen = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        deadline = time.monotonic() + LONGEST_S
        while not self._over.wait(LOOK_S):
            if time.monotonic() > deadline:
                self.seen = "slow"
            with suppress(AwayError, StrangerError, RefusedError):
                status = self._visitor.status()
                if status["running"] + status["waiting"] > self._ours:
                    self.seen = "crowded"
            if self.seen and not self._over.is_set():
                self.cancel.set()
                return
