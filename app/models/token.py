"""Personal tokens, with which a person's programs use the API in the person's name."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, func, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.found import own
from app.models.types import UtcDateTime, digest, utcnow
from app.models.user import User

# What a token begins with: some programs take only keys of this form, and searches for leaked secrets know it.
PREFIX = "sk-couach-"
# More programs than one person has.
EACH = 10
# Written at most this often, so that a program that asks a lot does not write a lot.
USED_EVERY = timedelta(minutes=1)


class AccessToken(db.Model):  # type: ignore[name-defined,misc]
    """One program's right to ask; the row holds the token's hash, and its last letters to tell it from others."""

    __tablename__ = "access_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    ending: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()

    @classmethod
    def make(cls, user: User, name: str) -> str:
        """Add and commit a token; returns it, for the only time. Raises too_many_tokens."""
        token = PREFIX + secrets.token_urlsafe(32)
        db.session.add(cls(token_hash=digest(token), user_id=user.id, name=name.strip(), ending=token[-4:]))
        # Counted after the insertion, which holds the others back: two at once cannot both be the last one allowed.
        db.session.flush()
        if (db.session.scalar(select(func.count()).where(cls.user_id == user.id)) or 0) > EACH:
            db.session.rollback()
            raise AppError("too_many_tokens", limit=EACH)
        db.session.commit()
        return token

    @classmethod
    def find(cls, token: str) -> "AccessToken | None":
        """The row of a token, with its person, unless it was revoked; its use is noted."""
        found = db.session.scalar(
            select(cls).join(cls.user).options(contains_eager(cls.user)).where(cls.token_hash == digest(token))
        )
        if found is not None and (found.used_at is None or utcnow() - found.used_at > USED_EVERY):
            found.used_at = utcnow()
            db.session.commit()
        return found

    @classmethod
    def of(cls, user: User, token_id: int) -> "AccessToken":
        """A person's own token; raises not_found for a missing or another's one."""
        found: AccessToken = own(cls, user, token_id)
        return found

    @classmethod
    def all_of(cls, user: User) -> list["AccessToken"]:
        """A person's tokens, the newest first."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.id.desc())))

    @classmethod
    def revoke_all(cls, user: User) -> None:
        """Delete every token of a person; the caller commits."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))

    def revoke(self) -> None:
        """Delete and commit: from now on the token opens nothing."""
        db.session.delete(self)
        db.session.commit()
