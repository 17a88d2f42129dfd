"""Migrate the database, and remove erased text from SQLite's full-text index."""

import multiprocessing
import sqlite3
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.extensions import context_of, db

# From this version on FTS5 removes deleted words at once (option "secure-delete"); older ones keep them in the index
# until a merge rewrites that part.
AT_ONCE = (3, 42)
# Index pages merged in one step: each takes a few milliseconds and lets other writers in between.
PAGES = 200
TELL = text("INSERT INTO message_search(message_search, rank) VALUES(:order, :value)")
MIGRATIONS_FOLDER = Path(__file__).parent.parent / "migrations"


def enable_secure_delete(app: Flask) -> None:
    """Turn on FTS5's "secure-delete" if SQLite has it. Called at each start, as SQLite may have been upgraded."""
    with context_of(app):
        if _is_sqlite() and sqlite3.sqlite_version_info >= AT_ONCE:
            _tell("secure-delete", 1)


def compact_search_index() -> None:
    """Rewrite the full-text index without the words of erased messages, for SQLite without "secure-delete".

    Does nothing elsewhere.
    """
    if not _is_sqlite() or sqlite3.sqlite_version_info >= AT_ONCE:
        return
    # FTS5: a negative number starts a merge of the whole index, positive ones continue it. A merge with nothing left
    # to do changes at most one row.
    pages = -PAGES
    while _tell("merge", pages) > 1:
        pages = PAGES


def _is_sqlite() -> bool:
    return bool(db.engine.dialect.name == "sqlite")


def _tell(order: str, value: int) -> int:
    """Send a command to the FTS5 index and commit; return how many rows it changed."""
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.execute(TELL, {"order": order, "value": value})
    changed: int = driver.total_changes - before
    db.session.commit()
    return changed


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
    enable_secure_delete(app)


def upgrade_in_subprocess(app: Flask) -> BaseProcess:
    """Start `upgrade` in a child process and return it; the caller joins it.

    A child, because Alembic's memory is then given back to the system.
    """
    process = multiprocessing.get_context("fork").Process(target=upgrade, args=(app,))
    process.start()
    return process


def _bind(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(MIGRATIONS_FOLDER), render_as_batch=True)
