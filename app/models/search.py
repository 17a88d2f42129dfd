"""Full-text search in a user's conversations: what every database can do, and SQLite's index (FTS5)."""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, bindparam, select, text

from app.extensions import db
from app.models.base import UtcDateTime
from app.models.conversations import Conversation
from app.models.messages import Message
from app.models.users import User
from app.models.word_forms import contains, forms, normalize, spellings

# A filter that lets at most this many rows through is applied before the words are searched; with more rows, the search
# meets enough of them soon.
FEW_ROWS = 20_000
# Conversations in one result.
MAX_HITS = 20
# Messages read to find them, because one long conversation may hold all the newest.
MAX_MESSAGES = 20_000
# From this version on FTS5 removes deleted words at once (option "secure-delete"); older ones keep them in the index
# until a merge rewrites that part.
SECURE_DELETE_SINCE = (3, 42)
# Index pages merged in one step: each takes a few milliseconds and lets other writers in between.
PAGES = 200
LOG_WAIT_MS = 1000
# All indexes of words: of messages, and of passages of files.
INDEXES = ("message_search", "passage_search")
INDEX_COMMAND = "INSERT INTO {index}({index}, rank) VALUES(:command, :value)"
# ruff: noqa: S608 - all SQL is written in this module


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """Words that follow each other, of letters and digits only; `begins`: the last one is a prefix.

    A single word stands for its other forms too, such as its plural, unless `exact`.
    """

    words: tuple[str, ...]
    begins: bool = False
    exact: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """The normalized words or phrases that count as this one; the first is this one itself."""
        if self.exact or len(self.words) > 1:
            return (normalize(" ".join(self.words)),)
        return forms(self.words[0].lower())

    def spellings(self) -> list[str]:
        """Return all that texts may have for it, without accents."""
        first, *others = self.forms
        found = [*spellings(first), *others, *(each.replace("oe", "œ") for each in others)]
        return list(dict.fromkeys(found))


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
        """Remove what erased texts left outside their rows: in the index, and in the database's log."""

    def find(self, user: User, wanted: SearchQuery) -> list[Hit]:
        """Return at most `MAX_HITS` conversations, those with the words in their title first, the latest first."""
        if not wanted.terms:
            within = bind(*conditions(user, wanted, "conversations.updated_at"))
            query = select(Conversation).where(within, Conversation.head_id.is_not(None))
            query = query.order_by(Conversation.updated_at.desc()).limit(MAX_HITS)
            return [Hit(conversation) for conversation in db.session.scalars(query)]
        by_title = _first_of_each(self.rows(user, wanted, "title"))
        by_text = _first_of_each(self.rows(user, wanted, "content"))
        # For a hit in the title, prefer a message that also has the words to the first one, with which the title is
        # indexed.
        found = {conversation: by_text.get(conversation, message) for conversation, message in by_title.items()}
        return _hits(dict(list((found | by_text).items())[:MAX_HITS]), by_title)

    def rows(self, user: User, wanted: SearchQuery, column: str) -> Iterable[Any]:
        """Yield up to MAX_MESSAGES ids of messages and of their conversations, the newest first.

        `column`: where all terms must be, "title" or "content".
        """
        query = select(Message.id, Message.conversation_id).join(Message.conversation)
        place = "messages.id" if column == "content" else ""
        query = query.where(bind(*conditions(user, wanted, "messages.created_at", message=place)))
        searched = Conversation.title if column == "title" else Message.content
        for term in wanted.terms:
            query = query.where(contains(searched, term.spellings()))
        yield from db.session.execute(query.order_by(Message.id.desc()).limit(MAX_MESSAGES))


def _first_of_each(rows: Iterable[Any]) -> dict[str, int]:
    """Return up to MAX_HITS conversation ids, each with the id of its newest message found."""
    found: dict[str, int] = {}
    for message_id, conversation_id in rows:
        if len(found) >= MAX_HITS:
            break
        found.setdefault(conversation_id, message_id)
    return found


def _hits(found: dict[str, int], titled: dict[str, int]) -> list[Hit]:
    """Load the rows, in the same order; leaves out what was erased meanwhile."""
    conversations, messages = _by_id(Conversation, found), _by_id(Message, found.values())
    return [
        Hit(conversations[conversation_id], messages.get(message_id), conversation_id in titled)
        for conversation_id, message_id in found.items()
        if conversation_id in conversations
    ]


