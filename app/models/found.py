"""Rows by their number, as an address or a request names them."""

from typing import Any

from app.errors import AppError
from app.extensions import db
from app.models.types import MAX_INTEGER


def by_number(rows: Any, number: int) -> Any:
    """The row of that number, or None; one that no database holds names nothing."""
    return db.session.get(rows, number) if abs(number) <= MAX_INTEGER else None


def own(rows: Any, user: Any, number: int) -> Any:
    """A row of that person's; raises not_found for a missing or another's one."""
    row = by_number(rows, number)
    if row is None or row.user_id != user.id:
        raise AppError("not_found")
    return row
