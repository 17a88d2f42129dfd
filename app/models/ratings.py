"""Users' ratings of answers, and each model's: counts and reasons, without names and without the texts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, case, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.models.base import UtcDateTime, utcnow
from app.models.conversations import Conversation
from app.models.messages import WRITTEN_ELSEWHERE, Message, Run, RunState

# Longest reason, in characters.
MAX_REASON = 1000
# Newest reasons shown for each model.
REASONS = 50


class Rating(db.Model):  # type: ignore[name-defined,misc]
    """The rating of an answer; taking it back deletes the row."""

    __tablename__ = "ratings"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    good: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(MAX_REASON), default="")
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    message: Mapped[Message] = relationship(back_populates="rating")

    @classmethod
    def give(cls, answer: Message, *, good: bool, reason: str) -> "Rating":
        """Rate an answer, or change its rating; commits."""
        rating = db.session.merge(cls(message_id=answer.id, good=good, reason=reason, rated_at=utcnow()))
        db.session.commit()
        return rating

    @classmethod
    def take_back(cls, answer: Message) -> None:
        """Delete an answer's rating; commits."""
        if answer.rating is not None:
            db.session.delete(answer.rating)
            db.session.commit()


def ratings_by_model() -> Sequence[Any]:
    """Return a row for each model, the most rated first; deleted conversations do not count.

    `answers`: completed ones; `good`, `bad`, `rated`: ratings, and both together; `reasons`: how many have a reason.
    """
    rated = func.count(Rating.good)
    counts = select(
        Run.model,
        func.count(case((Run.state == RunState.DONE, 1))).label("answers"),
        func.count(case((Rating.good, 1))).label("good"),
        func.count(case((~Rating.good, 1))).label("bad"),
        rated.label("rated"),
        func.count(case((Rating.reason != "", 1))).label("reasons"),
    )
    return db.session.execute(_kept(counts).group_by(Run.model).order_by(rated.desc(), Run.model)).all()


def newest_reasons(model: str) -> Sequence[Any]:
    """Return the newest reasons of a model's ratings as rows with `good` and `text`."""
    query = _kept(select(Rating.good, Rating.reason.label("text"))).where(Run.model == model, Rating.reason != "")
    return db.session.execute(query.order_by(Rating.rated_at.desc()).limit(REASONS)).all()


def _kept(query: Any) -> Any:
    """Limit a query to runs of this server in conversations that are not deleted; join their ratings, if any.

    Leaves out imported answers and copies from other conversations (done, but without metrics).
    """
    return (
        query.select_from(Run)
        .join(Message, Message.id == Run.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(Rating, Rating.message_id == Run.message_id)
        .where(Conversation.deleted_at.is_(None), Run.attempt != WRITTEN_ELSEWHERE)
        .where(or_(Run.state != RunState.DONE, Run.metrics.is_not(None)))
    )
