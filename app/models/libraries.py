"""Libraries: folders of documents that administrators keep for everybody. Their files are in `files`."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, get_or_none, utcnow
from app.models.users import User

LONGEST_NAME, LONGEST_DESCRIPTION = 80, 300


class Library(db.Model):  # type: ignore[name-defined,misc]
    """A folder of documents, made by an administrator; `description` "" without one."""

    __tablename__ = "libraries"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    description: Mapped[str] = mapped_column(String(LONGEST_DESCRIPTION), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def visible_to(cls, _user: User) -> ColumnElement[bool]:
        """Return the condition that a user may read a library: everybody may. All rights go through this."""
        return true()

    @classmethod
    def all_for(cls, user: User) -> list["Library"]:
        """Return the libraries that a user may read, by name."""
        return list(db.session.scalars(select(cls).where(cls.visible_to(user)).order_by(cls.name)))

    @classmethod
    def all(cls) -> list["Library"]:
        """Return all libraries, by name."""
        return list(db.session.scalars(select(cls).order_by(cls.name)))

    @classmethod
    def named(cls, name: str) -> "Library | None":
        """Return the library of that name."""
        return db.session.scalar(select(cls).where(cls.name == name))

    @classmethod
    def find(cls, library_id: int) -> "Library":
        """Return a library, for an administrator; raises not_found."""
        found = get_or_none(cls, library_id)
        if found is None:
            raise AppError("not_found")
        return found

    @classmethod
    def create(cls, name: str, description: str = "", created_by: int | None = None) -> "Library":
        """Make a library; commits. Raises name_taken."""
        library = cls(name=name, description=description, created_by=created_by)
        db.session.add(library)
        _commit(name)
        return library

    def change(self, name: str, description: str) -> None:
        """Call it otherwise; commits. Raises name_taken."""
        self.name, self.description = name, description
        _commit(name)


def _commit(name: str) -> None:
    """Commit; raises name_taken if another library has the name."""
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise AppError("name_taken", name=name) from None
