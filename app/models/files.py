"""Files that people attach, and those of libraries: who may read them, and what could be read of them.

The bytes lie outside the database (`file_store`); the passages to search are in `passages`, the questions that were
asked with them in `attachments`; `file_erasure` says when a file is erased.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import Owned, UtcDateTime, public_id, utcnow
from app.models.file_store import Arrival, file_store
from app.models.libraries import Library

# Files of one question.
MOST_FILES = 10
# The kind of files that are pictures.
PICTURE = "image"


class FileState(StrEnum):
    """States of a file: `extracting → ready | failed`, and `erased` while it is being erased."""

    EXTRACTING = "extracting"
    READY = "ready"
    FAILED = "failed"
    ERASED = "erased"


class File(Owned, db.Model):  # type: ignore[name-defined,misc]
    """A file that a user attached or, with `library_id`, added to a library. `size` in bytes; `pages` and `tokens`
    (estimated) once it is ready.
    """

    __tablename__ = "files"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=public_id)
    # No foreign key: SQLite would have to rebuild this table for one. A file whose library is gone is nobody's.
    library_id: Mapped[int | None] = mapped_column(index=True)
    # Of its bytes, in hexadecimal; several users may have the same.
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(12), default="")
    size: Mapped[int]
    state: Mapped[FileState] = mapped_column(String(12), default=FileState.EXTRACTING)
    pages: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_params: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # When its owner last sent it.
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def of(cls, user: Any, key: int | str) -> Self:
        """Return a file that the user may read, an own one or a library's; raises not_found, also while it is being
        erased.
        """
        return cls._kept_one(key, cls.readable_by(user))

    @classmethod
    def own(cls, user: Any, key: str) -> Self:
        """Return a file that the user attached, and may do away with; raises not_found."""
        return cls._kept_one(key, cls.attached_by(user.id))

    @classmethod
    def shared(cls, key: str) -> Self:
        """Return a file of a library, for an administrator; raises not_found."""
        return cls._kept_one(key, cls.library_id.is_not(None))

    @classmethod
    def _kept_one(cls, key: int | str, which: ColumnElement[bool]) -> Self:
        found: Self | None = db.session.scalar(select(cls).where(cls.id == key, cls.kept(), which))
        if found is None:
            raise AppError("not_found")
        return found

    @classmethod
    def take(
        cls,
        user_id: int,
        name: str,
        arrival: Arrival,
        quota: int,
        *,
        picture_tokens: int = 0,
        library_id: int | None = None,
    ) -> tuple["File", bool]:
        """Give a file that has come to a user, who may have `quota` bytes, or to a library; commits.

        `picture_tokens`: those of a picture, which is ready at once; 0: it is a document, to be read.

        Returns its row and whether it is new: not if the same bytes were sent under the same name before and could be
        read. Raises files_quota, storage_full, storage_failed, not_found if the library is gone.
        """
        place = cls.attached_by(user_id) if library_id is None else cls.library_id == library_id
        store = file_store()
        with store.changing():
            if library_id is not None:
                Library.find(library_id)
            same = (cls.sha256 == arrival.sha256, cls.name == name)
            file = db.session.scalar(select(cls).where(place, *same, cls.kept()))
            if file is None:
                if library_id is None:
                    cls.check_quota(user_id, arrival.size, quota)
                facts = {"sha256": arrival.sha256, "name": name, "size": arrival.size, "state": FileState.FAILED}
                file = cls(user_id=user_id, library_id=library_id, **facts)
                db.session.add(file)
            is_new = file.state == FileState.FAILED
            if is_new:
                file.state, file.error_code, file.error_params = FileState.EXTRACTING, None, None
            if is_new and picture_tokens:
                file.state, file.kind, file.tokens = FileState.READY, PICTURE, picture_tokens
            file.created_at = utcnow()
            store.keep(arrival)
            db.session.commit()
        return file, is_new

    @classmethod
    def check_quota(cls, user_id: int, size: int, quota: int) -> None:
        """Raise files_quota if `size` bytes more are more than the user may have."""
        used = cls.used_by(user_id)
        if used + size > quota:
            raise AppError("files_quota", used=used // 1_000_000, limit=quota // 1_000_000)

    @classmethod
    def used_by(cls, user_id: int) -> int:
        """Return the bytes of all files that a user attached."""
        return int(db.session.scalar(select(func.sum(cls.size)).where(cls.attached_by(user_id), cls.kept())) or 0)

    @classmethod
    def all_of(cls, user: Any) -> list["File"]:
        """Return the files that a user attached, the newest first."""
        query = select(cls).where(cls.attached_by(user.id), cls.kept())
        return list(db.session.scalars(query.order_by(cls.created_at.desc(), cls.id)))

    @classmethod
    def all_in(cls, library_id: int) -> list["File"]:
        """Return the files of a library, by name."""
        query = select(cls).where(cls.library_id == library_id, cls.kept())
        return list(db.session.scalars(query.order_by(cls.name, cls.id)))

    @classmethod
    def by_library(cls) -> dict[int, "LibraryContents"]:
        """Return what is in each library, by its id; those without files count as empty."""
        in_state = {state: func.count().filter(cls.state == state) for state in FileState}
        columns = (in_state[FileState.READY], in_state[FileState.EXTRACTING], in_state[FileState.FAILED])
        sizes = (func.sum(cls.pages).filter(cls.state == FileState.READY), func.sum(cls.size))
        query = select(cls.library_id, *columns, *sizes).where(cls.library_id.is_not(None), cls.kept())
        found: dict[int, LibraryContents] = defaultdict(LibraryContents)
        for library_id, *counts in db.session.execute(query.group_by(cls.library_id)):
            found[int(library_id or 0)] = LibraryContents(*(count or 0 for count in counts))
        return found

    @classmethod
    def totals(cls) -> tuple[int, int, int]:
        """Return how many files all users have, their bytes, and how many are to be read."""
        waiting = func.count().filter(cls.state == FileState.EXTRACTING)
        row = db.session.execute(select(func.count(), func.coalesce(func.sum(cls.size), 0), waiting).where(cls.kept()))
        count, size, to_read = row.one()
        return count, size, to_read

    @classmethod
    def kept(cls) -> ColumnElement[bool]:
        """Return the condition that a file is not being erased."""
        return cls.state != FileState.ERASED

    @classmethod
    def attached_by(cls, user_id: int) -> ColumnElement[bool]:
        """Return the condition that a user attached a file, which is nobody else's."""
        return and_(cls.user_id == user_id, cls.library_id.is_(None))

    @classmethod
    def readable_by(cls, user: Any) -> ColumnElement[bool]:
        """Return the condition that a user may read a file."""
        libraries = select(Library.id).where(Library.visible_to(user))
        return or_(cls.attached_by(user.id), cls.library_id.in_(libraries))

    @property
    def whose(self) -> str:
        """Where it belongs, as one word: "u" and its user's id, "l" and its library's."""
        return f"u{self.user_id}" if self.library_id is None else f"l{self.library_id}"

    @classmethod
    def waiting_of(cls, user_id: int) -> int:
        """Return how many of the files that a user attached are to be read."""
        waiting = (cls.attached_by(user_id), cls.state == FileState.EXTRACTING)
        return db.session.scalar(select(func.count()).where(*waiting)) or 0

    @classmethod
    def left_to_read(cls) -> list[tuple[str, str]]:
        """Return the files that are to be read and where they belong (see `whose`), the oldest first."""
        query = select(cls).where(cls.state == FileState.EXTRACTING).order_by(cls.created_at)
        return [(file.id, file.whose) for file in db.session.scalars(query)]

    def begin_reading(self) -> bool:
        """Have the file read again; commits. Returns False if it is being read."""
        ended = (File.id == self.id, File.state.in_((FileState.READY, FileState.FAILED)))
        state = {"state": FileState.EXTRACTING, "error_code": None, "error_params": None}
        begun = db.session.scalar(update(File).where(*ended).values(**state).returning(File.id))
        db.session.commit()
        return begun is not None

    @classmethod
    def end_reading(cls, file_id: str, state: FileState, **columns: Any) -> bool:
        """Store how reading a file has ended; commits. Returns False if it is no longer wanted."""
        wanted = (cls.id == file_id, cls.state == FileState.EXTRACTING)
        ended = db.session.scalar(update(cls).where(*wanted).values(state=state, **columns).returning(cls.id))
        db.session.commit()
        return ended is not None

    @classmethod
    def ready_ones(cls, user: Any, ids: Sequence[str]) -> list["File"]:
        """Return files with these ids that the user may read, in this order.

        Raises too_many_files, not_found, file_not_ready.
        """
        if len(ids) > MOST_FILES:
            raise AppError("too_many_files", limit=MOST_FILES)
        found = [cls.of(user, each) for each in dict.fromkeys(ids)]
        for file in found:
            if file.state != FileState.READY:
                raise AppError("file_not_ready", name=file.name)
        return found


