"""Folders: a person's own drawers for conversations."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.found import own
from app.models.types import UtcDateTime, utcnow
from app.models.user import User, normalized

# More than a list can show well.
EACH = 100
MAX_NAME = 60


class Folder(db.Model):  # type: ignore[name-defined,misc]
    """One folder; deleting it leaves its conversations where they were before."""

    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("user_id", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    # Under which names are unique, and sorted.
    name_key: Mapped[str] = mapped_column(String(2 * MAX_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def of(cls, user: User, folder_id: int) -> "Folder":
        """This person's folder; not_found for a missing or foreign one."""
        folder: Folder = own(cls, user, folder_id)
        return folder

    @classmethod
    def all_of(cls, user: User) -> list["Folder"]:
        """This person's folders by name."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.name_key)))

    @classmethod
    def named(cls, user: User, name: str) -> "Folder":
        """The folder of that name, made if there is none; the caller commits. Raises too_many_folders."""
        found: Folder | None = db.session.scalar(select(cls).where(cls.user_id == user.id, cls.name_key == _key(name)))
        if found is None:
            found = cls(user_id=user.id, name=name, name_key=_key(name))
            db.session.add(found)
            db.session.flush()
            cls._check_count(user)
        return found

    @classmethod
    def _check_count(cls, user: User) -> None:
        """After an insertion, which holds the others back."""
        if (db.session.scalar(select(func.count()).where(cls.user_id == user.id)) or 0) > EACH:
            db.session.rollback()
            raise AppError("too_many_folders", limit=EACH)

    @classmethod
    def make(cls, user: User, name: str) -> "Folder":
        """A new folder, committed. Raises name_taken, too_many_folders."""
        folder = cls(user_id=user.id, name=name, name_key=_key(name))
        db.session.add(folder)
        _flush_named(name)
        cls._check_count(user)
        db.session.commit()
        return folder

    def rename(self, name: str) -> None:
        """Give it another name, committed. Raises name_taken."""
        self.name, self.name_key = name, _key(name)
        _flush_named(name)
        db.session.commit()

    def delete(self) -> None:
        """Take it away, committed; its conversations stand under their dates again."""
        db.session.execute(text("UPDATE conversations SET folder_id = NULL WHERE folder_id = :id"), {"id": self.id})
        db.session.delete(self)
        db.session.commit()


def _key(name: str) -> str:
    return normalized(name)[: 2 * MAX_NAME]


def _flush_named(name: str) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise AppError("name_taken", name=name) from None
