"""Messages: one row each, a tree by `parent_id`."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.found import by_number
from app.models.types import UtcDateTime, utcnow

if TYPE_CHECKING:
    from app.models.conversation import Conversation
    from app.models.rating import Rating
    from app.models.run import Run
    from app.models.user import User


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class Follows(NamedTuple):
    """What a question is to follow: an answer, else the end of the shown branch."""

    parent_id: int | None = None
    # Nothing: it stands beside the first question of all.
    first: bool = False
    # It is to be the only one there, not another version of a question.
    at_end: bool = False


class Message(db.Model):  # type: ignore[name-defined,misc]
    """A question or an answer. An answer also has its run."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "client_id"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(String(10))
    content: Mapped[str] = mapped_column(Text, default="")
    thinking: Mapped[str] = mapped_column(Text, default="")
    client_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    # When a question was corrected without being asked again: what follows was written for its earlier words.
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    conversation: Mapped["Conversation"] = relationship(back_populates="messages", foreign_keys=[conversation_id])
    parent: Mapped["Message | None"] = relationship(remote_side=[id])
    run: Mapped["Run | None"] = relationship(back_populates="message", uselist=False, passive_deletes=True)
    rating: Mapped["Rating | None"] = relationship(back_populates="message", uselist=False, passive_deletes=True)

    @classmethod
    def answer_of(cls, user: "User", message_id: int) -> "Message":
        """An answer in one of this person's conversations; not_found for a missing or foreign one."""
        message = cls._of(user, message_id)
        if message is None or message.run is None:
            raise AppError("not_found")
        return message

    @classmethod
    def question_of(cls, user: "User", message_id: int) -> "Message":
        """A question in one of this person's conversations; not_found for a missing or foreign one."""
        message = cls._of(user, message_id)
        if message is None or message.role != Role.USER:
            raise AppError("not_found")
        return message

    @classmethod
    def _of(cls, user: "User", message_id: int) -> "Message | None":
        message: Message | None = by_number(cls, message_id)
        return message if message is not None and message.conversation.belongs_to(user) else None

    @classmethod
    def parent_in(cls, conversation: "Conversation", message_id: int | None) -> int | None:
        """The answer that a question there may follow; None: the last one shown. Raises unknown_parent."""
        if message_id in (None, conversation.head_id):
            return conversation.head_id
        message = db.session.get(cls, message_id)
        if message is None or message.conversation_id != conversation.id or message.role != Role.ASSISTANT:
            raise AppError("unknown_parent")
        return message.id

    def is_only(self) -> bool:
        """Of a question: whether no other one follows what it follows."""
        first = self.parent_id is None
        beside = Message.conversation_id == self.conversation_id if first else Message.parent_id == self.parent_id
        return db.session.scalar(select(Message.id).where(beside, Message.id != self.id).limit(1)) is None

    def correct(self, content: str) -> None:
        """Change a question's words without asking again, committed; noted where its earlier words were answered."""
        if content == self.content:
            return
        answered = select(Message.id).where(Message.parent_id == self.id, Message.content != "").limit(1)
        if db.session.scalar(answered) is not None:
            self.edited_at = utcnow()
        self.content = content
        db.session.commit()
