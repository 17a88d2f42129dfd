"""Hold a newly created API token so that the next page can show it once (post/redirect/get)."""

import threading
from collections.abc import Callable
from time import monotonic

from flask import Flask, current_app

# Seconds that a token is kept; the redirect is followed at once or never.
KEPT_S = 120.0


class OneTimeTokens:
    """One token per session, in memory: a cookie would leave it in a file on the user's disk."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, str]] = {}

    def put(self, session: str, token: str) -> None:
        """Keep the token for this session's next page; forget expired ones."""
        with self._lock:
            over = self._clock() - KEPT_S
            self._held = {each: kept for each, kept in self._held.items() if kept[0] > over}
            self._held[session] = (self._clock(), token)

    def take(self, session: str) -> str:
        """Return this session's token and forget it; "" if there is none."""
        with self._lock:
            made, token = self._held.pop(session, (0.0, ""))
            return token if self._clock() - made < KEPT_S else ""


def init_app(app: Flask) -> None:
    """Create this application's store of new tokens."""
    app.extensions["fresh"] = OneTimeTokens()


def one_time_tokens() -> OneTimeTokens:
    """Return the current application's store of new tokens."""
    found: OneTimeTokens = current_app.extensions["fresh"]
    return found
