"""When a file is erased: with the last question that was asked with it, or after some days if there was none, and one
of a library by an administrator alone; and how: its text, the words in the index, its bytes.

It is marked first, which hides it, and then goes in small commits, as a long one makes thousands of rows.
"""

import time
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from app.extensions import db
from app.models.attachments import MessageFile, is_used
from app.models.base import utcnow
from app.models.file_store import file_store
from app.models.files import File, FilePage, FileState
from app.models.libraries import Library
from app.models.messages import Message
from app.models.passages import Passage
from app.models.search import search

UNUSED_FOR = timedelta(days=7)
# Rows of each commit, and the seconds between commits, in which others can write.
TOGETHER = 100
PAUSE_S = 0.03


def asked_with(conversation_id: str) -> list[str]:
    """Return the ids of the files with which the questions of a conversation were asked."""
    query = select(MessageFile.file_id).join(Message, Message.id == MessageFile.message_id)
    return list(db.session.scalars(query.where(Message.conversation_id == conversation_id).distinct()))


def mark_unused(which: ColumnElement[bool]) -> list[str]:
    """Mark those of such files with which no question was asked, but none of a library; commits.

    Returns their ids, for `erase`.
    """
    return mark(which & File.library_id.is_(None) & ~is_used())


def mark(which: ColumnElement[bool]) -> list[str]:
    """Mark such files, which hides them; commits. Return their ids, for `erase`."""
    marked: list[str] = []
    for some in _parts(db.session.scalars(select(File.id).where(which, File.kept()))):
        # Not those with which a question was asked since.
        change = update(File).where(File.id.in_(some), which).values(state=FileState.ERASED)
        marked += db.session.scalars(change.returning(File.id))
    db.session.commit()
    return marked


def purge() -> None:
    """Erase the files with which no question was asked for some days, and what an interrupted erasure has left."""
    mark_unused((File.created_at < utcnow() - UNUSED_FOR) & (File.state != FileState.EXTRACTING))
    erase_marked()


def remove_library(library: Library) -> list[str]:
    """Delete a library and mark its files, which hides them; commits. Return their ids, for `erase`."""
    with file_store().changing():
        db.session.delete(library)
        return mark(File.library_id == library.id)


def erase_marked() -> None:
    """Erase all files that are marked."""
    erase(list(db.session.scalars(select(File.id).where(File.state == FileState.ERASED))))


def erase(ids: Collection[str]) -> None:
    """Erase those of the files that are marked, then their words in the index."""
    hashes = set()
    for file_id in ids:
        file = db.session.scalar(select(File).where(File.id == file_id, File.state == FileState.ERASED))
        if file is None:
            continue
        clear(file_id)
        hashes.add(file.sha256)
        db.session.execute(delete(File).where(File.id == file_id))
        db.session.commit()
    if hashes:
        _remove_bytes(hashes)
        search().compact()


def clear(file_id: str) -> None:
    """Erase what was read of a file: passages and pages, in small commits."""
    for rows, key in ((Passage, Passage.id), (FilePage, FilePage.number)):
        while some := list(db.session.scalars(select(key).where(rows.file_id == file_id).limit(TOGETHER))):
            db.session.execute(delete(rows).where(rows.file_id == file_id, key.in_(some)))
            db.session.commit()
            time.sleep(PAUSE_S)


def remove_unnamed_bytes() -> None:
    """Remove all bytes that are no file's: what a crash has left between a file's arrival and its row."""
    store = file_store()
    with store.changing():
        store.remove(store.hashes() - set(db.session.scalars(select(File.sha256))))
    db.session.rollback()


def _remove_bytes(hashes: set[str]) -> None:
    """Remove the bytes with these hashes, unless a file has them."""
    store = file_store()
    with store.changing():
        named = {each for some in _parts(hashes) for each in db.session.scalars(_with_hashes(some))}
        store.remove(hashes - named)
    db.session.rollback()


def _with_hashes(hashes: list[str]) -> Any:
    return select(File.sha256).where(File.sha256.in_(hashes))


def _parts(values: Iterable[str]) -> Iterable[list[str]]:
    """Return the values in lists of TOGETHER."""
    all_of_them = list(values)
    return (all_of_them[start : start + TOGETHER] for start in range(0, len(all_of_them), TOGETHER))
