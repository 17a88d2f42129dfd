"""The bin: what was deleted can be taken back for a while, and is then erased with all that belongs to it."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select

from app.errors import AppError
from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.types import utcnow
from app.models.user import User

KEPT = timedelta(days=30)
# At the end of that time it is out of everybody's sight, so that nobody takes back what is being erased.
LAST = timedelta(hours=1)
# Shown at once; emptying the bin takes all.
SHOWN = 500

ERASE_MESSAGE = delete(Message.__table__).where(Message.id == bindparam("message"))


def contents(user: User, limit: int | None = SHOWN) -> list[Conversation]:
    """What this person deleted, the latest first."""
    query = select(Conversation).where(Conversation.user_id == user.id, Conversation.deleted_at > out_of_sight())
    return list(db.session.scalars(query.order_by(Conversation.deleted_at.desc(), Conversation.id).limit(limit)))


def out_of_sight() -> datetime:
    """What was deleted then, or earlier, is not shown any more, and erased within the hour."""
    return utcnow() - KEPT + LAST


def find(user: User, conversation_id: str) -> Conversation:
    """One of them; raises not_found."""
    conversation = Conversation.of(user, conversation_id, deleted=True)
    if conversation.deleted_at is None or conversation.deleted_at <= out_of_sight():
        raise AppError("not_found")
    return conversation


def erase(conversations: Iterable[str]) -> None:
    """Conversations by their ids, for good; one commit for each."""
    for conversation_id in conversations:
        # The last ones first: erasing a message erases what hangs on it, and SQLite goes down a thousand steps at most.
        ids = db.session.scalars(
            select(Message.id).where(Message.conversation_id == conversation_id).order_by(Message.id.desc())
        )
        if places := [{"message": message_id} for message_id in ids]:
            db.session.connection().execute(ERASE_MESSAGE, places)
        db.session.execute(delete(Conversation).where(Conversation.id == conversation_id))
        db.session.commit()


def purge(erased: Callable[[str], None]) -> int:
    """Erase what has been in the bin for long enough; `erased` is told each id. How many there were."""
    over = Conversation.deleted_at < utcnow() - KEPT
    ids = list(db.session.scalars(select(Conversation.id).where(over)))
    for conversation_id in ids:
        erase([conversation_id])
        erased(conversation_id)
    return len(ids)
