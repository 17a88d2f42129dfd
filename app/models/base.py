"""Column types and small helpers that the models share."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, DateTime, ForeignKey, Insert, TypeDecorator, func, select
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.interfaces import ORMOption

from app.errors import AppError
from app.extensions import db

Row = TypeVar("Row")
# The largest integer that a column can hold in every database: no row has a larger id.
MAX_INTEGER = 2**31 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; adds the time zone, which SQLite does not store."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Attach UTC to a value without a time zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def insert_one(connection: Connection, statement: Insert, values: dict[str, Any]) -> int:
    """Insert one row and return its id."""
    key = connection.execute(statement, values).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def utcnow() -> datetime:
    """Return the current time in UTC, with its time zone."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with milliseconds and `Z`, as JavaScript writes it; None for None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def public_id() -> str:
    """Return sixteen random hexadecimal characters."""
    return secrets.token_hex(8)


def digest(secret: str) -> str:
    """Return the hash to store of a long random secret, which needs neither a salt nor a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def get_or_none(rows: type[Row], key: int | str, *, options: Sequence[ORMOption] = ()) -> Row | None:
    """Return the row with that id, or None, also for a number that no column can hold."""
    return None if isinstance(key, int) and abs(key) > MAX_INTEGER else db.session.get(rows, key, options=options)


class Owned:
    """A row of one user."""

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)

    @classmethod
    def of(cls, user: Any, key: int | str) -> Self:
        """Return the row with that id; raises not_found if it is missing or another user's."""
        row = get_or_none(cls, key)
        if row is None or row.user_id != user.id:
            raise AppError("not_found")
        return row

    def delete(self) -> None:
        """Delete the row; commits."""
        db.session.delete(self)
        db.session.commit()


def check_count(which: ColumnElement[bool], limit: int, code: str) -> None:
    """Flush, and raise `code` after a rollback if there are more than `limit` such rows.

    Call it after the insertion, which locks out other writers: two requests cannot both add the last one allowed.
    """
    db.session.flush()
    if (db.session.scalar(select(func.count()).where(which)) or 0) > limit:
        db.session.rollback()
        raise AppError(code, limit=limit)
