"""Log-in sessions kept on the server, so that they can be revoked."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.models.found import own
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
    def user_of(cls, token: str) -> User | None:
        """The person who is signed in with that token; None once the session has expired or was revoked."""
        found = db.session.execute(
            select(User, cls.id, cls.seen_at)
            .join(cls, cls.user_id == User.id)
            .where(cls.token_hash == digest(token), cls.expires_at > utcnow())
        ).first()
        if found is None:
            return None
        user, session_id, seen_at = found
        if utcnow() - seen_at > SEEN_EVERY:
            db.session.execute(update(cls).where(cls.id == session_id).values(seen_at=utcnow()))
            db.session.commit()
        user.session_token = token
        return user

    @classmethod
    def close(cls, token: str) -> None:
        """Revoke one session and commit."""
        db.session.execute(delete(cls).where(cls.token_hash == digest(token)))
        db.session.commit()

    @classmethod
    def of(cls, user: User, session_id: int) -> "LoginSession":
        """One of a person's sessions; raises not_found for a missing or another's one."""
        found: LoginSession = own(cls, user, session_id)
        return found

    @classmethod
    def all_of(cls, user: User) -> list["LoginSession"]:
        """A person's sessions that have not expired, the last used first."""
        mine = select(cls).where(cls.user_id == user.id, cls.expires_at > utcnow())
        return list(db.session.scalars(mine.order_by(cls.seen_at.desc(), cls.id.desc())))

    @classmethod
    def close_others(cls, user: User, token: str) -> list[str]:
        """Revoke a person's sessions but the one of this token, and commit; their hashes."""
        others = [each for each in cls.all_of(user) if not each.belongs_to(token)]
        hashes = [each.token_hash for each in others]
        for each in others:
            db.session.delete(each)
        db.session.commit()
        return hashes

    def belongs_to(self, token: str) -> bool:
        """Whether this is the session of that cookie."""
        return self.token_hash == digest(token)

    def revoke(self) -> None:
        """Delete and commit: that browser is signed out."""
        db.session.delete(self)
        db.session.commit()

    @classmethod
    def close_all(cls, user: User) -> None:
        """Revoke every session of a person; the caller commits."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))
