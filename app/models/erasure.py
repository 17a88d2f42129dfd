"""All that a person wrote or was told here, erased for good; the account itself stays."""

from collections.abc import Iterator

from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import bin
from app.models.conversation import Conversation
from app.models.folder import Folder
from app.models.message import Message
from app.models.prompt import Prompt
from app.models.run import ACTIVE, Run
from app.models.share import Share
from app.models.user import User


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
    db.session.execute(update(Conversation).where(mine).values(deleted_at=bin.out_of_sight(), folder_id=None))
    for owned in (Folder, Prompt, Share):
        db.session.execute(delete(owned).where(owned.user_id == user.id))
    db.session.execute(update(User).where(User.id == user.id).values(instructions=""))
    db.session.commit()
    for conversation_id in list(db.session.scalars(select(Conversation.id).where(mine))):
        bin.erase([conversation_id])
        yield conversation_id
