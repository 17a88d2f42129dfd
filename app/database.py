"""Set up SQLite's connections for many readers and one writer, and migrate the database."""

import multiprocessing
import sqlite3
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.extensions import context_of, db
from app.models.search import search

# A connection waits this long for SQLite's write lock; then the request fails with 503 (database_busy).
BUSY_TIMEOUT_MS = 5000
MIGRATIONS_FOLDER = Path(__file__).parent.parent / "migrations"


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


def init_app(app: Flask) -> None:
    """Register Flask-Migrate if it is loaded, which is so in the `flask` command but not in the web process."""
    if "flask_migrate" in sys.modules:
        _bind(app)


def upgrade(app: Flask) -> None:
    """Apply the missing migrations."""
    from flask_migrate import upgrade  # noqa: PLC0415

    _bind(app)
    with context_of(app):
        upgrade()
        search().prepare()


def upgrade_in_subprocess(app: Flask) -> BaseProcess:
    """Start `upgrade` in a child process, which gives Alembic's memory back, and return it; the caller joins it."""
    process = multiprocessing.get_context("fork").Process(target=upgrade, args=(app,))
    process.start()
    return process


def _bind(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(MIGRATIONS_FOLDER), render_as_batch=True)
