"""What a question was asked with: files, passages of them, notes of long ones; and the text that the model reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, exists, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.files import PICTURE, File
from app.models.messages import Message


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


class Digest(db.Model):  # type: ignore[name-defined,misc]
    """The reading of a question's documents, part by part; its row goes once the question has all notes as its text.

    `timing`: "idle" or "night". `rounds`: the notes of each part, in their order; after them, those of each further
    round, which shortens the notes of the one before. `part_tokens`, `parts`: tokens of a part and their number; 0
    until the first was read.
    """

    __tablename__ = "digests"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    timing: Mapped[str] = mapped_column(String(5))
    part_tokens: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int] = mapped_column(default=0)
    rounds: Mapped[list[list[str]]] = mapped_column(JSON, default=list)

    @property
    def progress(self) -> dict[str, Any]:
        """How far the reading is, as the page shows it."""
        return {"done": sum(map(len, self.rounds)), "total": self.parts, "when": self.timing}


class Picture(NamedTuple):
    """A picture that goes with a question; `sha256` of its bytes, as the file store has them."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """What goes with a question. `text`: what the model reads before its words; the ids of `files` and `passages`;
    `pictures`: those of the files that are pictures; `timing`: when to read files that are too long to be read at
    once, as `Digest` has it.
    """

    text: str = ""
    files: tuple[str, ...] = ()
    passages: tuple[int, ...] = ()
    pictures: tuple[Picture, ...] = ()
    timing: str = ""

    def add_to(self, message_id: int) -> None:
        """Insert the rows that link it to a question; the caller commits.

        Raises not_found, after a rollback, if a file is being erased since it was looked up.
        """
        connection = db.session.connection()
        if self.files:
            # The question was inserted: until the commit nobody else can mark a file.
            erased = exists().where(File.id.in_(self.files), ~File.kept())
            if db.session.scalar(select(erased)):
                db.session.rollback()
                raise AppError("not_found")
            rows = [{"message_id": message_id, "position": at, "file_id": each} for at, each in enumerate(self.files)]
            connection.execute(insert(MessageFile.__table__), rows)
        if self.passages:
            sources = enumerate(self.passages, 1)
            rows = [{"message_id": message_id, "number": number, "passage_id": each} for number, each in sources]
            connection.execute(insert(MessagePassage.__table__), rows)
        if self.timing:
            connection.execute(insert(Digest.__table__), {"message_id": message_id, "timing": self.timing})


NOTHING = Attachment()


def is_used() -> ColumnElement[bool]:
    """Return the condition that a question was asked with a file."""
    return exists().where(MessageFile.file_id == File.id)


def files_of(message_ids: Collection[int]) -> dict[int, list[File]]:
    """Return the files of these questions, by question, in their order."""
    query = select(MessageFile.message_id, File).join(File, File.id == MessageFile.file_id)
    found: dict[int, list[File]] = {}
    for message_id, file in db.session.execute(
        query.where(MessageFile.message_id.in_(message_ids)).order_by(MessageFile.message_id, MessageFile.position)
    ):
        found.setdefault(message_id, []).append(file)
    return found


def pictures_of(message_ids: Collection[int]) -> dict[int, tuple[Picture, ...]]:
    """Return the pictures of these questions, by question, in their order."""
    found = {
        message_id: tuple(Picture(file.name, file.sha256) for file in files if file.kind == PICTURE)
        for message_id, files in files_of(message_ids).items()
    }
    return {message_id: pictures for message_id, pictures in found.items() if pictures}


def file_names(conversation_id: str) -> dict[int, list[str]]:
    """Return the names of the files that the questions of a conversation were asked with, by question."""
    message = MessageFile.message_id
    query = select(message, File.name).join(File, File.id == MessageFile.file_id).join(Message, Message.id == message)
    found: dict[int, list[str]] = {}
    for message_id, name in db.session.execute(
        query.where(Message.conversation_id == conversation_id).order_by(message, MessageFile.position)
    ):
        found.setdefault(message_id, []).append(name)
    return found


def copy_links(copies: Mapping[int, int]) -> None:
    """Link copies of questions, original → copy, to the originals' files, passages and notes; the caller commits."""
    connection = db.session.connection()
    for links in (MessageFile.__table__, MessagePassage.__table__, Digest.__table__):
        found = connection.execute(select(links).where(links.c.message_id.in_(copies))).mappings()
        if rows := [{**row, "message_id": copies[row["message_id"]]} for row in found]:
            connection.execute(insert(links), rows)
