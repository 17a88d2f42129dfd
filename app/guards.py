"""Who may use an address: each view states one of these marks, and a test fails where none is."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import redirect, request, url_for
from flask_login import current_user

from app.errors import AppError

View = Callable[..., Any]


def public(view: View) -> View:
    """For everyone, signed in or not."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def member(view: View) -> View:
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


def admin(view: View) -> View:
    """For administrators: others get 403."""

    @member
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_admin:
            raise AppError("forbidden")
        return view(*args, **kwargs)

    guarded.guard = "admin"  # type: ignore[attr-defined]
    return guarded
