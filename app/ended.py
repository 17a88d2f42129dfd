"""What a person ended a moment ago: the second click on its button is then no mistake, and no page about a mistake."""

from collections.abc import Callable
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from limits import RateLimitItemPerMinute

from app.errors import AppError
from app.rate_limiter import rate_limiter
from app.security import current_user

# Once in ten minutes: clicks that were made together, and a page that is sent again.
LATELY = RateLimitItemPerMinute(1, 10)


def found_or_ended(find: Callable[[], Any]) -> Any:
    """What this address ends; None, and said so, when the same person has ended it already. Raises not_found.

    Nobody else is told apart from those who ask for what never was.
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
