"""Passages: the pieces of a file's pages that a search finds and that a model answers from."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ForeignKey, and_, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.files import File, FilePage, MessagePassage


class Passage(db.Model):  # type: ignore[name-defined,misc]
    """A piece of a page: its characters from `start` to before `end`."""

    __tablename__ = "passages"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)
    page: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]


class Excerpt(NamedTuple):
    """A passage with its text and where it stands: the file's name and the page."""

    id: int
    file_id: str
    name: str
    page: int
    text: str


_EXCERPTS = (
    select(
        *(Passage.id, Passage.file_id, File.name, Passage.page),
        func.substr(FilePage.content, Passage.start + 1, Passage.end - Passage.start),
    )
    .join(File, File.id == Passage.file_id)
    .join(FilePage, and_(FilePage.file_id == Passage.file_id, FilePage.number == Passage.page))
)


def excerpts(ids: Sequence[int]) -> list[Excerpt]:
    """Return the passages with these ids, in this order; raises not_found."""
    found = {row[0]: Excerpt(*row) for row in db.session.execute(_EXCERPTS.where(Passage.id.in_(ids)))}
    if not found.keys() >= set(ids):
        raise AppError("not_found")
    return [found[each] for each in ids]


def excerpts_of(message_ids: Sequence[int]) -> dict[int, dict[int, Excerpt]]:
    """Return the passages that these questions were asked with, by question and number."""
    query = _EXCERPTS.join(MessagePassage, MessagePassage.passage_id == Passage.id)
    query = query.add_columns(MessagePassage.message_id, MessagePassage.number)
    found: dict[int, dict[int, Excerpt]] = {}
    for *excerpt, message_id, number in db.session.execute(
        query.where(MessagePassage.message_id.in_(message_ids)).order_by(MessagePassage.number)
    ):
        found.setdefault(message_id, {})[number] = Excerpt(*excerpt)
    return found


# The index. `stems`: the text with each word cut to its French stem; `file`: "f" and the file's id, indexed as a word
# so that a search reads the rows of some files only. A row's number is its passage's id.
INDEX = """
CREATE VIRTUAL TABLE passage_search USING fts5(content, stems, file, tokenize='unicode61 remove_diacritics 2')
"""
ON_DELETE = """
CREATE TRIGGER search_passage_deleted AFTER DELETE ON passages BEGIN
  DELETE FROM passage_search WHERE rowid = old.id;
END
"""
CREATE = (INDEX, ON_DELETE)
DROP = ("DROP TRIGGER search_passage_deleted", "DROP TABLE passage_search")