def _by_id(rows: Any, ids: Collection[Any]) -> dict[Any, Any]:
    return {row.id: row for row in db.session.scalars(select(rows).where(rows.id.in_(ids)))}


# The filters

# The model names in the index of runs, in one step each, however many runs there are.
MODEL_NAMES = text("""
WITH RECURSIVE names(name) AS (
  SELECT min(model) FROM runs
  UNION ALL SELECT (SELECT min(model) FROM runs WHERE model > names.name) FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL
""")
COUNT = "SELECT count(*) FROM (SELECT 1 {rows} LIMIT :few) AS found"

RUNS_OF_MODELS = "FROM runs WHERE model IN :models"
# Answers `a` of these models: looked up answer by answer, or read run by run.
BY_ANSWER = "FROM messages a CROSS JOIN runs r WHERE r.message_id = a.id AND r.model IN :models"
BY_RUN = "FROM runs r JOIN messages a ON a.id = r.message_id WHERE r.model IN :models"
# Conditions on a message and on a conversation as a whole; the key is whether the filter lets few rows through.
MODEL_OF_MESSAGE = {
    True: f"{{place}} IN (SELECT a.id {BY_RUN} UNION ALL SELECT a.parent_id {BY_RUN})",
    False: f"EXISTS (SELECT 1 {BY_ANSWER} AND (a.id = messages.id OR a.parent_id = messages.id))",
}
MODEL_OF_CONVERSATION = {
    True: f"conversations.id IN (SELECT a.conversation_id {BY_RUN})",
    False: f"EXISTS (SELECT 1 {BY_ANSWER} AND a.conversation_id = conversations.id)",
}
# `which`: a condition on conversations.
MESSAGES_OF = "FROM conversations c JOIN messages m ON m.conversation_id = c.id WHERE c.user_id = :user AND {which}"
# The first or last of these messages, by one step in an index for each conversation; {other} if there is none.
END_OF = (
    "(SELECT coalesce({end}((SELECT {end}(id) FROM messages WHERE conversation_id = c.id)), {other})"
    " FROM conversations c WHERE c.user_id = :user AND {which})"
)
IN_FOLDERS = "c.folder_id IN :folders"
# A conversation's messages date from between its creation and its last change.
DATES = {"since": (">=", "c.updated_at >= :since"), "until": ("<", "c.created_at < :until")}


