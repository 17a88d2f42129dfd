"""Runs: one for each answer, the state of writing it and what it cost."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, and_, null, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.models.types import UtcDateTime, utcnow

if TYPE_CHECKING:
    from app.models.message import Message


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
