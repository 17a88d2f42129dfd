"""Finds a person's conversations by their words: in the index on SQLite, by plain comparison elsewhere."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.types import UtcDateTime
from app.models.user import User

# Conversations that one search shows.
LIMIT = 20
# Messages that are looked through for them: one long conversation may hold all the first ones.
MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other, of letters and digits only; `begins`: the last of them is being typed."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: all terms, within all filters. `folders`: the ids of those that may hold it."""

    terms: tuple[Term, ...] = ()
    model: str | None = None
    folders: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found, by its title or by a message; without words by neither."""

    conversation: Conversation
    message: Message | None = None
    titled: bool = False


# The index first, whatever the planner thinks: it gives the newest first, and stops as soon as nobody asks for more.
INDEXED = text("""
SELECT m.id, m.conversation_id FROM message_search s
CROSS JOIN messages m ON m.id = s.rowid
CROSS JOIN conversations c ON c.id = m.conversation_id
WHERE s.message_search MATCH :words AND c.user_id = :user AND c.deleted_at IS NULL
AND (:models IS NULL OR c.model IN (SELECT value FROM json_each(:models)))
AND (:folders IS NULL OR c.folder_id IN (SELECT value FROM json_each(:folders)))
AND (:since IS NULL OR m.created_at >= :since) AND (:until IS NULL OR m.created_at < :until)
ORDER BY s.rowid DESC LIMIT :messages
""").bindparams(bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime), messages=MESSAGES)


def find(user: User, wanted: Wanted, *, indexed: bool | None = None) -> list[Hit]:
    """At most `LIMIT` conversations, those with the words in their title first, the latest first."""
    if not wanted.terms:
        query = _narrowed(select(Conversation), user, wanted, Conversation.updated_at)
        query = query.where(Conversation.head_id.is_not(None)).order_by(Conversation.updated_at.desc()).limit(LIMIT)
        return [Hit(conversation) for conversation in db.session.scalars(query)]
    if indexed is None:
        indexed = db.session.get_bind().dialect.name == "sqlite"
    rows = _indexed if indexed else _compared
    titled = _first_of_each(rows(user, wanted, "title"))
    said = _first_of_each(rows(user, wanted, "content"))
    # Where the title has the words, a message that has them too tells more than the first one, which has the title's.
    found = {conversation: said.get(conversation, message) for conversation, message in titled.items()}
    return _hits(dict(list((found | said).items())[:LIMIT]), titled)


def _indexed(user: User, wanted: Wanted, column: str) -> Iterable[Any]:
    words = " AND ".join(_matching(term) for term in wanted.terms)
    values = {
        "words": f"owner : u{user.id} AND {column} : ({words})",
        "user": user.id,
        "models": _listed(None if wanted.model is None else _models(user, wanted.model)),
        "folders": _listed(wanted.folders),
        "since": wanted.since,
        "until": wanted.until,
    }
    with db.session.connection().execute(INDEXED, values) as rows:
        yield from rows


def _models(user: User, part: str) -> list[str]:
    """This person's models whose name has that part: compared once each, not once for each message."""
    names = db.session.scalars(select(Conversation.model).where(Conversation.user_id == user.id).distinct())
    return [name for name in names if name and part.lower() in name.lower()]


def _listed(values: Sequence[Any] | None) -> str | None:
    return None if values is None else json.dumps(values)


def _compared(user: User, wanted: Wanted, column: str) -> Iterable[Any]:
    both = select(Message.id, Message.conversation_id).join(Message.conversation)
    query = _narrowed(both, user, wanted, Message.created_at)
    searched = Conversation.title if column == "title" else Message.content
    for term in wanted.terms:
        query = query.where(searched.icontains(" ".join(term.words), autoescape=True))
    yield from db.session.execute(query.order_by(Message.id.desc()).limit(MESSAGES))


def _narrowed(query: Any, user: User, wanted: Wanted, moment: Any) -> Any:
    """The filters, with `moment` as the date that they look at."""
    query = query.where(Conversation.user_id == user.id, Conversation.deleted_at.is_(None))
    if wanted.model is not None:
        query = query.where(Conversation.model.icontains(wanted.model, autoescape=True))
    if wanted.folders is not None:
        query = query.where(Conversation.folder_id.in_(wanted.folders))
    if wanted.since is not None:
        query = query.where(moment >= wanted.since)
    if wanted.until is not None:
        query = query.where(moment < wanted.until)
    return query


def _first_of_each(rows: Iterable[Any]) -> dict[str, int]:
    """Conversations up to the limit, each with its newest message found."""
    found: dict[str, int] = {}
    for message_id, conversation_id in rows:
        if len(found) >= LIMIT:
            break
        found.setdefault(conversation_id, message_id)
    return found


def _hits(found: dict[str, int], titled: dict[str, int]) -> list[Hit]:
    """The rows themselves, in the same order; what was erased meanwhile is left out."""
    conversations = {
        conversation.id: conversation
        for conversation in db.session.scalars(select(Conversation).where(Conversation.id.in_(found)))
    }
    messages = {
        message.id: message
        for message in db.session.scalars(select(Message).where(Message.id.in_(found.values())))
    }
    return [
        Hit(conversations[conversation_id], messages.get(message_id), conversation_id in titled)
        for conversation_id, message_id in found.items()
        if conversation_id in conversations
    ]


def _matching(term: Term) -> str:
    """FTS5's expression; œ is a letter of its own there, which is typed as two."""
    said = " ".join(term.words)
    spellings = dict.fromkeys((said, said.replace("oe", "œ"), said.replace("œ", "oe")))
    return "(" + " OR ".join(f'"{spelling}"' + ("*" if term.begins else "") for spelling in spellings) + ")"
