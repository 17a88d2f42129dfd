"""Flask-Login's side of the sessions kept in the rows: from cookie to person and back."""

from datetime import timedelta
from functools import cached_property

from flask import Flask, current_app, request, session
from flask_login import UserMixin, login_user, logout_user

from app.auth import fresh
from app.extensions import login_manager
from app.models import LoginSession, User
from app.models.types import digest
from app.web import generation


class Member(UserMixin):  # type: ignore[misc]
    """The person of one session: the number at once; the row only when it is asked for, which is rare."""

    def __init__(self, user_id: int, token: str) -> None:
        self.id = user_id
        self.token = token

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.token

    @cached_property
    def user(self) -> User:
        """The person's row."""
        return User.numbered(self.id)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.user, name)


def load(token: str) -> Member | None:
    """The person of a cookie, or None."""
    user_id = LoginSession.find(token)
    return None if user_id is None else Member(user_id, token)


def sign_in(user: User, *, remember: bool) -> None:
    """Open a session; `remember` lets it outlive the browser."""
    lasting = timedelta(days=current_app.config["SESSION_DAYS"]) if remember else None
    token = LoginSession.open(user, lasting=lasting, user_agent=request.user_agent.string)
    _clear_session()
    session.permanent = remember
    login_user(Member(user.id, token))


def sign_out(member: Member) -> None:
    """Close this session, here and in the rows."""
    LoginSession.close(member.token)
    generation().streams.revoke(digest(member.token))
    logout_user()
    _clear_session()


def _clear_session() -> None:
    """Empty the cookie but for how pages look: that belongs to the browser as much as to the person."""
    kept = {name: session[name] for name in ("locale", "theme", "text_size") if name in session}
    session.clear()
    session.update(kept)


def init_app(app: Flask) -> None:
    """Connect Flask-Login."""
    login_manager.init_app(app)
    login_manager.session_protection = None
    login_manager.user_loader(load)
    fresh.init_app(app)
