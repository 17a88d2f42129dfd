"""Messages: one row each, a tree by `parent_id`."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.types import MAX_INTEGER, UtcDateTime, utcnow

if TYPE_CHECKING:
    from app.models.conversation import Conversation
    from app.models.run import Run
    from app.models.user import User


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


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

    conversation: Mapped["Conversation"] = relationship(back_populates="messages", foreign_keys=[conversation_id])
    parent: Mapped["Message | None"] = relationship(remote_side=[id])
    run: Mapped["Run | None"] = relationship(back_populates="message", uselist=False, passive_deletes=True)

    @classmethod
    def answer_of(cls, user: "User", message_id: int) -> "Message":
        """An answer in one of this person's conversations; not_found for a missing or foreign one."""
        message = db.session.get(cls, message_id) if message_id <= MAX_INTEGER else None
        if message is None or message.run is None or not message.conversation.belongs_to(user):
            raise AppError("not_found")
        return message
