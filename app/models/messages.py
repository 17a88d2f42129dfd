"""Messages: one row each, a tree by `parent_id`."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, and_, null, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, get_or_none, utcnow

if TYPE_CHECKING:
    from app.models.conversations import Conversation
    from app.models.users import User


MAX_REASON = 1000


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class ParentRef(NamedTuple):
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
        message: Message | None = get_or_none(cls, message_id)
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


class RunState(StrEnum):
    """`queued → running → done | stopped | interrupted | failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


ACTIVE = (RunState.QUEUED, RunState.RUNNING)
# The `attempt` of an answer that was put in as it is: its figures say nothing of this server.
WRITTEN_ELSEWHERE = 0


class Run(db.Model):  # type: ignore[name-defined,misc]
    """The writing of one answer; kept apart from the message because it changes more often."""

    __tablename__ = "runs"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    # Counts the times that this answer was begun here or gone on with: events are numbered anew in each.
    attempt: Mapped[int] = mapped_column(default=1)
    state: Mapped[RunState] = mapped_column(String(12), default=RunState.QUEUED, index=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    think: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(String(40))
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_params: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_cause: Mapped[str | None] = mapped_column(String(1000))
    metrics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    left_out: Mapped[int] = mapped_column(default=0)
    first_read: Mapped[int | None]
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    message: Mapped["Message"] = relationship(back_populates="run")

    @property
    def active(self) -> bool:
        """Whether the answer may still grow."""
        return self.state in ACTIVE

    @classmethod
    def measured_here(cls) -> ColumnElement[bool]:
        """Whether its figures are of this server: copies in other conversations have none of their own."""
        return and_(cls.attempt != WRITTEN_ELSEWHERE, cls.metrics.is_not(null()))

    @classmethod
    def active_runs(cls) -> list["Run"]:
        """Runs that some earlier process left queued or running, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.state.in_(ACTIVE)).order_by(cls.queued_at)))

    def queue_again(self, *, model: str | None = None, think: bool | None = None) -> None:
        """Prepare the same answer to go on from where it stopped; the caller commits."""
        self.state = RunState.QUEUED
        self.attempt += 1
        self.model = model or self.model
        self.think = self.think if think is None else think
        self.reason = self.error_code = self.error_params = self.error_cause = None
        self.metrics = self.finished_at = None
        self.queued_at = utcnow()


class Rating(db.Model):  # type: ignore[name-defined,misc]
    """One for each rated answer; a rating that is taken back is no row."""

    __tablename__ = "ratings"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    good: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(MAX_REASON), default="")
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    message: Mapped["Message"] = relationship(back_populates="rating")

    @classmethod
    def give(cls, answer: "Message", *, good: bool, reason: str) -> "Rating":
        """Rate an answer, or rate it anew; committed."""
        rating = db.session.merge(cls(message_id=answer.id, good=good, reason=reason, rated_at=utcnow()))
        db.session.commit()
        return rating

    @classmethod
    def take_back(cls, answer: "Message") -> None:
        """Forget what was thought of an answer; committed."""
        if answer.rating is not None:
            db.session.delete(answer.rating)
            db.session.commit()
