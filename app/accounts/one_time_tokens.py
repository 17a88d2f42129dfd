"""A new token on its way to the page that shows it: in memory, once, for the session that made it."""

import threading
from collections.abc import Callable
from time import monotonic

from flask import Flask, current_app

# A page that was not fetched by then never will be.
KEPT_S = 120.0


class Fresh:
    """One token for each session. A cookie would keep it in a file of the browser's until it is written anew."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, str]] = {}

    def put(self, session: str, token: str) -> None:
        """Keep it for the next page."""
        with self._lock:
            over = self._clock() - KEPT_S
            self._held = {each: kept for each, kept in self._held.items() if kept[0] > over}
            self._held[session] = (self._clock(), token)

    def take(self, session: str) -> str:
        """The token, which is then forgotten; "" for none."""
        with self._lock:
            made, token = self._held.pop(session, (0.0, ""))
            return token if self._clock() - made < KEPT_S else ""


def init_app(app: Flask) -> None:
    """Hold those of this application."""
    app.extensions["fresh"] = Fresh()


def fresh() -> Fresh:
    """Those of this application."""
    found: Fresh = current_app.extensions["fresh"]
    return found
