"""The full-text index of SQLite (FTS5): its tables and triggers, the search in it, and how erased words leave it."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from app.extensions import db
from app.models.search.backend import MESSAGES, Search, SearchQuery, SearchTerm, bound, conditions
from app.models.users import User

# From this version on FTS5 removes deleted words at once (option "secure-delete"); older ones keep them in the index
# until a merge rewrites that part.
AT_ONCE = (3, 42)
# Index pages merged in one step: each takes a few milliseconds and lets other writers in between.
PAGES = 200
COMMAND = text("INSERT INTO message_search(message_search, rank) VALUES(:command, :value)")
# ruff: noqa: S608 - all SQL is written in this package

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

_PUT = "INSERT INTO message_search(rowid, content, title, owner) "
_TAKE = "INSERT INTO message_search(message_search, rowid, content, title, owner) "
_FINISHED = f"""
  {_PUT}
  SELECT s.id, s.content, s.title, s.owner FROM message_search_source s
  WHERE s.id IN (new.message_id, (SELECT parent_id FROM messages WHERE id = new.message_id))
  AND NOT {IS_INDEXED.format("s.id")};
"""
_OLD_MESSAGE = f"""
  {_TAKE}
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
  {_TAKE} SELECT 'delete', id, content, title, owner FROM message_search_source WHERE id = new.message_id;
END""",
    "search_message_changed": f"""
AFTER UPDATE OF content, parent_id, conversation_id ON messages
WHEN {IS_INDEXED.format("old.id")} AND (new.content IS NOT old.content OR new.parent_id IS NOT old.parent_id
OR new.conversation_id IS NOT old.conversation_id AND new.parent_id IS NULL) BEGIN
  {_OLD_MESSAGE}
  {_PUT} SELECT id, content, title, owner FROM message_search_source WHERE id = new.id;
END""",
    "search_message_deleted": f"BEFORE DELETE ON messages WHEN {IS_INDEXED.format('old.id')} BEGIN {_OLD_MESSAGE} END",
    "search_title_changed": f"""
AFTER UPDATE OF title ON conversations WHEN new.title IS NOT old.title BEGIN
  {_TAKE} SELECT 'delete', m.id, m.content, old.title, 'u' || old.user_id {_FIRST};
  {_PUT} SELECT m.id, m.content, new.title, 'u' || new.user_id
  FROM messages m WHERE m.conversation_id = new.id AND +m.parent_id IS NULL AND NOT {IS_INDEXED.format("m.id")}
  AND NOT EXISTS (SELECT 1 FROM runs JOIN messages a ON a.id = runs.message_id
                  WHERE a.parent_id = m.id AND runs.state IN {UNFINISHED});
END""",
    # BEFORE, because the messages have no owner once their conversation is deleted.
    "search_conversation_deleted": f"""
BEFORE DELETE ON conversations BEGIN
  {_TAKE} SELECT 'delete', m.id, m.content, CASE WHEN m.parent_id IS NULL THEN old.title END, 'u' || old.user_id
  FROM messages m WHERE m.conversation_id = old.id AND {IS_INDEXED.format("m.id")};
END""",
}

# Fills a new index with the existing messages.
_FILL = f"""
{_PUT}
SELECT s.id, s.content, s.title, s.owner FROM message_search_source s
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE message_id = s.id AND state IN {UNFINISHED})
"""

CREATE = (SOURCE, INDEX, *(f"CREATE TRIGGER {name} {rest}" for name, rest in TRIGGERS.items()), _FILL)
DROP = (
    *(f"DROP TRIGGER {name}" for name in TRIGGERS),
    "DROP TABLE message_search",
    "DROP VIEW message_search_source",
)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tell Alembic to leave the index's tables alone, which have no models."""
    return not (kind == "table" and name is not None and name.startswith("message_search"))


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


class SqliteSearch(Search):
    """Search in the FTS5 index."""

    def prepare(self) -> None:
        """Turn on FTS5's "secure-delete" if SQLite has it, each time because SQLite may have been upgraded."""
        if sqlite3.sqlite_version_info >= AT_ONCE:
            _command("secure-delete", 1)

    def compact(self) -> None:
        """Rewrite the index without the words of erased messages, for SQLite without "secure-delete"."""
        if sqlite3.sqlite_version_info >= AT_ONCE:
            return
        # A negative number starts a merge of the whole index, positive ones continue it. A merge with nothing left to
        # do changes at most one row.
        pages = -PAGES
        while _command("merge", pages) > 1:
            pages = PAGES

    def rows(self, user: User, wanted: SearchQuery, column: str) -> Iterable[Any]:
        """See Search.rows."""
        words = " AND ".join(_matching(term) for term in wanted.terms)
        place = ROW_OF_INDEX if column == "content" else ""
        within, values = conditions(user, wanted, "messages.created_at", message=place)
        values |= {"words": f"owner : u{user.id} AND {column} : ({words})", "messages": MESSAGES}
        query = bound(INDEXED.format(conditions=within), values)
        with db.session.connection().execute(query) as rows:
            yield from rows


def _command(command: str, value: int) -> int:
    """Send a command to the FTS5 index and commit; return how many rows it changed."""
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.execute(COMMAND, {"command": command, "value": value})
    changed: int = driver.total_changes - before
    db.session.commit()
    return changed


def _matching(term: SearchTerm) -> str:
    """Return the FTS5 expression of a term, with both spellings of œ, which FTS5 does not take for "oe"."""
    said = " ".join(term.words)
    spellings = dict.fromkeys((said, said.replace("oe", "œ"), said.replace("œ", "oe")))
    return "(" + " OR ".join(f'"{spelling}"' + ("*" if term.begins else "") for spelling in spellings) + ")"
