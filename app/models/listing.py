"""Lists of a person's conversations: the sidebar's, a folder's, the archive's, and the marks beside them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, and_, or_, select

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.run import ACTIVE, Run
from app.models.user import User

# Conversations that one page of a list has.
PAGE = 60
# Pinned ones are shown all at once; more than this are no choice any more.
PINNED = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on: after the conversation that was changed then and has that id."""

    moment: datetime
    conversation_id: str

    @classmethod
    def after(cls, conversation: Conversation) -> "Cursor":
        """Behind this one."""
        return cls(conversation.updated_at, conversation.id)

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """As `str()` wrote it; ValueError, OverflowError or OSError for anything else."""
        moment, _, conversation_id = text.partition("_")
        return cls(datetime.fromtimestamp(float(moment), UTC), conversation_id)

    def __str__(self) -> str:
        return f"{self.moment.timestamp()!r}_{self.conversation_id}"


def recent(user: User, *, before: Cursor | None = None, containing: str = "", limit: int = PAGE) -> list[Conversation]:
    """What this person may want to see again, the latest first."""
    query = _all(user)
    if containing:
        query = query.where(Conversation.title.icontains(containing, autoescape=True))
    return _page(query, before, limit)


def loose(user: User, *, before: Cursor | None = None) -> list[Conversation]:
    """Those that stand under their date: neither pinned nor in a folder."""
    return _page(_all(user).where(~Conversation.pinned, Conversation.folder_id.is_(None)), before)


def pinned(user: User) -> list[Conversation]:
    """The pinned ones, whatever their folder."""
    return _page(_all(user).where(Conversation.pinned), None, PINNED)


def in_folder(user: User, folder_id: int, *, before: Cursor | None = None) -> list[Conversation]:
    """A folder's, but for the pinned ones, which stand above."""
    return _page(_all(user).where(Conversation.folder_id == folder_id, ~Conversation.pinned), before)


def archived(user: User, *, before: Cursor | None = None) -> list[Conversation]:
    """Those that were put away."""
    return _page(_all(user, archived=True), before)


def next_cursor(conversations: list[Conversation]) -> str | None:
    """Where the list goes on behind these; None at its end."""
    return str(Cursor.after(conversations[-1])) if len(conversations) == PAGE else None


def states(user: User) -> dict[str, str]:
    """Which of this person's conversations are being answered: id → "queued" or "running"."""
    rows = db.session.execute(
        select(Message.conversation_id, Run.state)
        .join(Run, Run.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.user_id == user.id, Run.state.in_(ACTIVE))
        .order_by(Run.queued_at.desc())
    )
    return {conversation_id: str(state) for conversation_id, state in rows}


def unread(conversations: list[Conversation]) -> set[str]:
    """The ids of those whose last answer ended after they were last seen."""
    ends = {conversation.head_id: conversation for conversation in conversations if conversation.head_id}
    rows = db.session.execute(
        select(Run.message_id, Run.finished_at).where(Run.message_id.in_(ends), Run.finished_at.is_not(None))
    )
    return {
        ends[message_id].id
        for message_id, finished in rows
        if finished and ((seen := ends[message_id].seen_at) is None or finished > seen)
    }


def _all(user: User, *, archived: bool = False) -> Select[tuple[Conversation]]:
    return select(Conversation).where(
        Conversation.user_id == user.id,
        Conversation.deleted_at.is_(None),
        Conversation.head_id.is_not(None),
        Conversation.archived == archived,
    )


def _page(query: Select[tuple[Conversation]], before: Cursor | None, limit: int = PAGE) -> list[Conversation]:
    moment, last = Conversation.updated_at, Conversation.id
    if before is not None:
        same = and_(moment == before.moment, last < before.conversation_id)
        query = query.where(or_(moment < before.moment, same))
    return list(db.session.scalars(query.order_by(moment.desc(), last.desc()).limit(limit)))
