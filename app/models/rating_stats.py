"""What people think of each model's answers: counts and reasons, without names and without what was said."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, null, or_, select

from app.extensions import db
from app.models.conversations import Conversation
from app.models.messages import WRITTEN_ELSEWHERE, Message, Rating, Run, RunState

# Reasons shown of each model, the newest.
REASONS = 50


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody found an answer good or bad."""

    good: bool
    text: str


@dataclass(frozen=True, slots=True)
class ModelRatings:
    """A model's answers that were written to their end, how many were found good and bad, and the newest reasons."""

    model: str
    answers: int
    good: int
    bad: int
    reasons: list[Reason]
    # How many reasons there are in all.
    given: int

    @property
    def share(self) -> float | None:
        """The good ones among the rated ones; None while none is rated."""
        rated = self.good + self.bad
        return self.good / rated if rated else None


def ratings_by_model() -> list[ModelRatings]:
    """One for each model, the most rated first. What its person deleted does not count."""
    rows = db.session.execute(
        _kept(
            select(
                Run.model,
                func.count(case((Run.state == RunState.DONE, 1))).label("answers"),
                func.count(case((Rating.good, 1))).label("good"),
                func.count(case((~Rating.good, 1))).label("bad"),
                func.count(case((Rating.reason != "", 1))).label("given"),
            )
        ).group_by(Run.model)
    )
    found = [
        ModelRatings(row.model, row.answers, row.good, row.bad, _reasons(row.model) if row.given else [], row.given)
        for row in rows
    ]
    return sorted(found, key=lambda each: (-each.good - each.bad, each.model))


def _reasons(model: str) -> list[Reason]:
    query = _kept(select(Rating.good, Rating.reason)).where(Run.model == model, Rating.reason != "")
    return [Reason(*row) for row in db.session.execute(query.order_by(Rating.rated_at.desc()).limit(REASONS))]


def _kept(query: Any) -> Any:
    """Of runs, with their ratings where there are any, in conversations that are not deleted.

    What was imported was not written here; a finished answer without figures is a copy from another conversation.
    """
    return (
        query.select_from(Run)
        .join(Message, Message.id == Run.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(Rating, Rating.message_id == Run.message_id)
        .where(Conversation.deleted_at.is_(None), Run.attempt != WRITTEN_ELSEWHERE)
        .where(or_(Run.state != RunState.DONE, Run.metrics.is_not(null())))
    )
