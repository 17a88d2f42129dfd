"""How often the search for passages finds the page that answers, over documents with questions about them."""

import threading
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

from pydantic import Field

from app.errors import AppError
from app.extensions import db
from app.extraction.reader import Page, read_document
from app.lab import wording
from app.lab.grading.schemas import Count, MalformedError, Table, Text, read_table
from app.models import File, FilePage, FileState, User
from app.models.cutting import PassageCutter
from app.models.passages import FoundPassage, best, store

# What comes with the program, and what a company may have beside its own tasks.
LIBRARY, OWN, QUESTIONS = Path(__file__).with_name("library") / "documents", "documents", "questions.toml"
# The chat shows so many passages.
SHOWN = 4


class DocumentQuestion(Table):
    """A question about a document (its file's name without the ending), and the page and the words that answer."""

    question: Text
    document: Text
    page: Annotated[Count, Field(ge=1)]
    answer: Text


@dataclass(frozen=True, slots=True)
class Recall:
    """Of so many questions about so many documents: how many have the answer in the first passage, and among four."""

    questions: int
    documents: int
    first: int
    shown: int


def recall(folder: Path) -> Recall:
    """Index a folder's documents, look for the answers to its questions in all of them, and take everything back.

    Meanwhile nobody else can write to the database: about a second for a hundred pages. Raises task_invalid for a
    wrong question, OSError, and what reading a document raises.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != QUESTIONS]
    documents = {path.stem: _pages(path) for path in files}
    questions = _questions(folder / QUESTIONS, documents)
    try:
        owner = User(username="", username_key="", display_name="", password_hash="")
        db.session.add(owner)
        db.session.flush()
        ids = {name: _stored(owner, name, pages) for name, pages in documents.items()}
        ranks = [_rank(best(list(ids.values()), one.question, SHOWN), ids[one.document], one.page) for one in questions]
    finally:
        db.session.rollback()
    found = [rank for rank in ranks if rank is not None]
    return Recall(len(questions), len(documents), found.count(0), len(found))


def _rank(found: Iterable[FoundPassage], file_id: str, page: int) -> int | None:
    """The place of the first passage from that page; None if there is none."""
    places = [(at.excerpt.file_id, at.excerpt.page) for at in found]
    return places.index((file_id, page)) if (file_id, page) in places else None


def _stored(owner: User, name: str, pages: list[Page]) -> str:
    """Store a document and its passages; its id. Nothing is committed."""
    file = File(user_id=owner.id, name=name, sha256="", size=0, state=FileState.READY, pages=len(pages))
    db.session.add(file)
    db.session.flush()
    for page in pages:
        db.session.add(FilePage(file_id=file.id, number=page.number, title=page.title, content=page.text))
    db.session.flush()
    store(file, pages, PassageCutter())
    return file.id


def _pages(path: Path) -> list[Page]:
    """The pages of a document; those of a text are parted by form feeds."""
    if path.suffix == ".txt":
        texts = path.read_text(errors="replace").split("\f")
        return [Page(number=number, title="", text=text) for number, text in enumerate(texts, start=1)]
    return list(read_document(path, path.name, lambda _done, _total: None, threading.Event()).pages)


def _questions(path: Path, documents: Mapping[str, list[Page]]) -> list[DocumentQuestion]:
    """The questions of a file, whose pages are there and have the words that answer."""
    text = path.read_text(errors="replace")
    try:
        tables = tomllib.loads(text).get("question")
    except ValueError:
        raise AppError("task_invalid", line=1, reason=wording.sentence("task_bad_toml")) from None
    if not isinstance(tables, list) or not tables:
        raise AppError("task_invalid", line=1, reason=wording.sentence("task_missing_key", {"key": "[[question]]"}))
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("[[question]]")]
    found = []
    for line, table in zip_longest(lines, tables):
        try:
            asked = read_table(DocumentQuestion, table)
            pages = {page.number: _spaced(page.text) for page in documents.get(asked.document, ())}
            if _spaced(asked.answer) not in pages.get(asked.page, ""):
                raise MalformedError("task_answer_elsewhere", name=asked.document, page=asked.page)
        except MalformedError as error:
            raise AppError("task_invalid", line=line or 1, reason=wording.sentence(error.code, error.params)) from None
        found.append(asked)
    return found


def _spaced(text: str) -> str:
    return " ".join(text.split())
