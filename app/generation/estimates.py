"""Estimates from this server's recent runs: durations of answers, waits in the queue, and read timeouts."""

import heapq
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from app.engines.base import Usage

# Number of a model's latest runs that its estimates use.
HISTORY = 30
# The read timeout is this many times the expected prefill, and at least MIN_READ_TIMEOUT_S.
SUSPICION = 3.0
MIN_READ_TIMEOUT_S = 60.0
# With fewer uncached prompt tokens, the engine's fixed costs hide how fast it reads; with fewer tokens, how it writes.
MIN_TOKENS_READ = 50
MIN_TOKENS_WRITTEN = 8
# A CPU reads a token in no more time than it writes one, and at most so many times as fast.
READS_FASTER = 20


class Estimates:
    """Durations by model, in seconds; thread-safe. `max_read_timeout_s`: upper limit of `read_timeout`."""

    def __init__(self, max_read_timeout_s: float) -> None:
        self._max_read_timeout_s = max_read_timeout_s
        self._lock = threading.Lock()
        self._durations: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=HISTORY))
        # Tokens that were read and the seconds that it took; and seconds per token that was written where the engine
        # does not tell what it had cached: such an engine seems to read in no time.
        self._reading: dict[str, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self._writing: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=HISTORY))

    def learn(self, model: str, seconds: float, usage: Usage) -> None:
        """Record a finished run: `seconds` from getting its slot to its end, and the engine's counts."""
        self.learn_reading(model, usage)
        with self._lock:
            self._durations[model].append(seconds)
            written = usage.output_tokens or 0
            if usage.cached_tokens is None and usage.decode_ms and written >= MIN_TOKENS_WRITTEN:
                self._writing[model].append(usage.decode_ms / 1000 / written)

    def learn_reading(self, model: str, usage: Usage) -> None:
        """Record what the engine read of a prompt, also of one that nobody asked."""
        read = (usage.prompt_tokens or 0) - (usage.cached_tokens or 0)
        if usage.prefill_ms and read >= MIN_TOKENS_READ:
            with self._lock:
                self._reading[model].append((read, usage.prefill_ms / 1000))

    def expected_duration(self, model: str) -> float | None:
        """Return the mean seconds of this model's answers, or of all models' if it has no runs yet;
        None before any run.
        """
        with self._lock:
            known = self._durations.get(model) or [seconds for each in self._durations.values() for seconds in each]
            return sum(known) / len(known) if known else None

    def typical_duration(self, model: str) -> float | None:
        """Return the mean seconds of this model's own answers; None before its first."""
        with self._lock:
            known = self._durations.get(model)
            return sum(known) / len(known) if known else None

    def read_timeout(self, model: str, prompt_tokens: int) -> float:
        """Return the seconds of silence after which the engine counts as hung, for a prompt of that many tokens."""
        with self._lock:
            if not self._reading.get(model):
                return self._max_read_timeout_s
            # The slowest run counts, and what reading cannot be slower than.
            pace = max(SUSPICION * self._slowest(model), max(self._writing[model], default=0.0))
        return min(self._max_read_timeout_s, max(MIN_READ_TIMEOUT_S, prompt_tokens * pace))

    def prefill_duration(self, model: str, prompt_tokens: int) -> float | None:
        """Return the seconds that reading so many tokens takes, at this model's slowest pace; None before any run."""
        with self._lock:
            if not self._reading.get(model):
                return None
            pace = max(self._slowest(model), max(self._writing[model], default=0.0) / READS_FASTER)
        return prompt_tokens * pace

    def reading_pace(self, model: str) -> float | None:
        """Return the tokens that this model reads a second; None before any run.

        Cautious where the engine does not tell what it had cached.
        """
        with self._lock:
            if self._reading.get(model) and not self._writing.get(model):
                read = self._reading[model]
                return sum(tokens for tokens, _ in read) / sum(seconds for _, seconds in read)
        pace = self.prefill_duration(model, 1)
        return 1 / pace if pace else None

    def _slowest(self, model: str) -> float:
        """Return the most seconds per token that was read; the caller holds `_lock`."""
        return max(seconds / tokens for tokens, seconds in self._reading[model])

    def queue_waits(
        self, waiting: Sequence[tuple[str, float]], running: Iterable[tuple[str, float]], slots: int
    ) -> list[float] | list[None]:
        """Return the seconds until each waiting ticket gets a slot; None for all if a duration is unknown.

        `waiting`: (model, seconds more than usual) of the waiting tickets in serving order; `running`: (model, seconds
        since its start) of the others.
        """
        expected = [(self.expected_duration(model), more) for model, more in waiting]
        at_work = [(self.expected_duration(model), elapsed) for model, elapsed in running]
        if any(whole is None for whole, _ in [*expected, *at_work]):
            return [None] * len(waiting)
        ends = [max(0.0, (whole or 0.0) - elapsed) for whole, elapsed in at_work]
        ends += [0.0] * (slots - len(ends))
        heapq.heapify(ends)
        return [heapq.heappushpop(ends, ends[0] + (whole or 0.0) + more) for whole, more in expected]
