"""Passages: the pieces of a file's pages that a search finds and that a model answers from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sqlalchemy import ForeignKey, and_, case, func, insert, literal, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.attachments import MessagePassage
from app.models.cutting import Cut, PassageCutter
from app.models.files import File, FilePage, FileState
from app.models.question_terms import Term, marks, terms
from app.models.word_forms import contains, plain_words, stems


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


# The text of a passage, and what an `Excerpt` has.
TEXT = func.substr(FilePage.content, Passage.start + 1, Passage.end - Passage.start)
EXCERPTS = (
    select(Passage.id, Passage.file_id, File.name, Passage.page, TEXT)
    .join(File, File.id == Passage.file_id)
    .join(FilePage, and_(FilePage.file_id == Passage.file_id, FilePage.number == Passage.page))
)


def excerpts(ids: Sequence[int]) -> list[Excerpt]:
    """Return the passages with these ids, in this order; raises not_found."""
    found = {row[0]: Excerpt(*row) for row in db.session.execute(EXCERPTS.where(Passage.id.in_(ids)))}
    if not found.keys() >= set(ids):
        raise AppError("not_found")
    return [found[each] for each in ids]


def excerpts_of(message_ids: Sequence[int]) -> dict[int, dict[int, Excerpt]]:
    """Return the passages that these questions were asked with, by question and number."""
    query = EXCERPTS.join(MessagePassage, MessagePassage.passage_id == Passage.id)
    query = query.add_columns(MessagePassage.message_id, MessagePassage.number)
    found: dict[int, dict[int, Excerpt]] = {}
    for *excerpt, message_id, number in db.session.execute(
        query.where(MessagePassage.message_id.in_(message_ids)).order_by(MessagePassage.number)
    ):
        found.setdefault(message_id, {})[number] = Excerpt(*excerpt)
    return found


# The index. `content`: the text's words, normalized; `stems`: the stems of these words, of what stands above them and
# of the file's name; `file`: "f" and the file's id, and where it belongs (`File.whose`), indexed as words so that a
# search reads the rows of some files only. A row's number is its passage's id.
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
TO_INDEX = text("INSERT INTO passage_search(rowid, content, stems, file) VALUES(:id, :content, :stems, :file)")


def is_indexed() -> bool:
    """Tell whether the database in use has the index."""
    return db.engine.dialect.name == "sqlite"


# Storing


class ReadPage(Protocol):
    """A page as it was read from a file; `number` from 1, `title` "" without one."""

    @property
    def number(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...


def store(file: File, pages: Iterable[ReadPage], cutter: PassageCutter) -> None:
    """Insert the passages of some pages of a file, and index them; the caller commits.

    `cutter`: one for all pages of the file, which come in their order.
    """
    made = [(page, cut) for page in pages for cut in cutter.cut(page.text)]
    if not made:
        return
    # Before the first insertion, which keeps others from writing.
    words = [_words(file.name, page, cut) for page, cut in made] if is_indexed() else []
    rows = [{"file_id": file.id, "page": page.number, "start": cut.start, "end": cut.end} for page, cut in made]
    connection = db.session.connection()
    last = connection.scalar(select(func.max(Passage.id))) or 0
    connection.execute(insert(Passage.__table__), rows)
    if words:
        # Others may have inserted theirs meanwhile.
        added = select(Passage.id).where(Passage.file_id == file.id, Passage.id > last)
        ids = connection.scalars(added.order_by(Passage.id))
        whose = f"f{file.id} {file.whose}"
        connection.execute(TO_INDEX, [each | {"id": key, "file": whose} for key, each in zip(ids, words, strict=True)])


def _words(name: str, page: ReadPage, cut: Cut) -> dict[str, str]:
    content = page.text[cut.start : cut.end]
    return {"content": plain_words(content), "stems": stems(f"{name}\n{page.title}\n{cut.context}\n{content}")}


# Reading again


class Cited(NamedTuple):
    """A passage that a question was asked with: where it stands in its file, and the question's number for it."""

    message_id: int
    number: int
    page: int
    start: int
    end: int


def cited_of(file_id: str) -> list[Cited]:
    """Return the passages of a file that questions were asked with."""
    columns = (MessagePassage.message_id, MessagePassage.number, Passage.page, Passage.start, Passage.end)
    query = select(*columns).join(Passage, Passage.id == MessagePassage.passage_id)
    return [Cited(*row) for row in db.session.execute(query.where(Passage.file_id == file_id))]


