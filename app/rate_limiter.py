"""How often something was tried lately: a window that slides, for each limit and each name or address."""

import math
import time
from functools import cached_property

from flask import Flask, current_app
from limits import RateLimitItem
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


class RateLimiter:
    """Counts tries; `who` names what is counted under a limit.

    `storage`: where the counts are, as an address that the package `limits` knows; `memory://` is this process.
    """

    def __init__(self, storage: str = "memory://") -> None:
        self._storage = storage

    def hit(self, limit: RateLimitItem, *who: str) -> bool:
        """Count one try; False, and not counted, where there were enough."""
        return self._window.hit(limit, *who)

    def remaining(self, limit: RateLimitItem, *who: str) -> int:
        """How many tries are left."""
        return max(0, self._window.get_window_stats(limit, *who).remaining)

    def wait_s(self, limit: RateLimitItem, *who: str) -> int:
        """In how many seconds one more try is left; 0: now."""
        stats = self._window.get_window_stats(limit, *who)
        return 0 if stats.remaining > 0 else max(1, math.ceil(stats.reset_time - time.time()))

    @cached_property
    def _window(self) -> MovingWindowRateLimiter:
        # Made with the first try: storage in memory starts a thread, and making the application must start none.
        return MovingWindowRateLimiter(storage_from_string(self._storage))


def init_app(app: Flask) -> None:
    """Count for this application."""
    app.extensions["rate_limiter"] = RateLimiter()


def rate_limiter() -> RateLimiter:
    """The counts of this application."""
    found: RateLimiter = current_app.extensions["rate_limiter"]
    return found
