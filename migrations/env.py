"""Alembic's environment: the application's own database, in batches because SQLite cannot alter columns."""

from alembic import context
from flask import current_app

from app.extensions import db
from app.models.search import is_ours


def run() -> None:
    """Migrate over one connection."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=is_ours,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
