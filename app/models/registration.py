"""How a person comes to an account: who may register, invitations, and one-time links to set a password."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from flask import Flask
from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, digest, utcnow
from app.models.model_choice import StoredSetting
from app.models.users import User

# Lifetime of a link to set a password.
PASSWORD_LINK_LIFE = timedelta(hours=24)
MAX_INVITED, MAX_DAYS = 500, 90
REGISTRATION_SETTING = "registration"


class Registration(StrEnum):
    """Who may make an account by themselves."""

    OPEN = "open"
    APPROVAL = "approval"
    """Everyone, but a helper or an administrator lets them in."""
    INVITATION = "invitation"
    CLOSED = "closed"


def registration(app: Flask) -> tuple[Registration, bool]:
    """Return who may register, and whether REGISTRATION fixes it; without it, the administrators' page says."""
    fixed = app.config["REGISTRATION"]
    return Registration(fixed or StoredSetting.get(REGISTRATION_SETTING) or Registration.OPEN), bool(fixed)


class Invitation(db.Model):  # type: ignore[name-defined,misc]
    """A link by which so many people may register until its end; the row holds only the hash of its secret."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    uses: Mapped[int]
    uses_left: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def make(cls, uses: int, days: int) -> str:
        """Create an invitation; commits. Returns its secret, which cannot be read again.

        Raises invalid_field unless it is for 1 to MAX_INVITED people and 1 to MAX_DAYS days.
        """
        for field, value, most in (("uses", uses, MAX_INVITED), ("days", days, MAX_DAYS)):
            if not 1 <= value <= most:
                raise AppError("invalid_field", field=field)
        secret = secrets.token_urlsafe(24)
        ends_at = utcnow() + timedelta(days=days)
        db.session.add(cls(secret_hash=digest(secret), uses=uses, uses_left=uses, ends_at=ends_at))
        db.session.commit()
        return secret

    @classmethod
    def check(cls, secret: str) -> None:
        """Raise invitation_unknown, invitation_ended or invitation_used unless somebody may still register by it."""
        found = db.session.scalar(select(cls).where(cls.secret_hash == digest(secret)))
        if found is None:
            raise AppError("invitation_unknown")
        if found.ends_at <= utcnow():
            raise AppError("invitation_ended")
        if found.uses_left < 1:
            raise AppError("invitation_used")

    @classmethod
    def spend(cls, secret: str) -> None:
        """Take one use; the caller commits, or rolls back to give it back. Raises what `check` raises.

        One statement, so that two people at once cannot both have the last one.
        """
        usable = (cls.secret_hash == digest(secret), cls.uses_left > 0, cls.ends_at > utcnow())
        taken = update(cls).where(*usable).values(uses_left=cls.uses_left - 1).returning(cls.id)
        if db.session.scalar(taken.execution_options(synchronize_session=False)) is None:
            db.session.rollback()
            cls.check(secret)
            raise AppError("invitation_used")

    @classmethod
    def open_ones(cls) -> list["Invitation"]:
        """Return the invitations that have not ended, the newest first."""
        return list(db.session.scalars(select(cls).where(cls.ends_at > utcnow()).order_by(cls.id.desc())))

    @classmethod
    def end(cls, invitation_id: int) -> None:
        """End an invitation, if it is there; commits."""
        db.session.execute(delete(cls).where(cls.id == invitation_id))
        db.session.commit()


class PasswordLink(db.Model):  # type: ignore[name-defined,misc]
    """A link by which a person sets a new password, once; the row holds only the hash of its secret."""

    __tablename__ = "password_links"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def make(cls, user: User) -> str:
        """Create a link in place of an older one; commits. Returns its secret, which cannot be read again."""
        secret = secrets.token_urlsafe(24)
        db.session.merge(cls(user_id=user.id, secret_hash=digest(secret), ends_at=utcnow() + PASSWORD_LINK_LIFE))
        db.session.commit()
        return secret

    @classmethod
    def user_of(cls, secret: str) -> User:
        """Return whose link it is; raises link_over if it was used, has ended, or was replaced."""
        wanted = select(User).join(cls, cls.user_id == User.id)
        user: User | None = db.session.scalar(wanted.where(cls.secret_hash == digest(secret), cls.ends_at > utcnow()))
        # One that was made before the account was closed must not open it again.
        if user is None or user.has_left:
            raise AppError("link_over")
        return user

    @classmethod
    def spend(cls, secret: str) -> User:
        """Use the link up and return whose it was; the caller commits. Raises link_over."""
        user = cls.user_of(secret)
        gone = delete(cls).where(cls.secret_hash == digest(secret)).returning(cls.user_id)
        if db.session.scalar(gone.execution_options(synchronize_session=False)) is None:
            db.session.rollback()
            raise AppError("link_over")
        return user

    @classmethod
    def revoke(cls, user: User) -> None:
        """End the person's link, if there is one; commits."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))
        db.session.commit()