def cite_again(file_id: str, cited: Iterable[Cited]) -> None:
    """Link questions to the passages of a file that was read anew, where they are cut as before; the caller commits."""
    query = select(Passage.page, Passage.start, Passage.end, Passage.id).where(Passage.file_id == file_id)
    ids = {(page, start, end): key for page, start, end, key in db.session.execute(query)}
    rows = [
        {"message_id": each.message_id, "number": each.number, "passage_id": ids[each.page, each.start, each.end]}
        for each in cited
        if (each.page, each.start, each.end) in ids
    ]
    if rows:
        db.session.execute(insert(MessagePassage), rows)


# Finding

# Passages that the index gives at most, best first; those of one page that come before the best of other pages.
CANDIDATES, OF_ONE_PAGE = 50, 2
RANKED = text(
    "SELECT rowid FROM passage_search WHERE passage_search MATCH :words"
    " ORDER BY bm25(passage_search, 0.5, 1, 0) LIMIT :candidates"
)


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage found. `title`: of its page; `kind`: of its file; `marks`: start and end of what was looked for in the
    text.
    """

    excerpt: Excerpt
    title: str
    kind: str
    marks: list[tuple[int, int]]


def best(
    file_ids: Sequence[str], question: str, limit: int = 4, *, libraries: Sequence[int] = ()
) -> list[FoundPassage]:
    """Return the passages of these files and libraries that most likely answer the question, the best first.

    Of a page, two at most come before those of other pages.
    """
    wanted = terms(question)
    if not (wanted and (file_ids or libraries)):
        return []
    search = _by_index if is_indexed() else _by_comparing
    ranked = search(file_ids, libraries, wanted)
    query = EXCERPTS.add_columns(FilePage.title, File.kind)
    query = query.where(Passage.id.in_(ranked), File.state == FileState.READY)
    rows = {row[0]: row for row in db.session.execute(query)}
    first: list[FoundPassage] = []
    later: list[FoundPassage] = []
    pages: Counter[tuple[str, int]] = Counter()
    for *excerpt, title, kind in (rows[key] for key in ranked if key in rows):
        found = FoundPassage(Excerpt(*excerpt), title, kind, marks(excerpt[-1], wanted))
        page = found.excerpt.file_id, found.excerpt.page
        pages[page] += 1
        (first if pages[page] <= OF_ONE_PAGE else later).append(found)
    return [*first, *later][:limit]


def _by_index(file_ids: Sequence[str], libraries: Sequence[int], wanted: Sequence[Term]) -> list[int]:
    files = " OR ".join([*(f"f{each}" for each in file_ids), *(f"l{each}" for each in libraries)])
    words = " AND ".join(f"({each})" for each in (*_needed(wanted), " OR ".join(map(_matching, wanted))))
    values = {"words": f"file : ({files}) AND {words}", "candidates": CANDIDATES}
    return list(db.session.scalars(RANKED, values))


def _needed(wanted: Sequence[Term]) -> list[str]:
    return [_matching(term) for term in wanted if term.is_needed]


def _matching(term: Term) -> str:
    """Return the FTS5 expression of a term."""
    exact = " OR ".join(f'"{" ".join(phrase)}"' for phrase in term.phrases)
    family = "".join(f' OR stems : "{stem}"' for stem in term.stems)
    return f"content : ({exact}){family}"


def _by_comparing(file_ids: Sequence[str], libraries: Sequence[int], wanted: Sequence[Term]) -> list[int]:
    """Return, without an index, those with the most terms first."""
    has = [
        or_(
            *(
                and_(*(contains(TEXT, [word]) for word in phrase))
                for phrase in (*term.phrases, *((stem,) for stem in term.stems))
            )
        )
        for term in wanted
    ]
    needed = [condition for term, condition in zip(wanted, has, strict=True) if term.is_needed]
    score = sum((case((condition, 1), else_=0) for condition in has), start=literal(0))
    files = or_(File.id.in_(file_ids), File.library_id.in_(libraries))
    query = EXCERPTS.with_only_columns(Passage.id).where(files, or_(*has), *needed)
    return list(db.session.scalars(query.order_by(score.desc(), Passage.id).limit(CANDIDATES)))
