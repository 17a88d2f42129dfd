"""Export and import of conversations with all branches, dates, runs and ratings."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.models import trash
from app.models.attachments import file_names
from app.models.base import insert_one, public_id, utcnow
from app.models.conversations import Conversation, Folder, derive_title
from app.models.messages import ACTIVE, INSERT_MESSAGE, INSERT_RUN, WRITTEN_ELSEWHERE, Message, Role, Run, RunState
from app.models.ratings import Rating
from app.models.users import User

# Messages per commit of an import, and the seconds between commits, in which others can write.
TOGETHER = 200
PAUSE_S = 0.02


@dataclass(slots=True)
class MessageCopy:
    """A message. `parent`: its parent's index in the conversation's list; `attached`: what the model reads before a
    question's words; `files`: the names of the files that this is of; `run`: an answer's RUN_COLUMNS; `rating`: its
    `good` and `reason`.
    """

    role: Role
    content: str
    parent: int | None
    created_at: datetime
    thinking: str = ""
    edited_at: datetime | None = None
    attached: str = ""
    files: list[str] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)
    rating: dict[str, Any] | None = None


@dataclass
class ConversationCopy:
    """A conversation with all its branches. `head`: index of the last message of the shown branch."""

    title: str
    messages: list[MessageCopy]
    head: int
    created_at: datetime
    updated_at: datetime
    model: str | None = None
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    instructions: str = ""
    personal_instructions: str = ""


# Columns that are copied; those of a run that are not belong to this server's queue and context.
MESSAGE_COLUMNS = ("role", "content", "attached", "thinking", "created_at", "edited_at")
RUN_COLUMNS = ("model", "think", "state", "reason", "error_code", "error_params", "metrics", "queued_at", "finished_at")
SAME = ("title", "model", "pinned", "archived", "created_at", "updated_at", "instructions", "personal_instructions")


def export_conversations(user: User, conversation: Conversation | None = None) -> Iterator[ConversationCopy]:
    """Yield the user's conversations, or only the given one, oldest first; one at a time to save memory."""
    names = {folder.id: folder.name for folder in Folder.all_of(user)}
    query = select(Conversation.id).where(
        Conversation.user_id == user.id, Conversation.deleted_at.is_(None), Conversation.head_id.is_not(None)
    )
    if conversation is not None:
        query = query.where(Conversation.id == conversation.id)
    for conversation_id in list(db.session.scalars(query.order_by(Conversation.created_at, Conversation.id))):
        copy = _export(conversation_id, names)
        if copy is not None:
            yield copy


def import_conversations(user: User, copies: Iterable[ConversationCopy]) -> list[str]:
    """Add the copies to the user's conversations, all or none; commits. Returns the new ids. Raises too_many_folders.

    Writes in small commits, so that other writers do not wait long. Until the last one, the conversations are hidden:
    marked as deleted so long ago that the trash soon erases what an interrupted import leaves.
    """
    # New id → name of the folder.
    made: dict[str, str | None] = {}
    try:
        _import_hidden(user, copies, made)
        folders = {name: Folder.named(user, name).id for name in dict.fromkeys(made.values()) if name}
        shown = [{"conversation": each, "folder": folders[name] if name else None} for each, name in made.items()]
        db.session.connection().execute(SHOW, shown)
        db.session.commit()
        return list(made)
    except Exception:
        db.session.rollback()
        with suppress(SQLAlchemyError):
            trash.erase(made, lambda _id: None)
        raise


SHOW = (
    update(Conversation.__table__)
    .where(Conversation.id == bindparam("conversation"))
    .values(folder_id=bindparam("folder"), deleted_at=None)
)
HEAD = update(Conversation.__table__).where(Conversation.id == bindparam("conversation"))
INSERT_CONVERSATION = insert(Conversation.__table__)
INSERT_RATING = insert(Rating.__table__)
END = (
    update(Run.__table__).where(Run.message_id.in_(bindparam("answers", expanding=True))).values(state=bindparam("end"))
)


