"""Sign users in and out with Flask-Login, name their devices, and hold a session's new token for its next page."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from flask import Flask, current_app, request, session
from flask_login import LoginManager, login_user, logout_user

from app.models import LoginSession, User
from app.models.base import digest
from app.web import generation

# The first match counts: browsers also send the names of those further down.
BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chromium", r"HeadlessChrome/|Chromium/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
SYSTEMS = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
# Seconds that a new API token is kept; the redirect to the page that shows it is followed at once or never.
KEPT_S = 120.0


def sign_in(user: User, *, remember: bool) -> None:
    """Open a session; with `remember` it outlives the browser, for SESSION_DAYS."""
    lasting = timedelta(days=current_app.config["SESSION_DAYS"]) if remember else None
    user.session_token = LoginSession.open(user, lasting=lasting, user_agent=request.user_agent.string)
    _clear_session()
    session.permanent = remember
    login_user(user)


def sign_out(user: User) -> None:
    """Close the user's current session, end its event streams and clear the cookie."""
    LoginSession.close(user.session_token)
    generation().streams.revoke(digest(user.session_token))
    logout_user()
    _clear_session()


def _clear_session() -> None:
    """Clear the session cookie except for language, theme and text size, which belong to the browser too."""
    kept = {name: session[name] for name in ("locale", "theme", "text_size") if name in session}
    session.clear()
    session.update(kept)


def init_app(app: Flask) -> None:
    """Set up Flask-Login to look sessions up in the database."""
    login_manager = LoginManager(app)
    login_manager.session_protection = None
    login_manager.user_loader(LoginSession.user_of)


def device_name(user_agent: str) -> str:
    """Return the browser's and the system's name, such as "Firefox, Linux"; "" if neither is known."""
    return ", ".join(filter(None, (_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent))))


def _first(kinds: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in kinds if re.search(pattern, user_agent)), "")


class OneTimeTokens:
    """Hold a new API token until the next page shows it once (post/redirect/get): one per session.

    In memory, as a cookie would leave it in a file on the user's disk.
    """

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


def one_time_tokens() -> OneTimeTokens:
    """Return the current application's store of new tokens."""
    found: OneTimeTokens = current_app.extensions["one_time_tokens"]
    return found
