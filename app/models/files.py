"""Files that people attach: whose they are, what could be read of them, and the questions that were asked with them.

The bytes lie outside the database (`file_store`); the passages to search are in `passages`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import Owned, UtcDateTime, public_id, utcnow


class FileState(StrEnum):
    """States of a file: `extracting → ready | failed`."""

    EXTRACTING = "extracting"
    READY = "ready"
    FAILED = "failed"


class File(Owned, db.Model):  # type: ignore[name-defined,misc]
    """A file of one user. `size` in bytes; `pages` and `tokens` (estimated) once it is ready."""

    __tablename__ = "files"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=public_id)
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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def ready_ones(cls, user: Any, ids: Sequence[str]) -> list["File"]:
        """Return the user's files with these ids, in this order; raises not_found, file_not_ready."""
        found = [cls.of(user, each) for each in dict.fromkeys(ids)]
        for file in found:
            if file.state != FileState.READY:
                raise AppError("file_not_ready", name=file.name)
        return found


class FilePage(db.Model):  # type: ignore[name-defined,misc]
    """The text of one page, numbered from 1: of a PDF, a slide, a sheet, or a part of a file that has no pages."""

    __tablename__ = "file_pages"

    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    # The name of a sheet, the heading of a slide; "" without one.
    title: Mapped[str] = mapped_column(String(200), default="")
    content: Mapped[str] = mapped_column(Text)


class MessageFile(db.Model):  # type: ignore[name-defined,misc]
    """A file that a question was asked with; `position` from 0."""

    __tablename__ = "message_files"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)


class MessagePassage(db.Model):  # type: ignore[name-defined,misc]
    """A passage that a question was asked with; answers cite it by its `number`, from 1."""

    __tablename__ = "message_passages"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), index=True)


@dataclass(frozen=True, slots=True)
class Attachment:
    """What goes with a question. `text`: what the model reads before its words; the ids of `files` and `passages`."""

    text: str = ""
    files: tuple[str, ...] = ()
    passages: tuple[int, ...] = ()

    def add_to(self, message_id: int) -> None:
        """Insert the rows that link it to a question; the caller commits."""
        connection = db.session.connection()
        if self.files:
            rows = [{"message_id": message_id, "position": at, "file_id": each} for at, each in enumerate(self.files)]
            connection.execute(insert(MessageFile.__table__), rows)
        if self.passages:
            sources = enumerate(self.passages, 1)
            rows = [{"message_id": message_id, "number": number, "passage_id": each} for number, each in sources]
            connection.execute(insert(MessagePassage.__table__), rows)


NOTHING = Attachment()


def files_of(message_ids: Sequence[int]) -> dict[int, list[File]]:
    """Return the files of these questions, by question, in their order."""
    query = select(MessageFile.message_id, File).join(File, File.id == MessageFile.file_id)
    found: dict[int, list[File]] = {}
    for message_id, file in db.session.execute(
        query.where(MessageFile.message_id.in_(message_ids)).order_by(MessageFile.message_id, MessageFile.position)
    ):
        found.setdefault(message_id, []).append(file)
    return found


def pages_of(file_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
    """Return the number and the text of each page of these files, by file, in their order."""
    query = select(FilePage.file_id, FilePage.number, FilePage.content).where(FilePage.file_id.in_(file_ids))
    found: dict[str, list[tuple[int, str]]] = {each: [] for each in file_ids}
    for file_id, number, content in db.session.execute(query.order_by(FilePage.file_id, FilePage.number)):
        found[file_id].append((number, content))
    return found
