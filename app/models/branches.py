"""Branches of a conversation: showing another one, taking a turn out and putting it back, copying one."""

from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, update

from app.errors import AppError
from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.run import Run
from app.models.share import Share
from app.models.titles import title_from
from app.models.tree import Tree
from app.models.types import insert_one, public_id, utcnow

# What a conversation made from another one does not take over.
OWN = {"id", "head_id", "pinned", "archived", "created_at", "updated_at", "deleted_at"}
INSERT_MESSAGE = insert(Message.__table__)
INSERT_RUN = insert(Run.__table__)


def show(conversation: Conversation, message_id: int) -> None:
    """Show the branch of a message down to its newest end, committed. Raises not_found."""
    tree = Tree(conversation)
    tree.siblings(message_id)
    conversation.head_id = tree.newest_leaf(message_id)
    db.session.commit()


def take_out(question: Message) -> Conversation:
    """Take a question out with all that hangs on it, committed; what was taken out, as a deleted conversation.

    So it is kept and erased as deleted conversations are, and nothing that looks for messages finds it.
    """
    conversation, tree = question.conversation, Tree(question.conversation)
    gone = tree.below(question.id)
    title = title_from(question.content) if question.parent_id else conversation.title
    removed = _like(conversation, title=title, deleted_at=utcnow())
    removed.head_id = tree.newest_leaf(question.id)
    if conversation.head_id in gone:
        removed.head_id = conversation.head_id
        conversation.head_id = tree.end_without(question.id)
    if conversation.head_id is None:
        # Nothing is left: its next question names it.
        conversation.title = ""
        Share.end_all(conversation.id)
    db.session.flush()
    _move(Message.id == question.id, removed, parent_id=None)
    _move(Message.id.in_(gone), removed)
    db.session.commit()
    return removed


def put_back(conversation: Conversation, removed: Conversation, parent_id: int | None) -> None:
    """Hang what was taken out on an answer again, or at the beginning, and show it, committed.

    Raises not_found for what was not taken out, unknown_parent.
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


def copy(answer: Message) -> Conversation:
    """A new conversation with the branch up to an answer, committed.

    The copies of the runs are without figures and ratings: nothing was written for them.
    """
    conversation = answer.conversation
    # What it begins with was said then: it is looked for by its dates.
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
    made.head_id = places[answer.id]
    db.session.commit()
    return made


def _like(conversation: Conversation, **values: Any) -> Conversation:
    """A new conversation of the same person, with the same settings."""
    made = Conversation(**_columns(conversation, without=OWN) | {"id": public_id(), "head_id": None} | values)
    db.session.add(made)
    db.session.flush()
    return made


def _columns(row: Any, without: set[str]) -> dict[str, Any]:
    names = {attribute.key for attribute in row.__mapper__.column_attrs}
    return {name: getattr(row, name) for name in names - without}


def _move(which: ColumnElement[bool], conversation: Conversation, **values: Any) -> None:
    """Into another conversation; by what a repeated question was known there it could be in the way here.

    What is indexed of a message goes by its conversation and its parent: they change in one statement.
    """
    values |= {"conversation_id": conversation.id, "client_id": None}
    db.session.execute(update(Message).where(which).values(values))
