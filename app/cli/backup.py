"""`flask backup`: archives of all data; `flask db`: the version of the database's tables."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import gettext as _

from app import backups, database
from app.cli.output import AppCommand
from app.errors import AppError
from app.extensions import current_application
from app.instance import server_lock

FILE = click.Path(dir_okay=False, path_type=Path)

backup = AppGroup("backup", help="Archives of all data: create, verify, restore.")
db = AppGroup("db", help="The version of the database's tables: upgrade, downgrade, current.")
backup.command_class = db.command_class = AppCommand


@backup.command("create")
@click.argument("file", type=FILE, required=False)
def create(file: Path | None) -> None:
    """Write all data but the models to FILE (.tar); the server may run."""
    wanted = file or Path(f"couachgpt-{datetime.now():%Y%m%d-%H%M%S}.tar")
    backups.create(wanted)
    click.echo(_("Written: %(file)s", file=wanted))


@backup.command("verify")
@click.argument("file", type=FILE)
def verify(file: Path) -> None:
    """Check that nothing in FILE is damaged."""
    manifest = backups.verify(file)
    click.echo(_("%(file)s is whole; made on %(when)s.", file=file, when=f"{manifest.created_at:%Y-%m-%d %H:%M} UTC"))


@backup.command("restore")
@click.argument("file", type=FILE)
def restore(file: Path) -> None:
    """Put FILE in the place of all data; the server must be stopped. What was there is kept beside it."""
    aside = backups.restore(file)
    click.echo(_("Restored. What was there before is in %(folder)s.", folder=aside))


@db.command("upgrade")
@click.argument("version", default="head")
def upgrade(version: str) -> None:
    """Bring the database to VERSION, or to the newest; a server does so at its start."""
    _migrate(database.upgrade, version)


@db.command("downgrade")
@click.argument("version", default="-1")
def downgrade(version: str) -> None:
    """Take the database back to VERSION, or by one, for an earlier release of this program."""
    _migrate(database.downgrade, version)


@db.command("current")
def current() -> None:
    """Print the version of the database."""
    click.echo(database.version(current_application()))


def _migrate(change: Callable[[Flask, str], None], version: str) -> None:
    """Migrate, unless a server runs: it expects the tables that it was started with."""
    lock = server_lock(current_app.config)
    if not lock.take():
        raise AppError("server_running")
    try:
        app = current_application()
        change(app, version)
        click.echo(database.version(app))
    finally:
        lock.release()
