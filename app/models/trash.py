"""The bin: what was deleted can be taken back for a while, and is then erased with all that belongs to it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from app.errors import AppError
from app.extensions import db
from app.models.base import utcnow
from app.models.conversations import Conversation, Folder
from app.models.messages import ACTIVE, Message, Run
from app.models.prompts import Prompt
from app.models.shares import Share
from app.models.users import User

KEPT_FOR = timedelta(days=30)
# At the end of that time it is out of everybody's sight, so that nobody takes back what is being erased.
LAST = timedelta(hours=1)
# Shown at once; emptying the bin takes all.
SHOWN = 500

ERASE_MESSAGE = delete(Message.__table__).where(Message.id == bindparam("message"))


def contents(user: User, limit: int | None = SHOWN) -> list[Conversation]:
    """What this person deleted, the latest first."""
    query = select(Conversation).where(Conversation.user_id == user.id, Conversation.deleted_at > shown_since())
    return list(db.session.scalars(query.order_by(Conversation.deleted_at.desc(), Conversation.id).limit(limit)))


def shown_since() -> datetime:
    """What was deleted then, or earlier, is not shown any more, and erased within the hour."""
    return utcnow() - KEPT_FOR + LAST


def get_deleted(user: User, conversation_id: str) -> Conversation:
    """One of them; raises not_found."""
    conversation = Conversation.of(user, conversation_id, deleted=True)
    if conversation.deleted_at is None or conversation.deleted_at <= shown_since():
        raise AppError("not_found")
    return conversation


def delete_forever(conversations: Iterable[str]) -> None:
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
    over = Conversation.deleted_at < utcnow() - KEPT_FOR
    ids = list(db.session.scalars(select(Conversation.id).where(over)))
    for conversation_id in ids:
        delete_forever([conversation_id])
        erased(conversation_id)
    return len(ids)


def being_written(user: User) -> list[Message]:
    """Answers that are queued or running in any of this person's conversations."""
    return list(
        db.session.scalars(
            select(Message)
            .join(Run)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(Conversation.user_id == user.id, Run.state.in_(ACTIVE))
        )
    )


def erase_all_of(user: User) -> Iterator[str]:
    """Conversations with their links and ratings, folders, own prompts, the text about oneself; each conversation's id.

    They go out of sight together, in the first commit: what is left, should this be cut short, is erased as the bin is.
    """
    mine = Conversation.user_id == user.id
    db.session.execute(update(Conversation).where(mine).values(deleted_at=shown_since(), folder_id=None))
    for owned in (Folder, Prompt, Share):
        db.session.execute(delete(owned).where(owned.user_id == user.id))
    db.session.execute(update(User).where(User.id == user.id).values(instructions=""))
    db.session.commit()
    for conversation_id in list(db.session.scalars(select(Conversation.id).where(mine))):
        delete_forever([conversation_id])
        yield conversation_id
