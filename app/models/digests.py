"""Documents too long to be read at once, from which a question is still to be answered: what was noted of them."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class Digest(db.Model):  # type: ignore[name-defined,misc]
    """The reading of a question's documents, part by part; its row goes once the question has all notes as its text.

    `timing`: "idle" or "night". `rounds`: the notes of each part, in their order; after them, those of each further
    round, which shortens the notes of the one before. `part_tokens`, `parts`: tokens of a part and their number; 0
    until the first was read.
    """

    __tablename__ = "digests"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    timing: Mapped[str] = mapped_column(String(5))
    part_tokens: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int] = mapped_column(default=0)
    rounds: Mapped[list[list[str]]] = mapped_column(JSON, default=list)

    @property
    def progress(self) -> dict[str, Any]:
        """How far the reading is, as the page shows it."""
        return {"done": sum(map(len, self.rounds)), "total": self.parts, "when": self.timing}
