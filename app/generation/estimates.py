"""How long answers and waits will take, learnt from this server's own runs, and when silence means a hung engine."""

import heapq
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from app.engines.base import Usage

# Runs of a model that the next one is estimated from.
HISTORY = 30
# Silence is suspicious after this many times the expected prefill, and never before the floor.
SUSPICION = 3.0
MIN_READ_TIMEOUT_S = 60.0
# Below this, an engine's constant costs hide how fast it reads.
MIN_TOKENS_READ = 50


class Estimates:
    """Durations in seconds by model. `max_read_timeout_s`: the longest silence allowed."""

    def __init__(self, max_read_timeout_s: float) -> None:
        self._max_read_timeout_s = max_read_timeout_s
        self._lock = threading.Lock()
        self._durations: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self._prefills: dict[str, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=HISTORY))

    def learn(self, model: str, seconds: float, usage: Usage) -> None:
        """Remember what a run took from the moment it had a slot."""
        with self._lock:
            self._durations[model].append(seconds)
            read = (usage.prompt_tokens or 0) - (usage.cached_tokens or 0)
            if usage.prefill_ms and read >= MIN_TOKENS_READ:
                self._prefills[model].append((read, usage.prefill_ms / 1000))

    def expected_duration(self, model: str) -> float | None:
        """Seconds that an answer of this model takes; while it is new, the mean of all models; None before any run."""
        with self._lock:
            known = self._durations.get(model) or [seconds for each in self._durations.values() for seconds in each]
            return sum(known) / len(known) if known else None

    def typical_duration(self, model: str) -> float | None:
        """Seconds that this very model's answers took on average; None before its first."""
        with self._lock:
            known = self._durations.get(model)
            return sum(known) / len(known) if known else None

    def read_timeout(self, model: str, prompt_tokens: int) -> float:
        """Seconds of silence after which the engine is taken to hang."""
        with self._lock:
            prefills = self._prefills.get(model)
            if not prefills:
                return self._max_read_timeout_s
            # The slowest one: an engine that does not report its cache seems to read in no time.
            seconds_per_token = max(seconds / tokens for tokens, seconds in prefills)
        return min(self._max_read_timeout_s, max(MIN_READ_TIMEOUT_S, SUSPICION * prompt_tokens * seconds_per_token))

    def queue_waits(
        self, waiting: Sequence[str], running: Iterable[tuple[str, float]], slots: int
    ) -> list[float] | list[None]:
        """Seconds until each one that waits gets a slot; None for all while nothing is known.

        `waiting`: their models in serving order; `running`: (model, seconds since its start) of those that have a slot.
        """
        expected = [self.expected_duration(model) for model in waiting]
        at_work = [(self.expected_duration(model), elapsed) for model, elapsed in running]
        if None in expected or any(whole is None for whole, _ in at_work):
            return [None] * len(waiting)
        ends = [max(0.0, (whole or 0.0) - elapsed) for whole, elapsed in at_work]
        ends += [0.0] * (slots - len(ends))
        heapq.heapify(ends)
        return [heapq.heappushpop(ends, ends[0] + (whole or 0.0)) for whole in expected]