@dataclass(frozen=True, slots=True)
class LibraryContents:
    """How many files of a library are ready, being read, or could not be read; the pages of those that are ready, and
    the bytes of all.
    """

    ready: int = 0
    reading: int = 0
    failed: int = 0
    pages: int = 0
    size: int = 0


class FilePage(db.Model):  # type: ignore[name-defined,misc]
    """The text of one page, numbered from 1: of a PDF, a slide, a sheet, or a part of a file that has no pages."""

    __tablename__ = "file_pages"

    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    # The name of a sheet, the heading of a slide; "" without one.
    title: Mapped[str] = mapped_column(String(200), default="")
    content: Mapped[str] = mapped_column(Text)

    @classmethod
    def some_of(cls, file: File, first: int, count: int) -> Sequence["FilePage"]:
        """Return the pages of a file from number `first` on, at most `count`."""
        query = select(cls).where(cls.file_id == file.id, cls.number >= first)
        return db.session.scalars(query.order_by(cls.number).limit(count)).all()


def pages_of(file_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
    """Return the number and the text of each page of these files, by file, in their order."""
    query = select(FilePage.file_id, FilePage.number, FilePage.content).where(FilePage.file_id.in_(file_ids))
    found: dict[str, list[tuple[int, str]]] = {each: [] for each in file_ids}
    for file_id, number, content in db.session.execute(query.order_by(FilePage.file_id, FilePage.number)):
        found[file_id].append((number, content))
    return found
