"""Set up SQLite's connections for many readers and one writer, and migrate the database."""

import contextlib
import logging
import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

from app.errors import AppError
from app.extensions import context_of, db
from app.models.search import search

# A connection waits this long for SQLite's write lock; then the request fails with 503 (database_busy).
BUSY_TIMEOUT_MS = 5000
PUT_BACK = "It is damaged: put a copy back (flask backup restore FILE, or one of before-migration/)."
# What helps when the database cannot be used at the start, by SQLite's name of the error.
START_HINTS = {
    "SQLITE_CORRUPT": PUT_BACK,
    "SQLITE_NOTADB": PUT_BACK,
    "SQLITE_FULL": "Make room on the disk.",
    "SQLITE_IOERR_WRITE": "Make room on the disk, or look at its health.",
    "SQLITE_BUSY": "Another program holds it: end that one.",
    "SQLITE_CANTOPEN": "Look at the rights of the folder.",
    "SQLITE_READONLY": "Look at the rights of the file.",
}
MIGRATIONS_FOLDER = Path(__file__).parent.parent / "migrations"

logger = logging.getLogger(__name__)


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


@contextmanager
def migration_transaction(connection: Connection) -> Iterator[None]:
    """Run the block in one transaction, which is undone when it fails or is killed; that includes changes of tables.

    Python's sqlite3 would commit before each CREATE and ALTER: with `isolation_level` None it begins and commits
    nothing by itself.
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.isolation_level = None
        # Not to be used for anything else afterwards.
        connection.detach()
    with connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield


def upgrade(app: Flask, version: str = "head") -> None:
    """Apply the missing migrations, after a copy of the database was made. Raises backup_failed.

    Writes nothing if none is missing: a server must be able to start while the disk is full or the database locked.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from flask_migrate import upgrade  # noqa: PLC0415

    _bind(app)
    with context_of(app):
        newest = ScriptDirectory(str(MIGRATIONS_FOLDER)).get_current_head()
        current = _version()
        if current != (newest if version == "head" else version):
            upgrade(revision=version)
        try:
            search().prepare()
        except OperationalError:
            logger.warning("index of words not prepared", exc_info=True)


def downgrade(app: Flask, version: str) -> None:
    """Undo migrations down to that version ("-1": the last one), after a copy was made. Raises backup_failed."""
    from flask_migrate import downgrade  # noqa: PLC0415

    _bind(app)
    with context_of(app):
        downgrade(revision=version)


def version(app: Flask) -> str:
    """Return the version of the database's tables, such as "0010"; "-" before there are any."""
    with context_of(app):
        return _version() or "-"


def _version() -> str | None:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_there() -> bool:
    """Return whether a new connection finds the tables. SQLite's file may have been deleted or replaced: open
    connections go on with the old one, of which nothing is kept.
    """
    try:
        if db.engine.dialect.name != "sqlite":
            return bool(_version())
        # Only reading, which does not make the missing file.
        uri = f"{Path(str(db.engine.url.database)).absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            return bool(connection.execute("SELECT version_num FROM alembic_version").fetchall())
    except (sqlite3.DatabaseError, SQLAlchemyError) as error:
        logger.error("database not there cause=%s", error)
        return False


def close(app: Flask) -> None:
    """Bring what is in SQLite's write-ahead log into the database file, after the last worker has ended.

    A copy of that file alone is then whole, and a copy put back in its place meets no log of another database.
    """
    with context_of(app):
        db.engine.dispose()
        if db.engine.dialect.name == "sqlite":
            with contextlib.suppress(SQLAlchemyError), db.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            db.engine.dispose()


def upgrade_in_subprocess(app: Flask) -> BaseProcess:
    """Start `upgrade` in a child process, which gives Alembic's memory back, and return it; the caller joins it."""
    process = multiprocessing.get_context("fork").Process(target=_upgrade_or_exit, args=(app,))
    process.start()
    return process


def _upgrade_or_exit(app: Flask) -> None:
    """Upgrade; end this process with one line if that fails because of the disk or the file."""
    try:
        upgrade(app)
    except AppError as error:
        with context_of(app):
            raise SystemExit(f"CouachGPT: {error.sentence} ({error.cause})") from None
    except DatabaseError as error:
        name = getattr(error.orig, "sqlite_errorname", "")
        if name not in START_HINTS:
            raise
        place = app.config["SQLALCHEMY_DATABASE_URI"]
        raise SystemExit(f"CouachGPT: {place} cannot be used: {error.orig}. {START_HINTS[name]}") from None


def _bind(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(MIGRATIONS_FOLDER), render_as_batch=True)
