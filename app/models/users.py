"""User accounts, their login sessions in browsers, and their API tokens."""

import secrets
from datetime import date, datetime, timedelta
from enum import StrEnum

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import String, Text, bindparam, case, delete, func, select, update
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.base import Owned, UtcDateTime, check_count, digest, utcnow
from app.models.names import look, normalized
from app.models.passwords import hashing

# In characters: the text is part of every prompt, and small models have little context.
MAX_PERSONAL_INSTRUCTIONS = 1500
# `seen_at` is written at most this often, so that reading pages writes next to nothing.
SEEN_EVERY = timedelta(minutes=10)
# Lifetime of a session that is not "remembered"; its cookie ends with the browser.
SHORT = timedelta(hours=16)
# A session that nobody has used for so long has ended: one that ends with the browser, and a "remembered" one.
IDLE_SHORT, IDLE_LASTING = timedelta(hours=4), timedelta(days=14)
# Open sessions of one user; another one closes that which was used least lately.
MAX_SESSIONS_EACH = 20
# For so long after the log-in nobody is asked for the password again.
RECENT = timedelta(minutes=10)
# What an erased account is called, with its number; no username may hold this character.
ERASED = "#"
# Prefix of a token: some programs accept only keys of this form, and scanners for leaked secrets recognise it.
PREFIX = "sk-couach-"
# Limit for each user: more than one user's programs need.
MAX_TOKENS_EACH = 10
# `used_at` is written at most this often, so that frequent requests do not write each time.
USED_EVERY = timedelta(minutes=1)


class AccountState(StrEnum):
    """Whether a person may come in."""

    PENDING = "pending"
    """Registered, and not yet approved."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Kept out until somebody restores the account."""
    LEFT = "left"
    """Closed: no password opens it."""


class AccountRole(StrEnum):
    """What a person may do beside asking."""

    EMPLOYEE = "employee"
    HELPER = "helper"
    """Approves newcomers, and helps people who forgot their password."""
    AUDITOR = "auditor"
    """May do what an employee may."""
    ADMINISTRATOR = "administrator"


STATE_NAMES = {
    AccountState.PENDING: _l("To be approved"),
    AccountState.ACTIVE: _l("Active"),
    AccountState.SUSPENDED: _l("Suspended"),
    AccountState.LEFT: _l("Closed"),
}
ROLE_NAMES = {
    AccountRole.EMPLOYEE: _l("User"),
    AccountRole.HELPER: _l("Helper"),
    AccountRole.AUDITOR: _l("Auditor"),
    AccountRole.ADMINISTRATOR: _l("Administrator"),
}


