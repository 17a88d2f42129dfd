"""The tree of a conversation's messages: versions of each other, what hangs below one, where a branch ends."""

from sqlalchemy import select

from app.errors import AppError
from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message


class Tree:
    """Ids only: a conversation's texts may be long."""

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
        """The versions of a message, itself among them, oldest first. Raises not_found for one of elsewhere."""
        if message_id not in self._parents:
            raise AppError("not_found")
        return self._children[self._parents[message_id]]

    def below(self, message_id: int) -> list[int]:
        """A message and all that hangs on it."""
        found = [message_id]
        for place in found:
            found += self._children.get(place, [])
        return found

    def newest_leaf(self, message_id: int) -> int:
        """The end of the branch that was written last below a message."""
        return max(place for place in self.below(message_id) if place not in self._children)

    def end_without(self, message_id: int) -> int | None:
        """Where the shown branch ends once a message is gone: in its newest other version, else at its parent."""
        others = [version for version in self.siblings(message_id) if version != message_id]
        return self.newest_leaf(others[-1]) if others else self._parents[message_id]
