"""Limit how often something may be tried: a sliding window for each limit and each name or address."""

import math
import time
from functools import cached_property

from flask import Flask, current_app
from limits import RateLimitItem
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


class RateLimiter:
    """Count tries in a sliding window; `who` names what is counted under a limit.

    `storage`: a storage URI of the `limits` package; `memory://` counts in this process.
    """

    def __init__(self, storage: str = "memory://") -> None:
        self._storage = storage

    def hit(self, limit: RateLimitItem, *who: str) -> bool:
        """Count one try; return False, without counting, if the limit is reached."""
        return self._window.hit(limit, *who)

    def remaining(self, limit: RateLimitItem, *who: str) -> int:
        """Return how many tries are left."""
        return max(0, self._window.get_window_stats(limit, *who).remaining)

    def wait_s(self, limit: RateLimitItem, *who: str) -> int:
        """Return the seconds until one more try is allowed; 0 if one is now."""
        stats = self._window.get_window_stats(limit, *who)
        return 0 if stats.remaining > 0 else max(1, math.ceil(stats.reset_time - time.time()))

    @cached_property
    def _window(self) -> MovingWindowRateLimiter:
        # Created on first use: memory storage starts a thread, and creating the application must start none.
        return MovingWindowRateLimiter(storage_from_string(self._storage))


def init_app(app: Flask) -> None:
    """Create this application's rate limiter."""
    app.extensions["rate_limiter"] = RateLimiter()


def rate_limiter() -> RateLimiter:
    """Return the current application's rate limiter."""
    found: RateLimiter = current_app.extensions["rate_limiter"]
    return found
