"""Saved prompts: a user's own, and those that an administrator shares with everyone."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, check_count, get_or_none, utcnow
from app.models.users import User

MAX_PROMPT_NAME = 60
# In characters: more than any task needs, and few enough for a small model's context.
MAX_PROMPT_LENGTH = 4000
# Limit for each user, and for the shared prompts.
MAX_PROMPTS_EACH = 100


class Prompt(db.Model):  # type: ignore[name-defined,misc]
    """A named text with placeholders such as `{{so}}`. Without a user it is shared with everyone."""

    __tablename__ = "prompts"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_PROMPT_NAME))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @property
    def shared(self) -> bool:
        """True if everyone sees it."""
        return self.user_id is None

    @classmethod
    def visible_to(cls, user: User) -> list["Prompt"]:
        """Return the user's own prompts by name, then the shared ones."""
        mine = cls.user_id == user.id
        return list(db.session.scalars(select(cls).where(mine | cls.user_id.is_(None)).order_by(~mine, cls.name)))

    @classmethod
    def editable_by(cls, user: User, prompt_id: int) -> "Prompt":
        """Return a prompt that the user may change (see `can_be_changed_by`); raises not_found otherwise."""
        found = get_or_none(cls, prompt_id)
        if found is None or not found.can_be_changed_by(user):
            raise AppError("not_found")
        return found

    def change(self, user: User, name: str, content: str, *, shared: bool) -> None:
        """Store the prompt, also a new one; commits. Raises forbidden, too_many_prompts."""
        if shared and not user.is_admin:
            raise AppError("forbidden")
        self.user_id, self.name, self.content = None if shared else user.id, name, content
        db.session.add(self)
        # With None this is IS NULL: all shared prompts.
        check_count(Prompt.user_id == self.user_id, MAX_PROMPTS_EACH, "too_many_prompts")
        db.session.commit()

    def delete(self) -> None:
        """Delete the prompt; commits."""
        db.session.delete(self)
        db.session.commit()

    def can_be_changed_by(self, user: User) -> bool:
        """Return True if it is the user's own, or if it is shared and the user is an administrator."""
        return user.is_admin if self.shared else self.user_id == user.id
