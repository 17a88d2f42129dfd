"""Column types and values shared by the rows."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Insert, TypeDecorator

from app.errors import AppError
from app.extensions import db

# The largest number that a column can hold in every database; a larger one in a request names nothing.
MAX_INTEGER = 2**31 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the time zone, this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Attach UTC to what the database returned."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def insert_one(connection: Connection, statement: Insert, values: dict[str, Any]) -> int:
    """Insert one row; the number that the database gave it."""
    key = connection.execute(statement, values).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def utcnow() -> datetime:
    """Now, with its time zone."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, with milliseconds and `Z`, as JavaScript writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def public_id() -> str:
    """Sixteen hexadecimal characters that cannot be guessed."""
    return secrets.token_hex(8)


def digest(secret: str) -> str:
    """What is stored of a secret too long to be guessed, which is why no salt and no slowness is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def get_or_none(rows: Any, number: int) -> Any:
    """The row of that number, or None; one that no database holds names nothing."""
    return db.session.get(rows, number) if abs(number) <= MAX_INTEGER else None


def get_owned(rows: Any, user: Any, number: int) -> Any:
    """A row of that person's; raises not_found for a missing or another's one."""
    row = get_or_none(rows, number)
    if row is None or row.user_id != user.id:
        raise AppError("not_found")
    return row
