"""What can be searched for in conversations, the filters in SQL, and the search that every database can do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, bindparam, func, select, text

from app.extensions import db
from app.models.base import UtcDateTime
from app.models.conversations import Conversation
from app.models.messages import Message
from app.models.users import User

# A filter that lets at most this many rows through is applied before the words are searched; with more rows, the search
# meets enough of them soon.
FEW_ROWS = 20_000
# Conversations in one result.
LIMIT = 20
# Messages read to find them, because one long conversation may hold all the newest.
MESSAGES = 20_000
# Accented letters that the comparison treats as plain ones, as the index does.
ACCENTED, PLAIN = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """Words that follow each other, of letters and digits only; `begins`: the last one is a prefix."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search: all terms, within all filters. `folders`: ids of the folders to search.

    `model`: part of the name of the model that wrote the answer; a question matches by its answers' models.
    """

    terms: tuple[SearchTerm, ...] = ()
    model: str | None = None
    folders: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation found by its title or by a message; by neither if the search has no words."""

    conversation: Conversation
    message: Message | None = None
    titled: bool = False


class Search:
    """Search by comparing texts, as every database can; a subclass uses the index that its database has."""

    def prepare(self) -> None:
        """Set the index up, at each start after the migrations."""

    def compact(self) -> None:
        """Remove what erased texts left in the index."""

    def find(self, user: User, wanted: SearchQuery) -> list[Hit]:
        """Return at most `LIMIT` conversations, those with the words in their title first, the latest first."""
        if not wanted.terms:
            within = bound(*conditions(user, wanted, "conversations.updated_at"))
            query = select(Conversation).where(within, Conversation.head_id.is_not(None))
            query = query.order_by(Conversation.updated_at.desc()).limit(LIMIT)
            return [Hit(conversation) for conversation in db.session.scalars(query)]
        titled = _first_of_each(self.rows(user, wanted, "title"))
        said = _first_of_each(self.rows(user, wanted, "content"))
        # For a hit in the title, prefer a message that also has the words to the first one, with which the title is
        # indexed.
        found = {conversation: said.get(conversation, message) for conversation, message in titled.items()}
        return _hits(dict(list((found | said).items())[:LIMIT]), titled)

    def rows(self, user: User, wanted: SearchQuery, column: str) -> Iterable[Any]:
        """Yield up to MESSAGES ids of messages and of their conversations, the newest first.

        `column`: where all terms must be, "title" or "content".
        """
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
    """Return up to LIMIT conversation ids, each with the id of its newest message found."""
    found: dict[str, int] = {}
    for message_id, conversation_id in rows:
        if len(found) >= LIMIT:
            break
        found.setdefault(conversation_id, message_id)
    return found


def _hits(found: dict[str, int], titled: dict[str, int]) -> list[Hit]:
    """Load the rows, in the same order; leaves out what was erased meanwhile."""
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


# The filters

# The model names in the index of runs, in one step each, however many runs there are.
MODEL_NAMES = text("""
WITH RECURSIVE names(name) AS (
  SELECT min(model) FROM runs
  UNION ALL SELECT (SELECT min(model) FROM runs WHERE model > names.name) FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL
""")
COUNT = "SELECT count(*) FROM (SELECT 1 {rows} LIMIT :few) AS found"

OF_MODEL = "FROM runs WHERE model IN :models"
BY_MODEL = "FROM messages a CROSS JOIN runs r WHERE r.message_id = a.id AND r.model IN :models"
WRITTEN = "FROM runs r JOIN messages a ON a.id = r.message_id WHERE r.model IN :models"
# Conditions on a message and on a conversation as a whole; the key is whether the filter lets few rows through.
MODEL_OF_MESSAGE = {
    True: f"{{place}} IN (SELECT a.id {WRITTEN} UNION ALL SELECT a.parent_id {WRITTEN})",
    False: f"EXISTS (SELECT 1 {BY_MODEL} AND (a.id = messages.id OR a.parent_id = messages.id))",
}
MODEL_OF_CONVERSATION = {
    True: f"conversations.id IN (SELECT a.conversation_id {WRITTEN})",
    False: f"EXISTS (SELECT 1 {BY_MODEL} AND a.conversation_id = conversations.id)",
}
MESSAGES_OF = "FROM conversations c JOIN messages m ON m.conversation_id = c.id WHERE c.user_id = :user"
IN_FOLDERS = f"{MESSAGES_OF} AND c.folder_id IN :folders"
# A conversation's messages date from between its creation and its last change.
DATES = {"since": (">=", "c.updated_at >= :since"), "until": ("<", "c.created_at < :until")}


def conditions(user: User, wanted: SearchQuery, moment: str, *, message: str = "") -> tuple[str, dict[str, Any]]:
    """Return the SQL condition on `messages` and `conversations` with its values; `moment`: the column of the dates.

    `message`: SQL of the message's id; "" for a condition on the conversation as a whole.
    """
    found = ["conversations.user_id = :user", "conversations.deleted_at IS NULL"]
    values: dict[str, Any] = {"user": user.id}
    if wanted.model is not None:
        values["models"] = _models(wanted.model)
        form = MODEL_OF_MESSAGE if message else MODEL_OF_CONVERSATION
        found.append(form[_are_few(OF_MODEL, values)].format(place=message))
    if wanted.folders is not None:
        values["folders"] = list(wanted.folders)
        found += [_among(IN_FOLDERS, values, message) or "conversations.folder_id IN :folders"]
    dates = {name: date for name in DATES if (date := getattr(wanted, name)) is not None}
    if dates:
        values |= dates
        found += [f"{moment} {DATES[name][0]} :{name}" for name in dates]
        rows = " AND ".join((MESSAGES_OF, *(DATES[name][1] for name in dates)))
        found += filter(None, [_among(rows, values, message)])
    return " AND ".join(found), values


def bound(sql: str, values: dict[str, Any]) -> TextClause:
    """Return SQL with its values bound: lists for IN, dates as the columns store them."""
    return text(sql).bindparams(*(_bound(name, value) for name, value in values.items()))


def _models(part: str) -> list[str]:
    """Return the names of models that contain this part, in any case."""
    return [name for name in db.session.scalars(MODEL_NAMES) if part.lower() in name.lower()]


def _among(rows: str, values: dict[str, Any], message: str) -> str:
    """Return the condition that a message is one of these rows, if they are few; else ""."""
    return f"{message} IN (SELECT m.id {rows})" if message and _are_few(rows, values) else ""


def _are_few(rows: str, values: dict[str, Any]) -> bool:
    sql = COUNT.format(rows=rows)
    known = {name: value for name, value in values.items() if f":{name}" in sql}
    return bool(db.session.scalar(bound(sql, known | {"few": FEW_ROWS + 1})) <= FEW_ROWS)


def _bound(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return bindparam(name, value, expanding=True)
    return bindparam(name, value, type_=UtcDateTime) if isinstance(value, datetime) else bindparam(name, value)
