"""Make destructive forms idempotent: repeating a delete within 10 minutes shows a notice instead of a 404."""

from collections.abc import Callable
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from limits import RateLimitItemPerMinute

from app.errors import AppError
from app.rate_limiter import rate_limiter
from app.security import current_user

# The rate limiter remembers for ten minutes that this user did it; covers double clicks and re-sent pages.
LATELY = RateLimitItemPerMinute(1, 10)


def found_or_ended(find: Callable[[], Any]) -> Any:
    """Return what `find` returns, or None after flashing a notice if this user has ended the same thing already.

    `find` raises not_found (AppError) if the thing does not exist; so does this, unless the same user ended it lately.
    Other users therefore cannot tell a deleted thing from one that never existed.
    """
    who = ("ended", str(current_user.id), request.path)
    try:
        found = find()
    except AppError:
        if rate_limiter().remaining(LATELY, *who):
            raise
        flash(_("That was done already."), "info")
        return None
    rate_limiter().hit(LATELY, *who)
    return found
