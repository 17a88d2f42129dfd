"""The database's tables, brought up to date by the migrations. Alembic is in memory for that alone: it takes 10 MB."""

import multiprocessing
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from flask import Flask

from app import traces
from app.extensions import context_of, db

FOLDER = Path(__file__).parent.parent / "migrations"


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
    traces.leave_none(app)


def upgrade_apart(app: Flask) -> BaseProcess:
    """Begin the same in a process of its own, whose memory is given back; the caller waits for its end."""
    process = multiprocessing.get_context("fork").Process(target=upgrade, args=(app,))
    process.start()
    return process


def _bind(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(FOLDER), render_as_batch=True)
