"""What is to be expected, learnt from this server's own runs: how long an answer takes, when a turn comes, when
silence means that the engine hangs."""

import heapq
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from app.engines.base import Usage

# Runs of a model from which the next one is expected.
HISTORY = 30
# Silence is suspicious after this many times the expected reading of the prompt, and never before the floor.
SUSPICION = 3.0
PATIENCE_FLOOR_S = 60.0


class Forecast:
    """Durations in seconds by model; `patience_s` is the longest silence allowed before anything is known."""

    def __init__(self, patience_s: float) -> None:
        self._limit_s = patience_s
        self._lock = threading.Lock()
        self._durations: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self._reading: dict[str, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=HISTORY))

    def learn(self, model: str, seconds: float, usage: Usage) -> None:
        """Remember what a run took once it had a slot."""
        with self._lock:
            self._durations[model].append(seconds)
            read = (usage.prompt_tokens or 0) - (usage.cached_tokens or 0)
            # A handful of tokens says more about the engine's constant costs than about its pace.
            if usage.prefill_ms and read >= 50:
                self._reading[model].append((read, usage.prefill_ms / 1000))

    def duration(self, model: str) -> float | None:
        """Seconds that an answer of this model takes; from the other models while it is new, None before any."""
        with self._lock:
            known = self._durations.get(model) or [seconds for each in self._durations.values() for seconds in each]
            return sum(known) / len(known) if known else None

    def usual(self, model: str) -> float | None:
        """Seconds that this very model's answers took; None before its first."""
        with self._lock:
            known = self._durations.get(model)
            return sum(known) / len(known) if known else None

    def patience(self, model: str, prompt_tokens: int) -> float:
        """Seconds of silence after which the engine is taken for hanging."""
        with self._lock:
            read = self._reading.get(model)
            if not read:
                return self._limit_s
            # The slowest one: an engine that does not tell what it had cached seems to read in no time.
            pace = max(seconds / tokens for tokens, seconds in read)
        return min(self._limit_s, max(PATIENCE_FLOOR_S, SUSPICION * prompt_tokens * pace))

    def starts(
        self, order: Sequence[str], running: Iterable[tuple[str, float]], slots: int
    ) -> list[float] | list[None]:
        """Seconds until each one waiting gets a slot.

        `order`: their models, in the order of serving; `running`: (model, seconds since its start) of those at work.
        """
        expected = [self.duration(model) for model in order]
        at_work = [(self.duration(model), elapsed) for model, elapsed in running]
        if None in expected or any(whole is None for whole, _ in at_work):
            return [None] * len(order)
        ends = [max(0.0, (whole or 0.0) - elapsed) for whole, elapsed in at_work]
        ends += [0.0] * (slots - len(ends))
        heapq.heapify(ends)
        return [heapq.heappushpop(ends, ends[0] + (whole or 0.0)) for whole in expected]
