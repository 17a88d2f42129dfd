"""Create the Flask extensions, and set up each SQLite connection for many readers and one writer."""

import sqlite3
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import Flask, has_app_context
from flask_babel import Babel
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import MetaData, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# A connection waits this long for SQLite's write lock; then the request fails with 503 (database_busy).
BUSY_TIMEOUT_MS = 5000


class Base(DeclarativeBase):
    """Base class of all models."""

    metadata = MetaData(naming_convention=NAMING)


# Objects stay loaded after a commit: the request ends soon, and reloading each would cost a query.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()


def context_of(app: Flask) -> AbstractContextManager[Any]:
    """Return the current application context if there is one, else a new one.

    A nested context would take a second database connection.
    """
    return nullcontext() if has_app_context() else app.app_context()


def in_context() -> bool:
    """Return whether an application context is active: a request or a command, which has its own database session."""
    return has_app_context()


def release_connection() -> None:
    """Return the request's database connection to the pool, before work that may last for minutes."""
    db.session.remove()


@event.listens_for(Engine, "connect")
def _set_sqlite_pragmas(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Overwrite deleted data at once: SQLite would keep it in free pages until they are used again.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()
        # SQLite's own lower() handles ASCII only: a search for « école » would not find « École ».
        connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)
        # PostgreSQL has translate(), SQLite does not.
        connection.create_function("translate", 3, _translated, deterministic=True)


def _translated(text: str | None, old: str, new: str) -> str | None:
    """Replace each character of `old` in `text` by the one at the same position in `new`, as SQL's translate()."""
    return text and text.translate(str.maketrans(old, new))
