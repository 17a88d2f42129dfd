"""The Flask extensions, unbound, and what SQLite needs to serve many readers and one writer."""

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
# A writer that holds the database this long makes the others fail with a clear 503.
BUSY_TIMEOUT_MS = 5000


class Base(DeclarativeBase):
    """Parent of all rows."""

    metadata = MetaData(naming_convention=NAMING)


# Rows stay readable after a commit: a request ends soon after, and each re-reading would cost a query.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()


def context_of(app: Flask) -> AbstractContextManager[Any]:
    """The context in force, else a new one; a second one inside a request would take a second connection."""
    return nullcontext() if has_app_context() else app.app_context()


def in_context() -> bool:
    """Whether a request or a command is at work here, which has a session of its own."""
    return has_app_context()


def release_connection() -> None:
    """Give the request's database connection back: what comes next may last for minutes."""
    db.session.remove()


@event.listens_for(Engine, "connect")
def _set_sqlite_pragmas(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is erased is overwritten: its pages would keep the words until others need the room.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()
        # SQLite's own knows the letters of ASCII only: a search for « école » would not find « École ».
        connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)
        # Which PostgreSQL has.
        connection.create_function("translate", 3, _translated, deterministic=True)


def _translated(text: str | None, old: str, new: str) -> str | None:
    """The text with each letter of `old` as the one at its place in `new`."""
    return text and text.translate(str.maketrans(old, new))
