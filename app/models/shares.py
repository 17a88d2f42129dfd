"""Share links: frozen copies of a conversation, readable by all users who have the link."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.attachments import files_of
from app.models.base import Owned, UtcDateTime, check_count, iso, utcnow
from app.models.files import File
from app.models.messages import Message, Role
from app.models.users import User

if TYPE_CHECKING:
    from app.models.conversations import Conversation

# Limit for each user; every share is a copy of a conversation.
MAX_SHARES_EACH = 100
# Columns of an answer's run that readers see. They see no ratings, no instructions, and no thinking, which often
# repeats the instructions.
SHARED_COLUMNS = ("model", "think", "reason", "error_code", "error_params", "metrics")


class Share(Owned, db.Model):  # type: ignore[name-defined,misc]
    """A link and what it shows; later changes to the conversation do not change it.

    It ends when it is revoked, when the conversation goes to the trash (restoring it does not restore the link), and
    with the user's account.
    """

    __tablename__ = "shares"

    # 128 random bits, because every user who has the link may read.
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: secrets.token_hex(16))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    # Deferred: lists do not need it, and it is as long as the conversation.
    messages: Mapped[list[dict[str, Any]]] = mapped_column(JSON, deferred=True)

    user: Mapped[User] = relationship()

    @classmethod
    def take(cls, conversation: "Conversation") -> "Share":
        """Freeze the shown branch under a new link; commits. Raises nothing_to_share, too_many_shares."""
        branch = conversation.branch()
        files = files_of([message.id for message in branch])
        messages = [_frozen(message, files.get(message.id, [])) for message in branch]
        if not messages:
            raise AppError("nothing_to_share")
        share = cls(user_id=conversation.user_id, conversation_id=conversation.id, title=conversation.title)
        share.messages, share.size = messages, len(messages)
        db.session.add(share)
        check_count(cls.user_id == conversation.user_id, MAX_SHARES_EACH, "too_many_shares")
        db.session.commit()
        return share

    @classmethod
    def opened(cls, share_id: str) -> "Share":
        """Return a share with its user, for any reader; raises not_found."""
        found: Share | None = db.session.get(cls, share_id, options=[joinedload(cls.user)])
        if found is None:
            raise AppError("not_found")
        return found

    @classmethod
    def all_of(cls, user: User, conversation: "Conversation | None" = None) -> Sequence["Share"]:
        """Return the user's shares, or those of one conversation, the newest first."""
        query = select(cls).where(cls.user_id == user.id)
        if conversation is not None:
            query = query.where(cls.conversation_id == conversation.id)
        return db.session.scalars(query.order_by(cls.created_at.desc(), cls.id)).all()

    @classmethod
    def end_all(cls, conversation_id: str) -> None:
        """Delete all share links of a conversation; the caller commits."""
        db.session.execute(delete(cls).where(cls.conversation_id == conversation_id))


def _frozen(message: Message, files: Sequence[File]) -> dict[str, Any]:
    """Return what readers see of a message: of the files that it was asked with, their names and numbers of pages."""
    frozen: dict[str, Any] = {
        "role": str(message.role),
        "content": message.content,
        "created_at": iso(message.created_at),
    }
    if files:
        frozen["files"] = [{"name": file.name, "pages": file.pages} for file in files]
    run = message.run
    if message.role == Role.USER or run is None:
        return frozen
    ended = {"status": str(run.state), "finished_at": iso(run.finished_at)}
    return frozen | {name: getattr(run, name) for name in SHARED_COLUMNS} | ended
