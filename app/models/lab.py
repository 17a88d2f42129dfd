"""The Labo's tables: machines, measuring runs and their samples, labels of models, campaigns and votes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.models.base import UtcDateTime, utcnow


class LabState(StrEnum):
    """States of a run: `queued → running → done | cancelled | failed`; `interrupted` if the server
    stopped meanwhile.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


# States of a run that is not over.
ACTIVE = (LabState.QUEUED, LabState.RUNNING)


class SampleState(StrEnum):
    """States of a sample: `waiting → done | failed`; each sample is committed when it ends."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class SampleKind(StrEnum):
    """What a sample measures; its `prompt` is then: cold/warm, tokens to read, a task's id, simultaneous users."""

    LOAD = "load"
    READING = "reading"
    TASK = "task"
    CROWD = "crowd"


class Verdict(StrEnum):
    """The grade of an answer: réussi, réserve, échec."""

    PASSED = "passed"
    RESERVE = "reserve"
    FAILED = "failed"


# The score of a verdict that comes without one, e.g. from a person.
WORTH = {Verdict.PASSED: 1.0, Verdict.RESERVE: 0.5, Verdict.FAILED: 0.0}

# The mean scores, of 100, with which a model may answer from passages: as for what a label calls it good at. Below it,
# more than one answer in five would be wrong or made up, and nobody can tell which without reading the passages.
PROVEN = 80


def is_proven(reading: int | None, abstention: int | None) -> bool:
    """True if a model with these mean scores may answer from passages."""
    return (reading or 0) >= PROVEN and (abstention or 0) >= PROVEN


class LabMachine(db.Model):  # type: ignore[name-defined,misc]
    """A machine on which samples were taken; `description`: its detected hardware.

    `source`: who measured by hand.
    """

    __tablename__ = "lab_machines"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Equal for the same hardware, limits and kind of engine.
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Empty for what this program measured.
    source: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class LabRun(db.Model):  # type: ignore[name-defined,misc]
    """One measuring run. `plan`: see `app/lab/measuring/plan.py`; `models`: name → what the engine reports of it."""

    __tablename__ = "lab_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("lab_machines.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    title: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[LabState] = mapped_column(String(12), default=LabState.QUEUED, index=True)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # {"name", "label", "version"}
    engine: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    models: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_cause: Mapped[str | None] = mapped_column(String(1000))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    machine: Mapped[LabMachine] = relationship()
    samples: Mapped[list["LabSample"]] = relationship(
        back_populates="run", order_by="LabSample.position", passive_deletes=True
    )


class LabSample(db.Model):  # type: ignore[name-defined,misc]
    """One measurement. A disturbed one is kept and marked; another with the same `position` replaces it."""

    __tablename__ = "lab_samples"
    __table_args__ = (Index("ix_lab_samples_run", "run_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("lab_runs.id", ondelete="CASCADE"))
    # Its index in the randomised order.
    position: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=1)
    kind: Mapped[SampleKind] = mapped_column(String(12))
    model: Mapped[str] = mapped_column(String(200), index=True)
    # {"think", "threads", "context", "temperature"}; 0 or null: as the server is set
    setting: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    prompt: Mapped[str] = mapped_column(String(80))
    repeat: Mapped[int] = mapped_column(default=1)
    # Counted separately: the first ones warm up the caches.
    warmup: Mapped[bool] = mapped_column(default=False)
    state: Mapped[SampleState] = mapped_column(String(12), default=SampleState.WAITING)
    disturbed: Mapped[bool] = mapped_column(default=False)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # CPU and RAM over time: [[seconds, engine CPU %, machine CPU %, engine RAM bytes], …]
    series: Mapped[list[Any]] = mapped_column(JSON, default=list)
    question: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    thinking: Mapped[str] = mapped_column(Text, default="")
    # The result of the grading: see `app/lab/grading/checks.py`
    verdict: Mapped[Verdict | None] = mapped_column(String(12))
    score: Mapped[float | None]
    judgement: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # A person's verdict, which replaces the graded one.
    overruled: Mapped[Verdict | None] = mapped_column(String(12))
    overruled_note: Mapped[str] = mapped_column(String(1000), default="")
    overruled_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_cause: Mapped[str | None] = mapped_column(String(1000))
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    run: Mapped[LabRun] = relationship(back_populates="samples")

    @property
    def final_verdict(self) -> Verdict | None:
        """The verdict that counts: a person's, else the graded one."""
        return self.overruled or self.verdict


class LabLabel(db.Model):  # type: ignore[name-defined,misc]
    """A model's label on this server, shown in the chat; rewritten when the measurements change."""

    __tablename__ = "lab_labels"

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    # The energy class, A to F; empty if unknown or if the model failed.
    letter: Mapped[str] = mapped_column(String(1), default="")
    # Seconds to answer a mail of ten lines.
    mail_s: Mapped[int | None]
    ram_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # Categories of tasks, the best first.
    good_at: Mapped[list[str]] = mapped_column(JSON, default=list)
    # Mean scores of 100 for answers from passages, and for not inventing what is not there; None with too few tasks.
    reading: Mapped[int | None]
    abstention: Mapped[int | None]

    @classmethod
    def by_model(cls) -> dict[str, "LabLabel"]:
        """Return all labels by the model's name."""
        return {label.model: label for label in db.session.scalars(select(cls))}

    @property
    def proven(self) -> bool:
        """True if the model answers from passages well enough, and says when the answer is not there."""
        return is_proven(self.reading, self.abstention)


class VoteChoice(StrEnum):
    """A voter's choice between two answers."""

    FIRST = "first"
    SECOND = "second"
    ALIKE = "alike"


class Closed(StrEnum):
    """Why a campaign is closed: the order is clear, no voter has a pair left, or an administrator closed it."""

    DECIDED = "decided"
    COMPLETE = "complete"
    ENDED = "ended"


class LabCampaign(db.Model):  # type: ignore[name-defined,misc]
    """A comparison of models by votes on their answers, which are samples of `run`."""

    __tablename__ = "lab_campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[int] = mapped_column(ForeignKey("lab_runs.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    models: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # Ids of tasks; the run may have more.
    prompts: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # Why it was closed; empty while it is open.
    closed: Mapped[str] = mapped_column(String(12), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    run: Mapped[LabRun] = relationship()


class LabVote(db.Model):  # type: ignore[name-defined,misc]
    """One voter's choice between two samples; `first` and `second` in the order shown."""

    __tablename__ = "lab_votes"
    __table_args__ = (UniqueConstraint("campaign_id", "user_id", "pair", name="uq_lab_votes_once"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("lab_campaigns.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Ids of the two samples, the smaller first: each user votes once on a pair.
    pair: Mapped[str] = mapped_column(String(40))
    first_id: Mapped[int] = mapped_column(ForeignKey("lab_samples.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("lab_samples.id", ondelete="CASCADE"))
    choice: Mapped[VoteChoice] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    first: Mapped[LabSample] = relationship(foreign_keys=first_id)
    second: Mapped[LabSample] = relationship(foreign_keys=second_id)
