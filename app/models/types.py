"""Column types and values shared by the rows."""

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import DateTime, Insert, TypeDecorator, insert

from app.extensions import db

# The largest number that a column can hold; a larger one in a request names nothing.
MAX_INTEGER = 2**63 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the time zone, this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Attach UTC to what the database returned."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def insert_row(row: Any) -> int:
    """Insert an object's columns as they are set, past the session, which takes three times as long; its new key."""
    values = {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}
    key = db.session.connection().execute(_insert_into(row.__class__), values).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    setattr(row, row.__mapper__.primary_key[0].key, key[0])
    return int(key[0])


@cache
def _insert_into(rows: Any) -> Insert:
    return insert(rows.__table__)


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
