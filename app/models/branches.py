"""The tree of a conversation's messages: find versions and branches, remove, restore and copy parts of it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select, update

from app.errors import AppError
from app.extensions import db
from app.models.attachments import copy_links
from app.models.base import insert_one, public_id, utcnow
from app.models.conversations import Conversation, derive_title
from app.models.messages import INSERT_MESSAGE, INSERT_RUN, Message
from app.models.shares import Share

# Columns that a conversation made from another one does not copy.
OWN = {"id", "head_id", "pinned", "archived", "created_at", "updated_at", "deleted_at"}


class MessageTree:
    """The tree by ids only, because a conversation's texts may be long."""

    def __init__(self, conversation: Conversation) -> None:
        rows = db.session.execute(
            select(Message.id, Message.parent_id).where(Message.conversation_id == conversation.id).order_by(Message.id)
        )
        self._parents: dict[int, int | None] = {}
        self._children: dict[int | None, list[int]] = {}
        for message_id, parent_id in rows:
            self._parents[message_id] = parent_id
            self._children.setdefault(parent_id, []).append(message_id)

    def siblings(self, message_id: int) -> list[int]:
        """Return the ids of a message's versions, oldest first; raises not_found for another conversation's message."""
        if message_id not in self._parents:
            raise AppError("not_found")
        return self._children[self._parents[message_id]]

    def below(self, message_id: int) -> list[int]:
        """Return the ids of a message and all its descendants."""
        found = [message_id]
        for place in found:
            found += self._children.get(place, [])
        return found

    def newest_leaf(self, message_id: int) -> int:
        """Return the newest message at or below this one that has no children."""
        return max(place for place in self.below(message_id) if place not in self._children)

    def end_without(self, message_id: int) -> int | None:
        """Return the end of the shown branch once a message is removed.

        That is the newest leaf of its newest other version, else its parent.
        """
        others = [version for version in self.siblings(message_id) if version != message_id]
        return self.newest_leaf(others[-1]) if others else self._parents[message_id]


def show_branch(conversation: Conversation, message_id: int) -> None:
    """Show the newest branch that contains a message; commits. Raises not_found."""
    tree = MessageTree(conversation)
    tree.siblings(message_id)
    conversation.head_id = tree.newest_leaf(message_id)
    db.session.commit()


def remove_turn(question: Message) -> Conversation:
    """Remove a question with all its descendants; commits. Returns them as a new, deleted conversation.

    So they are restored and erased as deleted conversations are, and searches do not find them.
    """
    conversation, tree = question.conversation, MessageTree(question.conversation)
    gone = tree.below(question.id)
    title = derive_title(question.content) if question.parent_id else conversation.title
    removed = _like(conversation, title=title, deleted_at=utcnow())
    removed.head_id = tree.newest_leaf(question.id)
    if conversation.head_id in gone:
        removed.head_id = conversation.head_id
        conversation.head_id = tree.end_without(question.id)
    if conversation.head_id is None:
        # The conversation is empty now: its next question gives it a title.
        conversation.title = ""
        Share.end_all(conversation.id)
    db.session.flush()
    _move(Message.id == question.id, removed, parent_id=None)
    _move(Message.id.in_(gone), removed)
    db.session.commit()
    return removed


def restore_turn(conversation: Conversation, removed: Conversation, parent_id: int | None) -> None:
    """Put a removed turn back under an answer, or at the beginning (`parent_id` None), and show it; commits.

    Raises not_found if `removed` was not removed; unknown_parent.
    """
    if removed.deleted_at is None or removed.head_id is None:
        raise AppError("not_found")
    if parent_id is not None:
        Message.parent_in(conversation, parent_id)
    conversation.head_id = removed.head_id
    conversation.title = conversation.title or removed.title
    db.session.flush()
    taken = Message.conversation_id == removed.id
    _move(and_(taken, Message.parent_id.is_(None)), conversation, parent_id=parent_id)
    _move(taken, conversation)
    db.session.execute(delete(Conversation).where(Conversation.id == removed.id))
    db.session.commit()


def copy_branch(answer: Message) -> Conversation:
    """Copy the branch up to an answer into a new conversation; commits.

    The copied runs have no metrics and no ratings, because nothing was generated for them.
    """
    conversation = answer.conversation
    # Keeps the date of creation, because searches by date use it to find its old messages.
    made = _like(conversation, title=conversation.title, created_at=conversation.created_at)
    places: dict[int | None, int | None] = {None: None}
    connection = db.session.connection()
    for message in conversation.path_to(answer.id):
        values = _columns(message, without={"id", "client_id"})
        values |= {"conversation_id": made.id, "parent_id": places[message.parent_id]}
        places[message.id] = insert_one(connection, INSERT_MESSAGE, values)
        if message.run is not None:
            run = _columns(message.run, without={"metrics"})
            run |= {"message_id": places[message.id], "first_read": places.get(run["first_read"])}
            connection.execute(INSERT_RUN, run)
    copy_links({old: new for old, new in places.items() if old and new})
    made.head_id = places[answer.id]
    db.session.commit()
    return made


def _like(conversation: Conversation, **values: Any) -> Conversation:
    """Add a conversation of the same user with the same settings; flushed, the caller commits."""
    made = Conversation(**_columns(conversation, without=OWN) | {"id": public_id(), "head_id": None} | values)
    db.session.add(made)
    db.session.flush()
    return made


def _columns(row: Any, without: set[str]) -> dict[str, Any]:
    names = {attribute.key for attribute in row.__mapper__.column_attrs}
    return {name: getattr(row, name) for name in names - without}


def _move(which: ColumnElement[bool], conversation: Conversation, **values: Any) -> None:
    """Move messages to another conversation, without their `client_id`, which may already exist there.

    One statement changes conversation and parent, because the search index depends on both.
    """
    values |= {"conversation_id": conversation.id, "client_id": None}
    db.session.execute(update(Message).where(which).values(values))
