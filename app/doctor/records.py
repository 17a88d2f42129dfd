"""The last answers as the checks of the past look at them: what each cost, and which answer came before it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import LabSample, Message, Run, RunState

# Answers that are looked at.
LAST = 200
# Fewer tokens say more about the engine's constant costs than about its pace.
TOKENS_FOR_A_PACE = 50


@dataclass(frozen=True, slots=True)
class Record:
    """One answer that was written to its end; `before`: the answer that its question followed.

    `measured`: between the last one and this one the Labo had the engine load what it measures.
    """

    answer: int
    before: int | None
    model: str
    queued_at: datetime
    finished_at: datetime
    left_out: int
    metrics: dict[str, Any]
    measured: bool = False

    def get(self, name: str) -> float:
        """A figure; 0 where the engine did not tell."""
        return float(self.metrics.get(name) or 0)

    @property
    def read(self) -> float:
        """Prompt tokens that were not in the engine's cache."""
        return self.get("prompt_tokens") - self.get("cached_tokens")


def last_records() -> list[Record]:
    """The last answers, oldest first."""
    answer, question = aliased(Message), aliased(Message)
    rows = db.session.execute(
        select(Run, question.parent_id)
        .join(answer, answer.id == Run.message_id)
        .join(question, question.id == answer.parent_id)
        .where(Run.state == RunState.DONE, Run.measured_here())
        .order_by(Run.message_id.desc())
        .limit(LAST)
    )
    records = [
        Record(run.message_id, before, run.model, run.queued_at, run.finished_at, run.left_out, run.metrics)
        for run, before in rows
        if run.metrics and run.finished_at
    ]
    return _with_measurements(sorted(records, key=lambda record: record.queued_at))


def _with_measurements(records: list[Record]) -> list[Record]:
    if not records:
        return []
    begun = LabSample.started_at
    moments = db.session.scalars(select(begun).where(begun >= records[0].queued_at).order_by(begun))
    taken = [moment for moment in moments if moment is not None]

    def between(before: Record, after: Record) -> bool:
        return bisect_left(taken, before.queued_at) < bisect_right(taken, after.finished_at)

    return records[:1] + [replace(after, measured=between(before, after)) for before, after in pairwise(records)]


@dataclass(frozen=True, slots=True)
class Medians:
    """What a model's answers were like; None where the engine does not tell. Paces are in tokens a second."""

    model: str
    answers: int
    reading: float | None
    writing: float | None
    first_ms: float | None
    overhead_ms: float | None
    cached: float | None


def medians(records: Sequence[Record]) -> list[Medians]:
    """One for each model, the most used first."""
    models = {record.model for record in records}
    found = [_of(model, [record for record in records if record.model == model]) for model in models]
    return sorted(found, key=lambda each: (-each.answers, each.model))


def reading_pace(records: Sequence[Record]) -> float | None:
    """Tokens a second; prompts of which most was cached say little about it."""
    paces = [
        record.read / record.get("prefill_ms") * 1000
        for record in records
        if record.read >= TOKENS_FOR_A_PACE and record.get("prefill_ms")
    ]
    return median(paces) if paces else None


def _of(model: str, records: list[Record]) -> Medians:
    tells_cached = [record for record in records if record.metrics.get("cached_tokens") is not None]
    whole = sum(record.get("prompt_tokens") for record in tells_cached)
    writing = [
        record.get("output_tokens") / record.get("decode_ms") * 1000
        for record in records
        if record.get("decode_ms") and record.get("output_tokens") > 1
    ]
    # After its turn came: how long the queue was is not the model's doing.
    first = [
        record.get("first_token_ms") - record.get("queue_ms") for record in records if record.get("first_token_ms")
    ]
    overhead = [record.get("overhead_ms") for record in records if record.metrics.get("overhead_ms") is not None]
    return Medians(
        model,
        len(records),
        # Without the cached part the pace of reading would come out too high.
        reading_pace(tells_cached),
        median(writing) if writing else None,
        median(first) if first else None,
        median(overhead) if overhead else None,
        sum(record.get("cached_tokens") for record in tells_cached) / whole if whole else None,
    )