class User(db.Model):  # type: ignore[name-defined,misc]
    """A user's account; the first one is the administrator's."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(128), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default=AccountState.ACTIVE, server_default=AccountState.ACTIVE)
    role: Mapped[str] = mapped_column(String(14), default=AccountRole.EMPLOYEE, server_default=AccountRole.EMPLOYEE)
    # A day, never an instant: administrators see it.
    last_seen_on: Mapped[date | None]
    locale: Mapped[str | None] = mapped_column(String(5))
    theme: Mapped[str] = mapped_column(String(10), default="system")
    text_size: Mapped[str] = mapped_column(String(10), default="normal", server_default="normal")
    # What the user tells every model: about themselves, and how they want to be answered.
    instructions: Mapped[str] = mapped_column(Text, default="", server_default="")
    send_key: Mapped[str] = mapped_column(String(10), default="enter", server_default="enter")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    # What Flask-Login needs, together with `get_id`.
    is_authenticated = is_active = True
    is_anonymous = False
    # The token of the login session of this request; not a column.
    session_token = ""

    def get_id(self) -> str:
        """Return what Flask-Login keeps in the cookie: the session's token."""
        return self.session_token

    @classmethod
    def create(
        cls,
        username: str,
        display_name: str,
        password: str,
        *,
        role: AccountRole = AccountRole.EMPLOYEE,
        state: AccountState = AccountState.ACTIVE,
    ) -> "User":
        """Create an account; commits. Raises IntegrityError if the name is taken.

        The first account is an active administrator's, whatever is asked. The check and the insertion are one
        statement, so that two first registrations cannot both win.
        """
        user = cls(username=username.strip(), username_key=normalized(username), display_name=display_name.strip())
        user.set_password(password)
        is_first = select(func.count() == 0).select_from(cls).scalar_subquery()
        user.role = case((is_first, AccountRole.ADMINISTRATOR.value), else_=role.value)
        user.state = case((is_first, AccountState.ACTIVE.value), else_=state.value)
        db.session.add(user)
        db.session.commit()
        return user

    @classmethod
    def named(cls, username: str) -> "User | None":
        """Return the account of that name, or None."""
        return db.session.scalar(select(cls).where(cls.username_key == normalized(username)))

    @classmethod
    def looks_like(cls, username: str) -> bool:
        """Return True if an account of another name could be taken for one of this name."""
        others = select(cls.username).where(cls.username_key != normalized(username))
        wanted = look(username)
        return any(look(other) == wanted for other in db.session.scalars(others))

    @classmethod
    def authenticate(cls, username: str, password: str) -> "User | None":
        """Return the account if name and password match, else None; its state may be one that keeps people out.

        After the same time for an unknown name and a closed account.
        """
        user = cls.named(username)
        hashes = hashing(current_app.config["PASSWORD_COST"])
        stored = (user.password_hash if user else "") or hashes.nobodys
        if not hashes.verify(stored, password) or user is None or user.has_left or not user.password_hash:
            return None
        if hashes.must_renew(user.password_hash, password):
            user.set_password(password)
            db.session.commit()
        return user

    @classmethod
    def everyone(cls) -> list["User"]:
        """Return all accounts but those that were erased, sorted by name."""
        listed = select(cls).where(~cls.username_key.startswith(ERASED))
        return list(db.session.scalars(listed.order_by(cls.username_key)))

    @classmethod
    def exists(cls) -> bool:
        """Return True if there is any account."""
        return db.session.scalar(select(cls.id).limit(1)) is not None

    def set_password(self, password: str) -> None:
        """Store the hash of a new password; the caller commits."""
        self.password_hash = hashing(current_app.config["PASSWORD_COST"]).hash(password)

    def reset(self, password: str) -> list[str]:
        """Give a new password, which opens a closed account again, and end what the old one opened; commits.

        Returns what `shut_out` returns.
        """
        self.set_password(password)
        if self.has_left:
            self.state = AccountState.ACTIVE
        revoked = self.shut_out()
        db.session.commit()
        return revoked

    def change(self, *, state: AccountState | None = None, role: AccountRole | None = None) -> list[str]:
        """Change state or role; commits. A state that keeps the person out ends sessions and revokes tokens.

        Returns what `shut_out` returns. Raises last_administrator if no active administrator would be left. The change
        comes before the check and locks other writers out: two administrators cannot demote each other at once.
        """
        values: dict[str, str] = {}
        if role:
            values["role"] = role
        if state:
            values["state"] = state
        if state == AccountState.LEFT:
            values["password_hash"] = ""
        db.session.execute(update(User).where(User.id == self.id).values(values))
        revoked = [] if state in (None, AccountState.ACTIVE) else self.shut_out()
        if db.session.scalar(ACTIVE_ADMINISTRATORS) == 0:
            db.session.rollback()
            raise AppError("last_administrator")
        db.session.commit()
        return revoked

    def forget(self) -> None:
        """Take names and password out of a closed account; commits. The row stays: libraries may hold its documents."""
        self.username = self.username_key = self.display_name = f"{ERASED}{self.id}"
        self.password_hash, self.instructions = "", ""
        self.locale = self.last_seen_on = None
        db.session.commit()

    @property
    def is_erased(self) -> bool:
        """True if nothing is left of the account but its number."""
        return self.username.startswith(ERASED)

    @property
    def is_admin(self) -> bool:
        """True if the person's role is the administrator's."""
        return self.role == AccountRole.ADMINISTRATOR

    @property
    def may_help(self) -> bool:
        """True if the person may approve newcomers and make links for those who forgot their password."""
        return self.role in (AccountRole.HELPER, AccountRole.ADMINISTRATOR)

    @property
    def has_left(self) -> bool:
        """True if the account is closed."""
        return self.state == AccountState.LEFT

    def shut_out(self) -> list[str]:
        """End all sessions and revoke all API tokens of the user; the caller commits. Returns the hashes of both."""
        revoked: list[str] = []
        for opened in (LoginSession, AccessToken):
            gone = delete(opened).where(opened.user_id == self.id).returning(opened.token_hash)
            revoked += db.session.scalars(gone)
        return revoked

    def note_use(self) -> None:
        """Note that the person came today; the caller commits."""
        today = utcnow().astimezone().date()
        if self.last_seen_on != today:
            db.session.execute(update(User).where(User.id == self.id).values(last_seen_on=today))

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar."""
        words = self.display_name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


class LoginSession(Owned, db.Model):  # type: ignore[name-defined,misc]
    """A signed-in browser; the cookie holds the token, the row only its hash."""

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def open(cls, user: User, *, lasting: timedelta | None, user_agent: str = "") -> str:
        """Start a session; commits. Returns the token for the cookie. `lasting`: its lifetime, None for SHORT."""
        token = secrets.token_urlsafe(32)
        db.session.execute(delete(cls).where(cls.expires_at < utcnow()))
        ends = utcnow() + (lasting or SHORT)
        db.session.add(cls(token_hash=digest(token), user_id=user.id, user_agent=user_agent[:200], expires_at=ends))
        for oldest in cls.all_of(user)[MAX_SESSIONS_EACH:]:
            db.session.delete(oldest)
        user.note_use()
        db.session.commit()
        return token

    @classmethod
    def user_of(cls, token: str) -> User | None:
        """Return the user signed in with that token; None if the session has ended or was revoked."""
        found = db.session.execute(SIGNED_IN, {"token_hash": digest(token), "now": utcnow()}).first()
        if found is None:
            return None
        user, session_id, created_at, seen_at, expires_at = found
        idle = utcnow() - seen_at
        if idle > _idle_end(created_at, expires_at):
            return None
        if idle > SEEN_EVERY:
            db.session.execute(update(cls).where(cls.id == session_id).values(seen_at=utcnow()))
            user.note_use()
            db.session.commit()
        user.session_token = token
        return user

    @classmethod
    def close(cls, token: str) -> None:
        """Revoke the session of that token; commits."""
        db.session.execute(delete(cls).where(cls.token_hash == digest(token)))
        db.session.commit()

    @classmethod
    def all_of(cls, user: User) -> list["LoginSession"]:
        """Return the user's sessions that have not ended, the last used first."""
        now = utcnow()
        mine = select(cls).where(cls.user_id == user.id, cls.expires_at > now)
        found = db.session.scalars(mine.order_by(cls.seen_at.desc(), cls.id.desc()))
        return [each for each in found if now - each.seen_at <= _idle_end(each.created_at, each.expires_at)]

    @classmethod
    def is_recent(cls, token: str) -> bool:
        """Return True if the user of that token has signed in lately."""
        began = db.session.scalar(select(cls.created_at).where(cls.token_hash == digest(token)))
        return began is not None and utcnow() - began < RECENT

    @classmethod
    def close_others(cls, user: User, token: str) -> list[str]:
        """Revoke the user's sessions except that of this token; commits. Returns the hashes of the revoked ones."""
        others = [each for each in cls.all_of(user) if not each.belongs_to(token)]
        hashes = [each.token_hash for each in others]
        for each in others:
            db.session.delete(each)
        db.session.commit()
        return hashes

    def belongs_to(self, token: str) -> bool:
        """Return True if this is the session of that token."""
        return self.token_hash == digest(token)


