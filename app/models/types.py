"""Column types and values shared by the rows."""

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, DateTime, Insert, TypeDecorator, insert, inspect

# The largest number that a column can hold in every database; a larger one in a request names nothing.
MAX_INTEGER = 2**31 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the time zone, this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Attach UTC to what the database returned."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def to_read(rows: Any, values: Any) -> Any:
    """A row with these values, the others None, to be read only: a stranger to the session, at a tenth of the cost."""
    row = object.__new__(rows)
    row.__dict__.update(_blank(rows))
    row.__dict__.update(values)
    return row


def insert_row(connection: Connection, rows: Any, **values: Any) -> Any:
    """Insert a row past the session, which takes three times as long; what was inserted, to be read only."""
    key = connection.execute(_insert_into(rows), values).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    values[_key(rows)] = key[0]
    return to_read(rows, values)


@cache
def _insert_into(rows: Any) -> Insert:
    return insert(inspect(rows).local_table)


@cache
def _key(rows: Any) -> str:
    return str(inspect(rows).primary_key[0].key)


@cache
def _blank(rows: Any) -> dict[str, None]:
    return dict.fromkeys(inspect(rows).attrs.keys())


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
