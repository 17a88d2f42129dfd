"""What is erased leaves no trace in SQLite's file: what the index of words needs for that, beside `secure_delete`."""

import multiprocessing
import sqlite3
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.extensions import context_of, db

# From here on FTS5 can take words out of its index at once; before, they stay until their part of it is written anew.
AT_ONCE = (3, 42)
# Of the index, written anew in one step: a few milliseconds, between which others write.
PAGES = 200
TELL = text("INSERT INTO message_search(message_search, rank) VALUES(:order, :value)")
MIGRATIONS_FOLDER = Path(__file__).parent.parent / "migrations"


def enable_secure_delete(app: Flask) -> None:
    """Have it done at once where SQLite can. Said at each start: the file remembers it, and SQLite may be newer now."""
    with context_of(app):
        if _is_sqlite() and sqlite3.sqlite_version_info >= AT_ONCE:
            _tell("secure-delete", 1)


def compact_search_index() -> None:
    """Where it was not done at once: write the index anew, step by step, without the words of what was erased."""
    if not _is_sqlite() or sqlite3.sqlite_version_info >= AT_ONCE:
        return
    # A negative number takes in all of the index; the steps after it go on from there, the last one changes nothing.
    pages = -PAGES
    while _tell("merge", pages) > 1:
        pages = PAGES


def _is_sqlite() -> bool:
    return bool(db.engine.dialect.name == "sqlite")


def _tell(order: str, value: int) -> int:
    """Give the index an order, committed; how many rows it changed for it."""
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.execute(TELL, {"order": order, "value": value})
    changed: int = driver.total_changes - before
    db.session.commit()
    return changed


def init_app(app: Flask) -> None:
    """Let Alembic know the tables where it has been imported: the `flask` command does that first."""
    if "flask_migrate" in sys.modules:
        _bind(app)


def upgrade(app: Flask) -> None:
    """Carry out the migrations that are missing."""
    from flask_migrate import upgrade  # noqa: PLC0415

    _bind(app)
    with context_of(app):
        upgrade()
    enable_secure_delete(app)


def upgrade_in_subprocess(app: Flask) -> BaseProcess:
    """Begin the same in a process of its own, whose memory is given back; the caller waits for its end."""
    process = multiprocessing.get_context("fork").Process(target=upgrade, args=(app,))
    process.start()
    return process


def _bind(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(MIGRATIONS_FOLDER), render_as_batch=True)