def conditions(
    user: User, wanted: SearchQuery, moment: str, *, message: str = "", row: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return the SQL condition on `messages` and `conversations` with its values; `moment`: the column of the dates.

    `message`: SQL of the message's id; "" for a condition on the conversation as a whole. `row`: SQL of an id of which
    an index can read a range.
    """
    found = ["conversations.user_id = :user", "conversations.deleted_at IS NULL"]
    values: dict[str, Any] = {"user": user.id}
    if wanted.model is not None:
        values["models"] = _models_like(wanted.model)
        form = MODEL_OF_MESSAGE if message else MODEL_OF_CONVERSATION
        found.append(form[_are_few(RUNS_OF_MODELS, values)].format(place=message))
    if wanted.folders is not None:
        values["folders"] = list(wanted.folders)
        found += ["conversations.folder_id IN :folders", *_in_conversations(IN_FOLDERS, values, message, row)]
    dates = {name: date for name in DATES if (date := getattr(wanted, name)) is not None}
    if dates:
        values |= dates
        found += [f"{moment} {DATES[name][0]} :{name}" for name in dates]
        found += _in_conversations(" AND ".join(DATES[name][1] for name in dates), values, message, row)
    return " AND ".join(found), values


def bind(sql: str, values: dict[str, Any]) -> TextClause:
    """Return SQL with its values bound: lists for IN, dates as the columns store them."""
    return text(sql).bindparams(*(_parameter(name, value) for name, value in values.items()))


def _models_like(part: str) -> list[str]:
    """Return the names of models that contain this part, in any case."""
    return [name for name in db.session.scalars(MODEL_NAMES) if part.lower() in name.lower()]


def _in_conversations(which: str, values: dict[str, Any], message: str, row: str) -> list[str]:
    """Return the conditions that a message is of these conversations: its row in a range, and one of theirs if few."""
    found = []
    if row:
        first, last = END_OF.format(end="min", other=1, which=which), END_OF.format(end="max", other=0, which=which)
        found.append(f"{row} BETWEEN {first} AND {last}")
    rows = MESSAGES_OF.format(which=which)
    if message and _are_few(rows, values):
        found.append(f"{message} IN (SELECT m.id {rows})")
    return found


def _are_few(rows: str, values: dict[str, Any]) -> bool:
    sql = COUNT.format(rows=rows)
    known = {name: value for name, value in values.items() if f":{name}" in sql}
    return bool(db.session.scalar(bind(sql, known | {"few": FEW_ROWS + 1})) <= FEW_ROWS)


def _parameter(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return bindparam(name, value, expanding=True)
    return bindparam(name, value, type_=UtcDateTime) if isinstance(value, datetime) else bindparam(name, value)


# The index: a view, an FTS5 table on it, and the triggers that keep it current

UNFINISHED = "('queued', 'running')"
# The condition that a row is in the index: FTS5 keeps each row's length in a table.
IS_INDEXED = "EXISTS (SELECT 1 FROM message_search_docsize WHERE id = {})"

# The conversation's title is indexed with its first message. `owner` is indexed as a word, so that a search reads only
# one user's rows.
SOURCE = """
CREATE VIEW message_search_source AS
SELECT m.id, m.content, CASE WHEN m.parent_id IS NULL THEN c.title END AS title, 'u' || c.user_id AS owner
FROM messages m JOIN conversations c ON c.id = m.conversation_id
"""

# Prefixes of two and three letters have their own index, because the last word of a search is still being typed.
INDEX = """
CREATE VIRTUAL TABLE message_search USING fts5(
  content, title, owner, content='message_search_source', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='2 3'
)
"""

_INSERT = "INSERT INTO message_search(rowid, content, title, owner) "
_DELETE = "INSERT INTO message_search(message_search, rowid, content, title, owner) "
_FINISHED = f"""
  {_INSERT}
  SELECT s.id, s.content, s.title, s.owner FROM message_search_source s
  WHERE s.id IN (new.message_id, (SELECT parent_id FROM messages WHERE id = new.message_id))
  AND NOT {IS_INDEXED.format("s.id")};
"""
_OLD_MESSAGE = f"""
  {_DELETE}
  SELECT 'delete', old.id, old.content, CASE WHEN old.parent_id IS NULL THEN title END, 'u' || user_id
  FROM conversations WHERE id = old.conversation_id;
"""
# The plus sign keeps SQLite from reading the first messages of all users.
_FIRST = "FROM messages m WHERE m.conversation_id = new.id AND +m.parent_id IS NULL AND " + IS_INDEXED.format("m.id")

TRIGGERS = {
    "search_run_made": f"AFTER INSERT ON runs WHEN new.state NOT IN {UNFINISHED} BEGIN {_FINISHED} END",
    "search_run_ended": f"AFTER UPDATE OF state ON runs WHEN new.state NOT IN {UNFINISHED} BEGIN {_FINISHED} END",
    # An answer that is continued leaves the index until it ends.
    "search_run_again": f"""
AFTER UPDATE OF state ON runs WHEN new.state IN {UNFINISHED} AND {IS_INDEXED.format("new.message_id")} BEGIN
  {_DELETE} SELECT 'delete', id, content, title, owner FROM message_search_source WHERE id = new.message_id;
END""",
    "search_message_changed": f"""
AFTER UPDATE OF content, parent_id, conversation_id ON messages
WHEN {IS_INDEXED.format("old.id")} AND (new.content IS NOT old.content OR new.parent_id IS NOT old.parent_id
OR new.conversation_id IS NOT old.conversation_id AND new.parent_id IS NULL) BEGIN
  {_OLD_MESSAGE}
  {_INSERT} SELECT id, content, title, owner FROM message_search_source WHERE id = new.id;
END""",
    "search_message_deleted": f"BEFORE DELETE ON messages WHEN {IS_INDEXED.format('old.id')} BEGIN {_OLD_MESSAGE} END",
    "search_title_changed": f"""
AFTER UPDATE OF title ON conversations WHEN new.title IS NOT old.title BEGIN
  {_DELETE} SELECT 'delete', m.id, m.content, old.title, 'u' || old.user_id {_FIRST};
  {_INSERT} SELECT m.id, m.content, new.title, 'u' || new.user_id
  FROM messages m WHERE m.conversation_id = new.id AND +m.parent_id IS NULL AND NOT {IS_INDEXED.format("m.id")}
  AND NOT EXISTS (SELECT 1 FROM runs JOIN messages a ON a.id = runs.message_id
                  WHERE a.parent_id = m.id AND runs.state IN {UNFINISHED});
END""",
    # BEFORE, because the messages have no owner once their conversation is deleted.
    "search_conversation_deleted": f"""
BEFORE DELETE ON conversations BEGIN
  {_DELETE} SELECT 'delete', m.id, m.content, CASE WHEN m.parent_id IS NULL THEN old.title END, 'u' || old.user_id
  FROM messages m WHERE m.conversation_id = old.id AND {IS_INDEXED.format("m.id")};
END""",
}

# Fills a new index with the existing messages.
_FILL = f"""
{_INSERT}
SELECT s.id, s.content, s.title, s.owner FROM message_search_source s
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE message_id = s.id AND state IN {UNFINISHED})
"""

CREATE = (SOURCE, INDEX, *(f"CREATE TRIGGER {name} {rest}" for name, rest in TRIGGERS.items()), _FILL)
DROP = (*(f"DROP TRIGGER {name}" for name in TRIGGERS), "DROP TABLE message_search", "DROP VIEW message_search_source")


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tell Alembic to leave the tables of the indexes alone, which have no models."""
    return not (kind == "table" and name is not None and name.startswith(INDEXES))


