"""Alembic's environment: the application's own database, which one transaction takes from version to version."""

from alembic import context
from alembic.runtime.migration import MigrationContext
from flask import current_app
from sqlalchemy import Connection

from app import backups, database
from app.extensions import db
from app.models.search import is_ours


def run() -> None:
    """Migrate over one connection, after a copy was made."""
    with db.engine.connect() as connection:
        if changes_version(connection):
            backups.keep_copy()
        with database.migration_transaction(connection):
            context.configure(
                connection=connection,
                target_metadata=db.metadata,
                include_name=is_ours,
                **current_app.extensions["migrate"].configure_args,
            )
            context.run_migrations()


def changes_version(connection: Connection) -> bool:
    """Return whether this command takes an existing database to another version; `flask db current` only looks."""
    version = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    try:
        return version is not None and context.get_revision_argument() != version
    except KeyError:
        return False


run()
