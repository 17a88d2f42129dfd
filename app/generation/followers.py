"""How many streams are followed: bounded, because each holds one of the threads that serve everybody."""

import threading
from collections import Counter
from collections.abc import Callable

from app.errors import AppError

# More tabs than anyone keeps open, and few enough that one person cannot take all threads.
EACH = 64


class Followers:
    """Counts the streams of each person; `limit` is that of all together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._count: Counter[int] = Counter()

    def join(self, user_id: int) -> Callable[[], None]:
        """Count one more; returns what to call at its end. Raises too_many_streams."""
        with self._lock:
            if self._count[user_id] >= EACH or self._count.total() >= self._limit:
                raise AppError("too_many_streams")
            self._count[user_id] += 1
        left = threading.Event()

        def leave() -> None:
            with self._lock:
                if not left.is_set():
                    left.set()
                    self._count[user_id] -= 1

        return leave
