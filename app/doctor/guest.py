"""A session and conversations for a moment: made in the rows, and removed from them whatever happens."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import delete, select

from app.doctor.visitor import Visitor
from app.extensions import context_of, db
from app.models import Conversation, LoginSession, User
from app.models.base import utcnow

# These conversations' names begin with it; those of people's are hexadecimal.
MARK = "doctor-"
# What a program that was killed left behind is nobody's after this; its session has ended too.
STALE = timedelta(minutes=30)


def first_administrator() -> int | None:
    """The account for whom the command asks."""
    return db.session.scalar(select(User.id).where(User.is_admin).order_by(User.id).limit(1))


@contextmanager
def visiting(app: Flask, user_id: int, address: str) -> Iterator[Visitor]:
    """A session for that person, and its end: its row and its conversations are deleted, whatever happened."""
    made: list[str] = []

    def new_id() -> str:
        with context_of(app):
            conversation = Conversation(
                id=MARK + secrets.token_hex(4),
                user_id=user_id,
                title=_("Comparison with the terminal"),
                # The engine itself is asked without anybody's own text too.
                personal_instructions="",
            )
            made.append(conversation.id)
            db.session.add(conversation)
            db.session.commit()
            return made[-1]

    with context_of(app):
        user = db.session.get_one(User, user_id)
        session = LoginSession.open(user, lasting=STALE, user_agent="flask doctor")
        _delete(Conversation.id.startswith(MARK), Conversation.created_at < utcnow() - STALE)
    secret = hashlib.sha1(os.urandom(64), usedforsecurity=False).hexdigest()
    visitor = Visitor(address, _cookie(app, session, secret), _token(app, secret), new_id)
    try:
        yield visitor
    finally:
        for conversation in made:
            visitor.forget(conversation)
        with context_of(app):
            _delete(Conversation.id.in_(made))
            LoginSession.close(session)


def _delete(*where: Any) -> None:
    """Conversations with all that belongs to them, for good."""
    db.session.execute(delete(Conversation).where(*where))
    db.session.commit()


def _cookie(app: Flask, session: str, secret: str) -> dict[str, str]:
    """What the log-in page would have put in the browser's cookie."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    content = serializer.dumps({"_user_id": session, "_fresh": True, "csrf_token": secret})
    return {app.config["SESSION_COOKIE_NAME"]: str(content)}


def _token(app: Flask, secret: str) -> str:
    """What the pages carry in their head."""
    assert app.secret_key is not None  # noqa: S101 - no server without one
    return str(URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(secret))
