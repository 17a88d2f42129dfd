"""Prompts ready to be used: a person's own, and those that an administrator made for everyone."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, get_or_none, utcnow
from app.models.users import User

MAX_PROMPT_NAME = 60
# In characters: longer than any task, short enough for the context of a small model.
MAX_PROMPT_LENGTH = 4000
# Of one person, and of everyone's: a list that can still be looked through.
MAX_PROMPTS_EACH = 100


class Prompt(db.Model):  # type: ignore[name-defined,misc]
    """A name and a text with places to fill in, written `{{so}}`. Without a person it is everyone's."""

    __tablename__ = "prompts"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_PROMPT_NAME))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @property
    def shared(self) -> bool:
        """Whether everyone sees it."""
        return self.user_id is None

    @classmethod
    def visible_to(cls, user: User) -> list["Prompt"]:
        """A person's own prompts by name, then those for everyone."""
        mine = cls.user_id == user.id
        return list(db.session.scalars(select(cls).where(mine | cls.user_id.is_(None)).order_by(~mine, cls.name)))

    @classmethod
    def editable_by(cls, user: User, prompt_id: int) -> "Prompt":
        """A prompt that this person may change: an own one, an administrator's also everyone's; else not_found."""
        found: Prompt | None = get_or_none(cls, prompt_id)
        if found is None or not found.can_be_changed_by(user):
            raise AppError("not_found")
        return found

    @classmethod
    def make(cls, user: User, name: str, content: str, *, shared: bool = False) -> "Prompt":
        """Add and commit a prompt. Raises forbidden, too_many_prompts."""
        prompt = cls(user_id=cls._owner(user, shared), name=name, content=content)
        db.session.add(prompt)
        prompt._check_number()
        db.session.commit()
        return prompt

    def change(self, user: User, name: str, content: str, *, shared: bool) -> None:
        """Change and commit. Raises forbidden, too_many_prompts."""
        self.user_id, self.name, self.content = self._owner(user, shared), name, content
        self._check_number()
        db.session.commit()

    def delete(self) -> None:
        """Delete and commit."""
        db.session.delete(self)
        db.session.commit()

    def can_be_changed_by(self, user: User) -> bool:
        """Whether it is this person's, or everyone's and this person is an administrator."""
        return user.is_admin if self.shared else self.user_id == user.id

    @staticmethod
    def _owner(user: User, shared: bool) -> int | None:
        if shared and not user.is_admin:
            raise AppError("forbidden")
        return None if shared else user.id

    def _check_number(self) -> None:
        """Counted after the insertion, which holds the others back: two at once cannot both be the last one allowed."""
        db.session.flush()
        beside = Prompt.user_id.is_(None) if self.shared else Prompt.user_id == self.user_id
        if (db.session.scalar(select(func.count()).where(beside)) or 0) > MAX_PROMPTS_EACH:
            db.session.rollback()
            raise AppError("too_many_prompts", limit=MAX_PROMPTS_EACH)
