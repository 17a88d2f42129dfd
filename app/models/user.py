"""People: who they are, their password, and what they chose for the interface."""

import unicodedata
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from sqlalchemy import String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.models.types import UtcDateTime, utcnow

MIN_PASSWORD = 10
# argon2 would hash any length; a limit keeps a log-in from being a way to burn the CPU.
MAX_PASSWORD = 200
# Of the text about oneself, in characters: it is part of every prompt, and small models remember little.
MAX_INSTRUCTIONS = 1500


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
