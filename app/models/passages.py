"""Passages: the pieces of a file's pages that a search finds and that a model answers from."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class Passage(db.Model):  # type: ignore[name-defined,misc]
    """A piece of a page: its characters from `start` to before `end`."""

    __tablename__ = "passages"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)
    page: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]


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