def _idle_end(created_at: datetime, expires_at: datetime) -> timedelta:
    """Return how long a session may be unused."""
    return IDLE_LASTING if expires_at - created_at > SHORT else IDLE_SHORT


# Built once, because every request of a signed-in user executes it.
SIGNED_IN = (
    select(User, LoginSession.id, LoginSession.created_at, LoginSession.seen_at, LoginSession.expires_at)
    .join(LoginSession, LoginSession.user_id == User.id)
    .where(LoginSession.token_hash == bindparam("token_hash"), LoginSession.expires_at > bindparam("now"))
    .where(User.state == AccountState.ACTIVE)
)
ACTIVE_ADMINISTRATORS = (
    select(func.count())
    .select_from(User)
    .where(User.state == AccountState.ACTIVE, User.role == AccountRole.ADMINISTRATOR)
)


class AccessToken(Owned, db.Model):  # type: ignore[name-defined,misc]
    """An API token of a program; the row holds its hash, and its last characters to recognise it by."""

    __tablename__ = "access_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    ending: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()

    @classmethod
    def make(cls, user: User, name: str) -> str:
        """Create a token; commits. Returns the token, which cannot be read again. Raises too_many_tokens."""
        token = PREFIX + secrets.token_urlsafe(32)
        db.session.add(cls(token_hash=digest(token), user_id=user.id, name=name.strip(), ending=token[-4:]))
        check_count(cls.user_id == user.id, MAX_TOKENS_EACH, "too_many_tokens")
        db.session.commit()
        return token

    @classmethod
    def find(cls, token: str) -> "AccessToken | None":
        """Return the row of a token with its user, and note its use; None if it was revoked."""
        found = db.session.scalar(
            select(cls)
            .join(cls.user)
            .options(contains_eager(cls.user))
            .where(cls.token_hash == digest(token), User.state == AccountState.ACTIVE)
        )
        if found is not None and (found.used_at is None or utcnow() - found.used_at > USED_EVERY):
            db.session.execute(update(cls).where(cls.id == found.id).values(used_at=utcnow()))
            found.user.note_use()
            db.session.commit()
        return found

    @classmethod
    def revoke_all(cls, user: User) -> list[str]:
        """Revoke the user's tokens; commits. Returns their hashes."""
        hashes = [token.token_hash for token in cls.all_of(user)]
        db.session.execute(delete(cls).where(cls.user_id == user.id))
        db.session.commit()
        return hashes

    @classmethod
    def all_of(cls, user: User) -> list["AccessToken"]:
        """Return the user's tokens, the newest first."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.id.desc())))
