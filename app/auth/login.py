"""Flask-Login's side of the sessions kept in the rows: from cookie to person and back."""

from datetime import timedelta

from flask import Flask, current_app, request, session
from flask_login import UserMixin, login_user, logout_user

from app.extensions import login_manager
from app.models import LoginSession, User


class Member(UserMixin):  # type: ignore[misc]
    """The person of one session; everything but the session's token is the user's own."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.token = token

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.token

    def __getattr__(self, name: str) -> object:
        return getattr(self.user, name)


def load(token: str) -> Member | None:
    """The person of a cookie, or None."""
    found = LoginSession.find(token)
    return Member(found.user, token) if found else None


def sign_in(user: User, *, remember: bool) -> None:
    """Open a session; `remember` lets it outlive the browser."""
    lasting = timedelta(days=current_app.config["SESSION_DAYS"]) if remember else None
    token = LoginSession.open(user, lasting=lasting, user_agent=request.user_agent.string)
    _clear_session()
    session.permanent = remember
    login_user(Member(user, token))


def sign_out(member: Member) -> None:
    """Close this session, here and in the rows."""
    LoginSession.close(member.token)
    logout_user()
    _clear_session()


def _clear_session() -> None:
    """Empty the cookie but for the language and the theme: they belong to the browser as much as to the person."""
    kept = {name: session[name] for name in ("locale", "theme") if name in session}
    session.clear()
    session.update(kept)


def init_app(app: Flask) -> None:
    """Connect Flask-Login."""
    login_manager.init_app(app)
    login_manager.session_protection = None
    login_manager.user_loader(load)
