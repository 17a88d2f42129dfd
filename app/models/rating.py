"""Ratings: what a person thinks of an answer, good or bad, and why."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.models.types import UtcDateTime, utcnow

if TYPE_CHECKING:
    from app.models.message import Message

MAX_REASON = 1000


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
