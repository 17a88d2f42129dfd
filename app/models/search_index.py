"""SQLite's index of all words: an FTS5 table that holds no text of its own, and the triggers that keep it true.

A question and its answer enter the index when the answer's run ends, never before: asking costs nothing more, and the
copies of a growing answer are not read again every two seconds. What is in the index is taken out and put back when it
changes, and taken out when it is deleted, also where a conversation or a person goes with all that belongs to them.
"""

# ruff: noqa: S608 - all of it is written here

ACTIVE = "('queued', 'running')"
# Which rows are in the index: FTS5 keeps each one's length in a table.
IS_INDEXED = "EXISTS (SELECT 1 FROM message_search_docsize WHERE id = {})"

# The title stands with the conversation's first message; `owner` is a word too, so that one person's rows are found
# without looking at the others'.
SOURCE = """
CREATE VIEW message_search_source AS
SELECT m.id, m.content, CASE WHEN m.parent_id IS NULL THEN c.title END AS title, 'u' || c.user_id AS owner
FROM messages m JOIN conversations c ON c.id = m.conversation_id
"""

# Prefixes of two and three letters have an index of their own: the last word of a search is being typed.
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
# The plus sign keeps SQLite from looking through the first messages of everybody.
_FIRST = "FROM messages m WHERE m.conversation_id = new.id AND +m.parent_id IS NULL AND " + IS_INDEXED.format("m.id")

TRIGGERS = {
    "search_run_made": f"AFTER INSERT ON runs WHEN new.state NOT IN {ACTIVE} BEGIN {_FINISHED} END",
    "search_run_ended": f"AFTER UPDATE OF state ON runs WHEN new.state NOT IN {ACTIVE} BEGIN {_FINISHED} END",
    # An answer that is gone on with.
    "search_run_again": f"""
AFTER UPDATE OF state ON runs WHEN new.state IN {ACTIVE} AND {IS_INDEXED.format("new.message_id")} BEGIN
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
                  WHERE a.parent_id = m.id AND runs.state IN {ACTIVE});
END""",
    # Before, because the messages find no owner any more once their conversation has gone.
    "search_conversation_deleted": f"""
BEFORE DELETE ON conversations BEGIN
  {_TAKE} SELECT 'delete', m.id, m.content, CASE WHEN m.parent_id IS NULL THEN old.title END, 'u' || old.user_id
  FROM messages m WHERE m.conversation_id = old.id AND {IS_INDEXED.format("m.id")};
END""",
}

# What there was before the index.
_FILL = f"""
{_PUT}
SELECT s.id, s.content, s.title, s.owner FROM message_search_source s
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE message_id = s.id AND state IN {ACTIVE})
"""

CREATE = (SOURCE, INDEX, *(f"CREATE TRIGGER {name} {rest}" for name, rest in TRIGGERS.items()), _FILL)
DROP = (
    *(f"DROP TRIGGER {name}" for name in TRIGGERS),
    "DROP TABLE message_search",
    "DROP VIEW message_search_source",
)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """For Alembic: the index's tables are no models, and are left alone when both are compared."""
    return not (kind == "table" and name is not None and name.startswith("message_search"))
