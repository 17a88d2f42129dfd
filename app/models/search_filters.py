"""The filters of a search as SQL: what lets few rows through as the set of those, what lets many through row by row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from app.extensions import db
from app.models.types import UtcDateTime
from app.models.user import User

# Rows that are gathered before the words are looked for; a filter that lets more through finds its first ones soon.
FEW = 20_000


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other, of letters and digits only; `begins`: the last of them is being typed."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: all terms, within all filters. `folders`: the ids of those that may hold it.

    `model`: a part of the name of the model that wrote the answer; a question has those of its answers.
    """

    terms: tuple[Term, ...] = ()
    model: str | None = None
    folders: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


# The names that stand in the index of runs, one step each, however many runs there are.
NAMES = text("""
WITH RECURSIVE names(name) AS (
  SELECT min(model) FROM runs
  UNION ALL SELECT (SELECT min(model) FROM runs WHERE model > names.name) FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL
""")
COUNT = "SELECT count(*) FROM (SELECT 1 {rows} LIMIT :few) AS found"

OF_MODEL = "FROM runs WHERE model IN :models"
BY_MODEL = "FROM messages a CROSS JOIN runs r WHERE r.message_id = a.id AND r.model IN :models"
WRITTEN = "FROM runs r JOIN messages a ON a.id = r.message_id WHERE r.model IN :models"
# By whether the filter lets few rows through: the conditions on a message, and on a conversation as a whole.
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
# A conversation's messages lie between its beginning and its last change.
DATES = {"since": (">=", "c.updated_at >= :since"), "until": ("<", "c.created_at < :until")}


def conditions(user: User, wanted: Wanted, moment: str, *, message: str = "") -> tuple[str, dict[str, Any]]:
    """What `messages` and `conversations` must meet, with its values; `moment`: the column that dates look at.

    `message`: how a message that is looked at is called; without one the conversation is looked at as a whole.
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
    """SQL with its values: lists as what is one of them, dates as the columns hold them."""
    return text(sql).bindparams(*(_bound(name, value) for name, value in values.items()))


def _models(part: str) -> list[str]:
    """The models whose name has that part."""
    return [name for name in db.session.scalars(NAMES) if part.lower() in name.lower()]


def _among(rows: str, values: dict[str, Any], message: str) -> str:
    """That a message is one of these rows, if they are few; "" otherwise."""
    return f"{message} IN (SELECT m.id {rows})" if message and _are_few(rows, values) else ""


def _are_few(rows: str, values: dict[str, Any]) -> bool:
    sql = COUNT.format(rows=rows)
    known = {name: value for name, value in values.items() if f":{name}" in sql}
    return bool(db.session.scalar(bound(sql, known | {"few": FEW + 1})) <= FEW)


def _bound(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return bindparam(name, value, expanding=True)
    return bindparam(name, value, type_=UtcDateTime) if isinstance(value, datetime) else bindparam(name, value)
