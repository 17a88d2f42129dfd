"""What the generations of one model share: its slots, and the prompts it has computed already."""

from __future__ import annotations

import threading
from collections import deque
from itertools import takewhile

from tests.fakes._server import ClientGoneError, Exchange


class Slots:
    """A first come, first served semaphore: nobody is refused, nobody sees the queue."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def taken(self) -> bool:
        return not self._free

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def acquire(self, exchange: Exchange) -> None:
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append(turn)
        try:
            exchange.wait(turn.wait)
        except ClientGoneError:
            self._give_up(turn)
            raise

    def release(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _give_up(self, turn: threading.Event) -> None:
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
                return
        self.release()


class PromptCache:
    """The tokens that each slot has computed; a prompt reuses the longest prefix that one of them shares."""

    def __init__(self, slots: int) -> None:
        self._kept: list[list[str]] = [[] for _ in range(slots)]
        self._lock = threading.Lock()

    def peek(self, prompt: list[str]) -> int:
        """How much of the prompt is computed already."""
        with self._lock:
            return min(max(_common(kept, prompt) for kept in self._kept), len(prompt) - 1)

    def shared(self, prompt: list[str]) -> int:
        """Take the slot that shares most. One token is always computed again."""
        with self._lock:
            best = max(self._kept, key=lambda kept: _common(kept, prompt))
            shared = min(_common(best, prompt), len(prompt) - 1)
            self._kept.remove(best)
            self._kept.append(best[:shared])
            return shared

    def keep(self, computed: list[str]) -> None:
        with self._lock:
            self._kept.pop(0)
            self._kept.append(computed)


def _common(left: list[str], right: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
