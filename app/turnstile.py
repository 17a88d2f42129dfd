"""Lets short pieces of work through one after another: threads that all want the interpreter at once pass it to and fro
at each call into the database, and take twice as long together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Whoever has waited this long goes in all the same: one that is held up inside must not hold up all.
PATIENCE_S = 0.5


class Turnstile:
    """`enter` and `leave` by the same thread; leaving twice, or without having entered, does nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = threading.local()

    def enter(self) -> None:
        """Wait for one's turn, not for ever."""
        self._inside.entered = self._lock.acquire(timeout=PATIENCE_S)

    def leave(self) -> None:
        """Let the next one in."""
        if getattr(self._inside, "entered", False):
            self._inside.entered = False
            self._lock.release()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Enter, and leave at the end."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


# The interpreter is one for the whole process, and so is this.
turnstile = Turnstile()