def _export(conversation_id: str, folders: dict[int, str]) -> ConversationCopy | None:
    columns = (getattr(Conversation, name) for name in (*SAME, "folder_id", "head_id"))
    found = db.session.execute(select(*columns).where(Conversation.id == conversation_id)).one_or_none()
    rows = db.session.execute(
        select(
            *(getattr(Message, name) for name in ("id", "parent_id", *MESSAGE_COLUMNS)),
            *(getattr(Run, name) for name in ("message_id", *RUN_COLUMNS)),
            *(Rating.good, Rating.reason.label("why")),
        )
        .outerjoin(Run, Run.message_id == Message.id)
        .outerjoin(Rating, Rating.message_id == Message.id)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.id)
    ).all()
    places = {row.id: place for place, row in enumerate(rows)}
    files = file_names(conversation_id)
    if found is None or found.head_id not in places:
        return None
    messages = [
        MessageCopy(
            **_values(row, MESSAGE_COLUMNS),
            parent=places.get(row.parent_id),
            files=files.get(row.id, []),
            run=_run(row) if row.message_id else {},
            rating=None if row.good is None else {"good": row.good, "reason": row.why},
        )
        for row in rows
    ]
    head, folder = places[found.head_id], folders.get(found.folder_id)
    return ConversationCopy(**_values(found, SAME), folder=folder, head=head, messages=messages)


def _run(row: Any) -> dict[str, Any]:
    """Return a run's columns; a run in progress is copied as interrupted, with its text so far."""
    run = _values(row, RUN_COLUMNS)
    return run | {"state": RunState.INTERRUPTED} if run["state"] in ACTIVE else run


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _import_hidden(user: User, copies: Iterable[ConversationCopy], made: dict[str, str | None]) -> None:
    ended: dict[RunState, list[int]] = {}
    messages = itertools.count(1)

    def pause() -> None:
        """After each TOGETHER messages commit, and let other writers in."""
        if next(messages) % TOGETHER == 0:
            _end(ended)
            time.sleep(PAUSE_S)

    for copy in copies:
        made[_import(user, copy, ended, pause)] = copy.folder
    _end(ended)


def _end(ended: dict[RunState, list[int]]) -> None:
    """Set the final states of the inserted runs and commit: their texts then enter the search index all at once."""
    for state, answers in ended.items():
        db.session.connection().execute(END, {"answers": answers, "end": state})
    db.session.commit()
    ended.clear()


def _import(user: User, copy: ConversationCopy, ended: dict[RunState, list[int]], pause: Callable[[], None]) -> str:
    same = _values(copy, SAME) | {"title": copy.title or derive_title(copy.messages[0].content)}
    hidden = {"id": public_id(), "user_id": user.id, "seen_at": utcnow(), "deleted_at": trash.shown_since()}
    db.session.connection().execute(INSERT_CONVERSATION, same | hidden)
    ids: list[int] = []
    for message in copy.messages:
        # Of the transaction that is open now.
        connection = db.session.connection()
        parent = None if message.parent is None else ids[message.parent]
        values = _values(message, MESSAGE_COLUMNS) | {"conversation_id": hidden["id"], "parent_id": parent}
        message_id = insert_one(connection, INSERT_MESSAGE, values)
        ids.append(message_id)
        if message.run:
            of_this_server = {"message_id": message_id, "attempt": WRITTEN_ELSEWHERE, "left_out": 0}
            connection.execute(INSERT_RUN, message.run | of_this_server | {"state": RunState.RUNNING})
            ended.setdefault(message.run["state"], []).append(message_id)
        if message.rating:
            connection.execute(INSERT_RATING, {"message_id": message_id} | message.rating)
        pause()
    db.session.connection().execute(HEAD, {"conversation": hidden["id"], "head_id": ids[copy.head]})
    return str(hidden["id"])