# The search

# CROSS JOIN makes SQLite read the index first: it gives the newest rows first, and reading can stop early.
INDEXED = """
SELECT messages.id, messages.conversation_id FROM message_search s
CROSS JOIN messages ON messages.id = s.rowid
CROSS JOIN conversations ON conversations.id = messages.conversation_id
WHERE s.message_search MATCH :words AND {conditions} ORDER BY s.rowid DESC LIMIT :messages
"""
# Compared before the message's row is read.
ROW_OF_INDEX = "+s.rowid"
# The index begins and ends reading there.
ROW_RANGE = "s.rowid"


class SqliteSearch(Search):
    """Search in the FTS5 index."""

    def prepare(self) -> None:
        """Turn on FTS5's "secure-delete" if SQLite has it, each time because SQLite may have been upgraded."""
        if sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE:
            for index in INDEXES:
                _command_index(index, "secure-delete", 1)

    def compact(self) -> None:
        """Rewrite the indexes without the words of erased texts where SQLite has no "secure-delete"; empty the log.

        The write-ahead log holds pages as they were before; it is emptied unless somebody reads or writes for longer
        than LOG_WAIT_MS, and then at the next erasure or stop.
        """
        if sqlite3.sqlite_version_info < SECURE_DELETE_SINCE:
            # A negative number starts a merge of the whole index, positive ones continue it. A merge with nothing left
            # to do changes at most one row.
            for index in INDEXES:
                pages = -PAGES
                while _command_index(index, "merge", pages) > 1:
                    pages = PAGES
        connection = db.session.connection()
        (usual,) = connection.exec_driver_sql("PRAGMA busy_timeout").one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={LOG_WAIT_MS}")
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={usual}")
            db.session.commit()

    def rows(self, user: User, wanted: SearchQuery, column: str) -> Iterable[Any]:
        """See Search.rows."""
        words = " AND ".join(matching(term) for term in wanted.terms)
        place = ROW_OF_INDEX if column == "content" else ""
        within, values = conditions(user, wanted, "messages.created_at", message=place, row=ROW_RANGE)
        values |= {"words": f"owner : u{user.id} AND {column} : ({words})", "messages": MAX_MESSAGES}
        query = bind(INDEXED.format(conditions=within), values)
        with db.session.connection().execute(query) as rows:
            yield from rows


def _command_index(index: str, command: str, value: int) -> int:
    """Send a command to an FTS5 index and commit; return how many rows it changed."""
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.execute(text(INDEX_COMMAND.format(index=index)), {"command": command, "value": value})
    changed: int = driver.total_changes - before
    db.session.commit()
    return changed


def matching(term: SearchTerm) -> str:
    """Return the FTS5 expression of a term: any of its spellings; the first form may be only a beginning."""
    beginnings = spellings(term.forms[0]) if term.begins else []
    phrases = (f'"{each}"' + ("*" if each in beginnings else "") for each in term.spellings())
    return "(" + " OR ".join(phrases) + ")"


# Database dialect → its index; other databases compare texts. For PostgreSQL, a subclass with tsvector goes here.
BACKENDS: dict[str, type[Search]] = {"sqlite": SqliteSearch}


def search() -> Search:
    """Return the search of the database in use."""
    return BACKENDS.get(db.engine.dialect.name, Search)()
