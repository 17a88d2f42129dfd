"""Messages, which form a tree by `parent_id`, and the runs that write answers."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, bindparam, insert, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, get_or_none, insert_one, utcnow

if TYPE_CHECKING:
    from app.models.conversations import Conversation
    from app.models.ratings import Rating
    from app.models.users import User


class Role(StrEnum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


class ParentRef(NamedTuple):
    """What a question follows: the answer `parent_id`, by default the end of the shown branch."""

    parent_id: int | None = None
    # It follows nothing: it is another version of the conversation's first question.
    first: bool = False
    # Refuse it if another question follows the same answer.
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
    # What the model reads before a question's words: the text of documents. Stored, so that its bytes never change.
    attached: Mapped[str] = mapped_column(Text, default="", server_default="")
    thinking: Mapped[str] = mapped_column(Text, default="")
    client_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    # When a question was edited without a new answer: the messages below it are about its earlier text.
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    conversation: Mapped["Conversation"] = relationship(foreign_keys=[conversation_id])
    parent: Mapped["Message | None"] = relationship(remote_side=[id])
    run: Mapped["Run | None"] = relationship(back_populates="message", uselist=False, passive_deletes=True)
    rating: Mapped["Rating | None"] = relationship(back_populates="message", uselist=False, passive_deletes=True)

    @classmethod
    def add(cls, conversation: "Conversation", parent_id: int | None, **values: Any) -> "Message":
        """Insert a message and return it; the caller commits.

        One statement, and an object that the session does not know: a flush of a table that refers to itself takes
        several times as long. So what is changed in this object later is not stored.
        """
        values = {"content": "", "attached": "", "thinking": "", "client_id": None, "created_at": utcnow()} | values
        values |= {"conversation_id": conversation.id, "parent_id": parent_id}
        message_id = insert_one(db.session.connection(), INSERT_MESSAGE, values)
        return cls(id=message_id, conversation=conversation, **values)

    def add_run(self, **values: Any) -> None:
        """Insert the run that writes this answer, as `add` does; the caller commits."""
        values |= {"message_id": self.id, "attempt": 1, "left_out": 0, "queued_at": utcnow()}
        db.session.connection().execute(INSERT_RUN, values)
        self.run = Run(**values)

    @classmethod
    def of(cls, user: "User", message_id: int, role: Role) -> "Message":
        """Return a question or an answer in the user's conversations; raises not_found."""
        # In one statement, as another request may delete the conversation between two.
        message: Message | None = get_or_none(cls, message_id, options=[joinedload(cls.conversation)])
        if message is None or message.role != role or not message.conversation.belongs_to(user):
            raise AppError("not_found")
        return message

    @classmethod
    def parent_in(cls, conversation: "Conversation", message_id: int | None) -> int | None:
        """Return the id of the answer to follow, None: the shown branch's end. Raises unknown_parent."""
        if message_id in (None, conversation.head_id):
            return conversation.head_id
        message = db.session.get(cls, message_id)
        if message is None or message.conversation_id != conversation.id or message.role != Role.ASSISTANT:
            raise AppError("unknown_parent")
        return message.id

    def is_only(self) -> bool:
        """Return True if no other question follows the same answer."""
        statement = OTHER_BEGINNING if self.parent_id is None else OTHER_FOLLOWER
        values = {"conversation": self.conversation_id, "parent": self.parent_id, "own": self.id}
        return db.session.connection().scalar(statement, values) is None

    def correct(self, content: str) -> None:
        """Edit a question without a new answer; commits. Sets `edited_at` if its earlier text has been answered."""
        if content == self.content:
            return
        answered = select(Message.id).where(Message.parent_id == self.id, Message.content != "").limit(1)
        if db.session.scalar(answered) is not None:
            self.edited_at = utcnow()
        self.content = content
        db.session.commit()


class RunState(StrEnum):
    """States of a run: `queued → running → done | stopped | interrupted | failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


ACTIVE = (RunState.QUEUED, RunState.RUNNING)
# The `attempt` of an imported answer, whose metrics are not of this server.
WRITTEN_ELSEWHERE = 0


class Run(db.Model):  # type: ignore[name-defined,misc]
    """The writing of one answer; a table of its own because it changes more often than the message."""

    __tablename__ = "runs"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    # Number of times that this answer was begun or resumed here; the events of each are numbered from 1.
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
    # Names of the documents of earlier questions that the prompt no longer had.
    unread: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    # What was found by comparing the answer with the passages that it was to be written from.
    sources: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    message: Mapped["Message"] = relationship(back_populates="run")

    @property
    def active(self) -> bool:
        """True while the answer may still grow."""
        return self.state in ACTIVE

    @classmethod
    def measured_here(cls) -> ColumnElement[bool]:
        """Return the condition that a run's metrics are of this server; copies of answers have none."""
        return (cls.attempt != WRITTEN_ELSEWHERE) & cls.metrics.is_not(None)

    @classmethod
    def active_runs(cls) -> list["Run"]:
        """Return the runs that are queued or running, oldest first; at the start, an earlier process left them."""
        return list(db.session.scalars(select(cls).where(cls.state.in_(ACTIVE)).order_by(cls.queued_at)))

    def queue_again(self, model: str) -> None:
        """Reset the run so that the same answer can be continued; the caller commits."""
        self.state = RunState.QUEUED
        self.attempt += 1
        self.model = model
        self.reason = self.error_code = self.error_params = self.error_cause = None
        self.metrics = self.finished_at = None
        self.queued_at = utcnow()


INSERT_MESSAGE = insert(Message.__table__)
INSERT_RUN = insert(Run.__table__)
_OTHERS = select(Message.id).where(Message.id != bindparam("own")).limit(1)
OTHER_BEGINNING = _OTHERS.where(Message.conversation_id == bindparam("conversation"))
OTHER_FOLLOWER = _OTHERS.where(Message.parent_id == bindparam("parent"))
