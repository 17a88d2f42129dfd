"""Finds a person's conversations by their words: in the index on SQLite, by plain comparison elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.search_filters import Term, Wanted, bound, conditions
from app.models.user import User

# Conversations that one search shows.
LIMIT = 20
# Messages that are looked through for them: one long conversation may hold all the first ones.
MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found, by its title or by a message; without words by neither."""

    conversation: Conversation
    message: Message | None = None
    titled: bool = False


# What the comparison takes for the same letter, as the index does.
ACCENTED, PLAIN = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"

# The index first, whatever the planner thinks: it gives the newest first, and stops as soon as nobody asks for more.
INDEXED = """
SELECT messages.id, messages.conversation_id FROM message_search s
CROSS JOIN messages ON messages.id = s.rowid
CROSS JOIN conversations ON conversations.id = messages.conversation_id
WHERE s.message_search MATCH :words AND {conditions} ORDER BY s.rowid DESC LIMIT :messages
"""
# Compared before the message itself is looked up.
ROW_OF_INDEX = "+s.rowid"


def find(user: User, wanted: Wanted, *, indexed: bool | None = None) -> list[Hit]:
    """At most `LIMIT` conversations, those with the words in their title first, the latest first."""
    if not wanted.terms:
        within = bound(*conditions(user, wanted, "conversations.updated_at"))
        query = select(Conversation).where(within, Conversation.head_id.is_not(None))
        query = query.order_by(Conversation.updated_at.desc()).limit(LIMIT)
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
    place = ROW_OF_INDEX if column == "content" else ""
    within, values = conditions(user, wanted, "messages.created_at", message=place)
    values |= {"words": f"owner : u{user.id} AND {column} : ({words})", "messages": MESSAGES}
    query = bound(INDEXED.format(conditions=within), values)
    with db.session.connection().execute(query) as rows:
        yield from rows


def _compared(user: User, wanted: Wanted, column: str) -> Iterable[Any]:
    query = select(Message.id, Message.conversation_id).join(Message.conversation)
    place = "messages.id" if column == "content" else ""
    query = query.where(bound(*conditions(user, wanted, "messages.created_at", message=place)))
    searched = Conversation.title if column == "title" else Message.content
    plain = func.translate(func.lower(searched), ACCENTED, PLAIN)
    for term in wanted.terms:
        words = " ".join(term.words).lower().translate(str.maketrans(ACCENTED, PLAIN))
        query = query.where(plain.contains(words, autoescape=True))
    yield from db.session.execute(query.order_by(Message.id.desc()).limit(MESSAGES))


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
        message.id: message for message in db.session.scalars(select(Message).where(Message.id.in_(found.values())))
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
