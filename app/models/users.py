"""People: who they are, their password, and what they chose for the interface."""

import secrets
import unicodedata
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from sqlalchemy import ForeignKey, String, Text, delete, func, select, update
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, digest, get_owned, utcnow

MIN_PASSWORD = 10
# argon2 would hash any length; a limit keeps a log-in from being a way to burn the CPU.
MAX_PASSWORD = 200
# Of the text about oneself, in characters: it is part of every prompt, and small models remember little.
MAX_INSTRUCTIONS = 1500
# Written at most this often, so that reading pages writes nothing.
SEEN_EVERY = timedelta(minutes=10)
# A session that is not "remembered" ends with the browser, and here after this long.
SHORT = timedelta(hours=16)
# What a token begins with: some programs take only keys of this form, and searches for leaked secrets know it.
PREFIX = "sk-couach-"
# More programs than one person has.
MAX_TOKENS_EACH = 10
# Written at most this often, so that a program that asks a lot does not write a lot.
USED_EVERY = timedelta(minutes=1)


@cache
def _hashing(cost: tuple[int, int]) -> tuple[PasswordHasher, str]:
    """The hasher for a PASSWORD_COST, and a hash of nobody's password.

    The latter is compared with when a name is unknown, so that the answer takes as long as for a known one.
    """
    passes, mebibytes = cost
    hasher = PasswordHasher(time_cost=passes, memory_cost=mebibytes * 1024, parallelism=1)
    return hasher, hasher.hash("nobody has this password")


def normalized(username: str) -> str:
    """The form under which names are unique: without regard to case, width, composition or surrounding spaces."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


class User(db.Model):  # type: ignore[name-defined,misc]
    """One employee; the first account is the administrator's."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(128), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_admin: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str | None] = mapped_column(String(5))
    theme: Mapped[str] = mapped_column(String(10), default="system")
    text_size: Mapped[str] = mapped_column(String(10), default="normal", server_default="normal")
    # What the person wants every model to know of them, and how to be answered.
    instructions: Mapped[str] = mapped_column(Text, default="", server_default="")
    send_key: Mapped[str] = mapped_column(String(10), default="enter", server_default="enter")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    # What Flask-Login asks of a person, together with `get_id`.
    is_authenticated = is_active = True
    is_anonymous = False
    # Of the log-in session that this request came with; not stored here.
    session_token = ""

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.session_token

    @classmethod
    def create(cls, username: str, display_name: str, password: str, *, is_admin: bool | None = None) -> "User":
        """Add and commit a person; IntegrityError when the name is taken.

        With `is_admin` left out, the first account becomes the administrator's. The check and the
        insertion are one statement, so that two first registrations cannot both win.
        """
        user = cls(username=username.strip(), username_key=normalized(username), display_name=display_name.strip())
        user.set_password(password)
        nobody = select(func.count() == 0).select_from(cls).scalar_subquery()
        user.is_admin = nobody if is_admin is None else is_admin
        db.session.add(user)
        db.session.commit()
        return user

    @classmethod
    def named(cls, username: str) -> "User | None":
        """The person of that name, or None."""
        return db.session.scalar(select(cls).where(cls.username_key == normalized(username)))

    @classmethod
    def numbered(cls, user_id: int) -> "User":
        """The person of that number, who exists."""
        return db.session.get_one(cls, user_id)

    @classmethod
    def authenticate(cls, username: str, password: str) -> "User | None":
        """The person if name and password agree; an unknown name costs as much time as a wrong password."""
        user = cls.named(username)
        hasher, nobodys_hash = _hashing(current_app.config["PASSWORD_COST"])
        try:
            hasher.verify(user.password_hash if user else nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return None
        if user is not None and hasher.check_needs_rehash(user.password_hash):
            user.set_password(password)
            db.session.commit()
        return user

    @classmethod
    def everyone(cls) -> list["User"]:
        """All accounts by name."""
        return list(db.session.scalars(select(cls).order_by(cls.username_key)))

    @classmethod
    def exists(cls) -> bool:
        """Whether there is any account yet."""
        return db.session.scalar(select(cls.id).limit(1)) is not None

    def write_with(self, *, instructions: str, send_key: str) -> None:
        """Keep how this person writes and wants to be answered, and commit; conversations begun keep what they had."""
        self.instructions, self.send_key = instructions, send_key
        db.session.commit()

    def rename(self, display_name: str) -> None:
        """Be called otherwise from now on, committed."""
        self.display_name = display_name.strip()
        db.session.commit()

    def change_password(self, password: str) -> None:
        """Take a new password, committed."""
        self.set_password(password)
        db.session.commit()

    def set_password(self, password: str) -> None:
        """Keep the hash of a new password; the caller commits."""
        hasher, _ = _hashing(current_app.config["PASSWORD_COST"])
        self.password_hash = hasher.hash(password)

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar."""
        words = self.display_name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


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
        found: LoginSession = get_owned(cls, user, session_id)
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
        if (db.session.scalar(select(func.count()).where(cls.user_id == user.id)) or 0) > MAX_TOKENS_EACH:
            db.session.rollback()
            raise AppError("too_many_tokens", limit=MAX_TOKENS_EACH)
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
        found: AccessToken = get_owned(cls, user, token_id)
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
