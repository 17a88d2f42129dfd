"""Search for words in the documents that a user may read: in their names, and in the passages of their pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, text

from app.extensions import db
from app.models.attachments import MessageFile, is_used
from app.models.conversations import Conversation
from app.models.files import File, FilePage, FileState
from app.models.libraries import Library
from app.models.messages import Message
from app.models.passages import EXCERPTS, TEXT, Passage, is_indexed
from app.models.search import SearchTerm, matching
from app.models.users import User
from app.models.word_forms import contains

# Documents in one result, and passages read to find them, because one document may hold the best.
MAX_DOCUMENTS = 5
MAX_PASSAGES = 200
BEST = text(
    "SELECT rowid FROM passage_search WHERE passage_search MATCH :words"
    " ORDER BY bm25(passage_search, 1, 0, 0) LIMIT :passages"
)


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page that has the words, in its passage `text`."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentHit:
    """A document found by its name or by a page. `library`: its name, if it is in one; `conversation`: the id of the
    user's latest one that uses it, if any.
    """

    file: File
    library: str | None
    page: DocumentPage | None
    conversation: str | None


def find_documents(user: User, terms: tuple[SearchTerm, ...]) -> list[DocumentHit]:
    """Return at most MAX_DOCUMENTS documents with all terms, the user's and those of libraries: by name, the latest
    first, then by pages.

    Own ones that only deleted conversations use are left out.
    """
    libraries = {library.id: library.name for library in Library.all_for(user)}
    named = select(File).where(_is_shown(user), *(contains(File.name, term.spellings()) for term in terms))
    latest = db.session.scalars(named.order_by(File.created_at.desc(), File.id).limit(MAX_DOCUMENTS))
    files = {file.id: file for file in latest}
    pages: dict[str, DocumentPage] = {}
    for file, *page in _pages(user, libraries, terms):
        files.setdefault(file.id, file)
        pages.setdefault(file.id, DocumentPage(*page))
    shown = list(files)[:MAX_DOCUMENTS]
    conversations = _conversations(user, shown)
    return [
        DocumentHit(files[each], libraries.get(files[each].library_id or 0), pages.get(each), conversations.get(each))
        for each in shown
    ]


def _is_shown(user: User) -> ColumnElement[bool]:
    kept = (Message.conversation_id == Conversation.id, Conversation.deleted_at.is_(None))
    is_kept = exists().where(MessageFile.file_id == File.id, MessageFile.message_id == Message.id, *kept)
    is_shared = File.library_id.is_not(None)
    return and_(File.readable_by(user), File.state == FileState.READY, or_(is_shared, is_kept, ~is_used()))


def _pages(user: User, libraries: Iterable[int], terms: tuple[SearchTerm, ...]) -> Iterable[Any]:
    """Yield the file, number and title of pages, with the passages that have all terms, the best first."""
    query = EXCERPTS.with_only_columns(Passage.id, File, Passage.page, FilePage.title, TEXT).where(_is_shown(user))
    if not is_indexed():
        query = query.where(*(contains(TEXT, term.spellings()) for term in terms))
        return (row[1:] for row in db.session.execute(query.order_by(Passage.id.desc()).limit(MAX_PASSAGES)))
    words = " AND ".join(map(matching, terms))
    places = " OR ".join([f"u{user.id}", *(f"l{each}" for each in libraries)])
    values = {"words": f"file : ({places}) AND content : ({words})", "passages": MAX_PASSAGES}
    ranked = list(db.session.scalars(BEST, values))
    rows = {row[0]: row[1:] for row in db.session.execute(query.where(Passage.id.in_(ranked)))}
    return (rows[key] for key in ranked if key in rows)


def _conversations(user: User, file_ids: Iterable[str]) -> dict[str, str]:
    """Return the id of the user's latest conversation that uses each of these files."""
    query = select(MessageFile.file_id, Message.conversation_id).join(Message, Message.id == MessageFile.message_id)
    query = query.join(Conversation, Conversation.id == Message.conversation_id)
    mine = (Conversation.user_id == user.id, Conversation.deleted_at.is_(None))
    kept = query.where(MessageFile.file_id.in_(file_ids), *mine)
    return {row.file_id: row.conversation_id for row in db.session.execute(kept.order_by(Message.id))}
