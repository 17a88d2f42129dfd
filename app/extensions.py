"""The database, and the application context that it needs."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import Flask, current_app, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base class of all models."""

    metadata = MetaData(naming_convention=NAMING)
    # Deleting what another request has deleted meanwhile is no mistake.
    __mapper_args__ = {"confirm_deleted_rows": False}


# Objects stay loaded after a commit: the request ends soon, and reloading each would cost a query.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def current_application() -> Flask:
    """Return the application itself rather than its proxy, which works in this context only."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def context_of(app: Flask) -> AbstractContextManager[Any]:
    """Return the current application context, else a new one: a nested one would take a second connection."""
    return nullcontext() if has_app_context() else app.app_context()


def in_context() -> bool:
    """Return whether an application context is active: a request or a command, which has its own database session."""
    return has_app_context()


def release_connection() -> None:
    """Return the request's database connection to the pool, before work that may last for minutes."""
    db.session.remove()
