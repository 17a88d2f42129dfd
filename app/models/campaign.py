"""Blind votes: campaigns, the pairs of answers that colleagues compare, and their votes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.models.lab import LabRun, LabSample
from app.models.types import UtcDateTime, utcnow


class Choice(StrEnum):
    """What a colleague chose of two answers."""

    FIRST = "first"
    SECOND = "second"
    ALIKE = "alike"


class Closed(StrEnum):
    """Why a campaign takes no more votes: the order is clear, nobody has a pair left, or an administrator said so."""

    DECIDED = "decided"
    COMPLETE = "complete"
    ENDED = "ended"


class LabCampaign(db.Model):  # type: ignore[name-defined,misc]
    """A planned comparison of models on prompts; its answers are the samples of `run`."""

    __tablename__ = "lab_campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[int] = mapped_column(ForeignKey("lab_runs.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    models: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # Tasks' ids; the run may have asked more.
    prompts: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # Why it was closed; empty while it is open.
    closed: Mapped[str] = mapped_column(String(12), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    run: Mapped[LabRun] = relationship()


class LabVote(db.Model):  # type: ignore[name-defined,misc]
    """One colleague's choice between two samples; `first` and `second` as they were shown."""

    __tablename__ = "lab_votes"
    __table_args__ = (UniqueConstraint("campaign_id", "user_id", "pair", name="uq_lab_votes_once"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("lab_campaigns.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # The two samples' ids, smaller first: one vote for each pair and person.
    pair: Mapped[str] = mapped_column(String(40))
    first_id: Mapped[int] = mapped_column(ForeignKey("lab_samples.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("lab_samples.id", ondelete="CASCADE"))
    choice: Mapped[Choice] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    first: Mapped[LabSample] = relationship(foreign_keys=first_id)
    second: Mapped[LabSample] = relationship(foreign_keys=second_id)
