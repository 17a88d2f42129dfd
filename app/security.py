"""Who may use an address: each view states one of these marks, and a test fails where none is."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import flask_login
from flask import current_app, g, redirect, request, url_for

from app.errors import AppError
from app.models import AccessToken, User
from app.rate_limiter import rate_limiter

View = Callable[..., Any]
# The person who is signed in; where nobody is, `is_authenticated` is all that may be asked of it.
current_user = cast(User, flask_login.current_user)


def public(view: View) -> View:
    """For everyone, signed in or not."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def login_required(view: View) -> View:
    """For signed-in people: scripts get 401, pages go to the log-in page."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if current_user.is_authenticated:
            return view(*args, **kwargs)
        if request.path.startswith("/api/"):
            raise AppError("login_required")
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("auth.login", next=wanted if wanted != "/" else None))

    guarded.guard = "member"  # type: ignore[attr-defined]
    return guarded


def admin_required(view: View) -> View:
    """For administrators: others get 403."""

    @login_required
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_admin:
            raise AppError("forbidden")
        return view(*args, **kwargs)

    guarded.guard = "admin"  # type: ignore[attr-defined]
    return guarded


def token_required(view: View) -> View:
    """For programs that bring somebody's token: `holder()` is the person. A browser's session opens nothing here."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.token_holder = _bearer()
        return view(*args, **kwargs)

    guarded.guard = "token_holder"  # type: ignore[attr-defined]
    return guarded


def token_user() -> User:
    """Whose token this request brought."""
    person: User = g.token_holder
    return person


def _bearer() -> User:
    """The person of the request's token; raises invalid_token, and rate_limited after many wrong ones."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise AppError("invalid_token")
    found = AccessToken.find(given.token)
    if found is not None:
        return found.user
    limit, who = current_app.config["LOGIN_LIMIT"], ("token", request.remote_addr or "")
    if not rate_limiter().hit(limit, *who):
        raise AppError("rate_limited", wait_s=rate_limiter().wait_s(limit, *who))
    raise AppError("invalid_token")
