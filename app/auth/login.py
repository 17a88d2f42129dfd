"""Signing in and out: Flask-Login on the sessions kept in the rows."""

from datetime import timedelta

from flask import Flask, current_app, request, session
from flask_login import login_user, logout_user

from app.extensions import login_manager
from app.models import LoginSession, User
from app.models.base import digest
from app.web import generation


def sign_in(user: User, *, remember: bool) -> None:
    """Open a session; `remember` lets it outlive the browser."""
    lasting = timedelta(days=current_app.config["SESSION_DAYS"]) if remember else None
    user.session_token = LoginSession.open(user, lasting=lasting, user_agent=request.user_agent.string)
    _clear_session()
    session.permanent = remember
    login_user(user)


def sign_out(user: User) -> None:
    """Close this session, here and in the rows."""
    LoginSession.close(user.session_token)
    generation().streams.revoke(digest(user.session_token))
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
    login_manager.user_loader(LoginSession.user_of)
