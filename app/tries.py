"""How often something was tried lately, in memory: a window that slides, for each thing and each who."""

import threading
from collections.abc import Callable
from time import monotonic_ns

from pyrate_limiter import InMemoryBucket, Rate, RateItem

# So many seconds apart, who has not tried lately is forgotten: names and addresses may come without end.
SWEEP_S = 60


class Tries:
    """A limit is (times, seconds); what is counted is named by `who`. `clock` counts milliseconds.

    The package's own Limiter would need a thread that sweeps; the factory starts none.
    """

    def __init__(self, clock: Callable[[], int] = lambda: monotonic_ns() // 1_000_000) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], InMemoryBucket] = {}
        self._lock = threading.Lock()
        self._swept = clock()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._buckets)

    def hit(self, limit: tuple[int, int], *who: str) -> bool:
        """Count one try; False, and not counted, where there were enough."""
        with self._lock:
            now = self._clock()
            if now - self._swept >= SWEEP_S * 1000:
                self._sweep(now)
            bucket = self._buckets.get(who)
            if bucket is None:
                bucket = self._buckets[who] = InMemoryBucket([Rate(limit[0], limit[1] * 1000)])
            bucket.leak(now)
            return bucket.put(RateItem("", now))

    def left(self, limit: tuple[int, int], *who: str) -> int:
        """How many tries there are left."""
        with self._lock:
            bucket = self._buckets.get(who)
            if bucket is None:
                return limit[0]
            bucket.leak(self._clock())
            return max(0, limit[0] - bucket.count())

    def _sweep(self, now: int) -> None:
        self._swept = now
        for who, bucket in list(self._buckets.items()):
            bucket.leak(now)
            if not bucket.count():
                del self._buckets[who]
