"""Log-in sessions kept on the server, so that they can be revoked."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, bindparam, delete, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.extensions import db
from app.models.types import UtcDateTime, digest, utcnow
from app.models.user import User

# Written at most this often, so that reading pages writes nothing.
SEEN_EVERY = timedelta(minutes=10)
# A session that is not "remembered" ends with the browser, and here after this long.
SHORT = timedelta(hours=16)


class LoginSession(db.Model):  # type: ignore[name-defined,misc]
    """One browser that is signed in; the cookie holds the token, the row only its hash."""

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()

    @classmethod
    def open(cls, user: User, *, lasting: timedelta | None, user_agent: str = "") -> str:
        """Start a session and commit; returns the token for the cookie."""
        token = secrets.token_urlsafe(32)
        db.session.execute(delete(cls).where(cls.expires_at < utcnow()))
        db.session.add(
            cls(
                token_hash=digest(token),
                user_id=user.id,
                user_agent=user_agent[:200],
                expires_at=utcnow() + (lasting or SHORT),
            )
        )
        db.session.commit()
        return token

    @classmethod
    def find(cls, token: str) -> "LoginSession | None":
        """The session of a cookie, with its person, unless it has expired or was revoked."""
        session = db.session.scalar(FOUND, {"token_hash": digest(token), "now": utcnow()})
        if session is not None and utcnow() - session.seen_at > SEEN_EVERY:
            session.seen_at = utcnow()
            db.session.commit()
        return session

    @classmethod
    def close(cls, token: str) -> None:
        """Revoke one session and commit."""
        db.session.execute(delete(cls).where(cls.token_hash == digest(token)))
        db.session.commit()

    @classmethod
    def close_all(cls, user: User) -> None:
        """Revoke every session of a person; the caller commits."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))


# Built once, as every request needs it.
FOUND = (
    select(LoginSession)
    .join(LoginSession.user)
    .options(contains_eager(LoginSession.user))
    .where(LoginSession.token_hash == bindparam("token_hash"), LoginSession.expires_at > bindparam("now"))
)
