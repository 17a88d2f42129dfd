"""The trash: deleted conversations can be restored for 30 days, and are then erased with all that belongs to them."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from app.errors import AppError
from app.extensions import db
from app.models import file_erasure
from app.models.base import utcnow
from app.models.conversations import Conversation, Folder
from app.models.files import File
from app.models.messages import Message
from app.models.prompts import Prompt
from app.models.search import search
from app.models.shares import Share
from app.models.users import User

KEPT_FOR = timedelta(days=30)
# In the last hour of that time they are no longer shown, so that none is restored while it is being erased.
HIDDEN_BEFORE_ERASURE = timedelta(hours=1)
# A page makes a conversation when documents are to be read in it; nothing may be asked there then.
EMPTY_KEPT_FOR = timedelta(days=7)
# Number shown at once; emptying the trash erases all.
SHOWN = 500

ERASE_MESSAGE = delete(Message.__table__).where(Message.id == bindparam("message"))


def contents(user: User, limit: int | None = SHOWN) -> list[Conversation]:
    """Return the user's deleted conversations, the latest first."""
    query = select(Conversation).where(Conversation.user_id == user.id, Conversation.deleted_at > shown_since())
    return list(db.session.scalars(query.order_by(Conversation.deleted_at.desc(), Conversation.id).limit(limit)))


def shown_since() -> datetime:
    """Return the moment: conversations deleted before it are no longer shown, being erased within the hour."""
    return utcnow() - KEPT_FOR + HIDDEN_BEFORE_ERASURE


def get_deleted(user: User, conversation_id: str) -> Conversation:
    """Return a deleted conversation of the user that is still shown; raises not_found."""
    conversation = Conversation.of(user, conversation_id, deleted=True)
    if conversation.deleted_at is None or conversation.deleted_at <= shown_since():
        raise AppError("not_found")
    return conversation


def erase(ids: Collection[str], erased: Callable[[str], None]) -> int:
    """Erase conversations, one commit each, with the files that only they used, then their words in the index;
    `erased` gets each id. Return how many.
    """
    for conversation_id in ids:
        files = file_erasure.asked_with(conversation_id)
        # Newest first: erasing a message cascades to its descendants, and SQLite limits the depth to a thousand.
        messages = db.session.scalars(
            select(Message.id).where(Message.conversation_id == conversation_id).order_by(Message.id.desc())
        )
        if places := [{"message": message_id} for message_id in messages]:
            db.session.connection().execute(ERASE_MESSAGE, places)
        db.session.execute(delete(Conversation).where(Conversation.id == conversation_id))
        db.session.commit()
        erased(conversation_id)
        if files:
            file_erasure.erase(file_erasure.mark_unused(File.id.in_(files)))
    if ids:
        search().compact()
    return len(ids)


def purge(erased: Callable[[str], None]) -> int:
    """Erase the conversations whose time in the trash is over, and those in which nothing was asked; see `erase`."""
    over = Conversation.deleted_at < utcnow() - KEPT_FOR
    empty = Conversation.head_id.is_(None) & (Conversation.updated_at < utcnow() - EMPTY_KEPT_FOR)
    return erase(list(db.session.scalars(select(Conversation.id).where(over | empty))), erased)


def erase_all_of(user: User, erased: Callable[[str], None]) -> None:
    """Erase the user's conversations with their shares and ratings, files, folders, own prompts and instructions.

    The first commit moves all of them out of sight, so that the purge of the trash erases what is left if this is
    interrupted. For `erased` see `erase`.
    """
    mine = Conversation.user_id == user.id
    db.session.execute(update(Conversation).where(mine).values(deleted_at=shown_since(), folder_id=None))
    for owned in (Folder, Prompt, Share):
        db.session.execute(delete(owned).where(owned.user_id == user.id))
    db.session.execute(update(User).where(User.id == user.id).values(instructions=""))
    # Commits all of it.
    files = file_erasure.mark(File.attached_by(user.id))
    erase(list(db.session.scalars(select(Conversation.id).where(mine))), erased)
    file_erasure.erase(files)
