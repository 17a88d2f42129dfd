"""Conversations: their owner, their title, their tree of messages, and the verbs that add to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, and_, func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.base import UtcDateTime, get_owned, public_id, utcnow
from app.models.messages import ACTIVE, Message, ParentRef, Role, Run, RunState
from app.models.shares import Share
from app.models.users import User, normalized

# More than a list can show well.
MAX_FOLDERS_EACH = 100
MAX_FOLDER_NAME = 60
TITLE_LENGTH = 60
# Conversations that one page of a list has.
PAGE_LENGTH = 60
# Pinned ones are shown all at once; more than this are no choice any more.
MAX_PINNED = 100


class Folder(db.Model):  # type: ignore[name-defined,misc]
    """One folder; deleting it leaves its conversations where they were before."""

    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("user_id", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_FOLDER_NAME))
    # Under which names are unique, and sorted.
    name_key: Mapped[str] = mapped_column(String(2 * MAX_FOLDER_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def of(cls, user: User, folder_id: int) -> "Folder":
        """This person's folder; not_found for a missing or foreign one."""
        folder: Folder = get_owned(cls, user, folder_id)
        return folder

    @classmethod
    def all_of(cls, user: User) -> list["Folder"]:
        """This person's folders by name."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.name_key)))

    @classmethod
    def named(cls, user: User, name: str) -> "Folder":
        """The folder of that name, made if there is none; the caller commits. Raises too_many_folders."""
        found: Folder | None = db.session.scalar(select(cls).where(cls.user_id == user.id, cls.name_key == _key(name)))
        if found is None:
            found = cls(user_id=user.id, name=name, name_key=_key(name))
            db.session.add(found)
            db.session.flush()
            cls._check_count(user)
        return found

    @classmethod
    def _check_count(cls, user: User) -> None:
        """After an insertion, which holds the others back."""
        if (db.session.scalar(select(func.count()).where(cls.user_id == user.id)) or 0) > MAX_FOLDERS_EACH:
            db.session.rollback()
            raise AppError("too_many_folders", limit=MAX_FOLDERS_EACH)

    @classmethod
    def make(cls, user: User, name: str) -> "Folder":
        """A new folder, committed. Raises name_taken, too_many_folders."""
        folder = cls(user_id=user.id, name=name, name_key=_key(name))
        db.session.add(folder)
        _flush_named(name)
        cls._check_count(user)
        db.session.commit()
        return folder

    def rename(self, name: str) -> None:
        """Give it another name, committed. Raises name_taken."""
        self.name, self.name_key = name, _key(name)
        _flush_named(name)
        db.session.commit()

    def delete(self) -> None:
        """Take it away, committed; its conversations stand under their dates again."""
        db.session.execute(text("UPDATE conversations SET folder_id = NULL WHERE folder_id = :id"), {"id": self.id})
        db.session.delete(self)
        db.session.commit()


def _key(name: str) -> str:
    return normalized(name)[: 2 * MAX_FOLDER_NAME]


def _flush_named(name: str) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise AppError("name_taken", name=name) from None


def derive_title(question: str) -> str:
    """Its first line that says something, cut between words."""
    lines = (line.lstrip(" #*>-\t").rstrip() for line in question.splitlines())
    line = next(filter(None, lines), "")
    if len(line) <= TITLE_LENGTH:
        return line or question.strip()[:TITLE_LENGTH]
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


class Conversation(db.Model):  # type: ignore[name-defined,misc]
    """A tree of messages. `head_id` is the end of the branch that is shown."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_user_id_updated_at", "user_id", "updated_at"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=public_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200), default="")
    model: Mapped[str | None] = mapped_column(String(200))
    head_id: Mapped[int | None]
    pinned: Mapped[bool] = mapped_column(default=False)
    archived: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # No foreign key: SQLite would have to make this table anew for one, and all messages hang on it.
    folder_id: Mapped[int | None] = mapped_column(index=True)
    # When its person last saw its end.
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Both are part of every prompt. The person's own text is taken over with the first question (None until then) and
    # stays as it was then: what the engine has read stays good.
    instructions: Mapped[str] = mapped_column(Text, default="", server_default="")
    personal_instructions: Mapped[str | None] = mapped_column(Text)

    messages: Mapped[list[Message]] = relationship(
        back_populates="conversation", foreign_keys=[Message.conversation_id], passive_deletes=True
    )

    def belongs_to(self, user: User) -> bool:
        """Whether this person may see it now."""
        return self.user_id == user.id and self.deleted_at is None

    @classmethod
    def of(cls, user: User, conversation_id: str, *, deleted: bool = False) -> "Conversation":
        """This person's conversation; not_found for a missing, foreign or (unless asked for) deleted one."""
        found: Conversation | None = db.session.get(cls, conversation_id)
        if found is None or found.user_id != user.id or (found.deleted_at and not deleted):
            raise AppError("not_found")
        return found

    @classmethod
    def start(cls, user: User, model: str | None = None) -> "Conversation":
        """A new empty conversation, committed."""
        conversation = cls(user_id=user.id, model=model)
        db.session.add(conversation)
        db.session.commit()
        return conversation

    def ask(
        self,
        content: str,
        *,
        model: str,
        think: bool,
        client_id: str,
        follows: ParentRef,
        state: RunState = RunState.QUEUED,
    ) -> tuple[Message, bool]:
        """Add a question and its answer to be written, in one commit.

        Returns the answer and whether it is new: the same `client_id` again gives the first one's answer.
        Raises unknown_parent, conversation_moved.
        """
        parent_id = None if follows.first else Message.parent_in(self, follows.parent_id)
        question = Message(
            conversation=self, parent_id=parent_id, role=Role.USER, content=content, client_id=client_id, run=None
        )
        db.session.add(question)
        try:
            db.session.flush()
            if follows.at_end and not question.is_only():
                db.session.rollback()
                raise AppError("conversation_moved")
            answer = self._add_answer(question, model=model, think=think, state=state)
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            known = self._answer_to(client_id)
            if known is None:
                raise
            return known, False
        return answer, True

    def change(
        self,
        *,
        title: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
        restored: bool = False,
        folder: Folder | Literal[False] | None = False,
    ) -> None:
        """Change what is given, in one commit; `folder` None takes it out of its folder."""
        if title is not None:
            self.title = title
        if pinned is not None:
            self.pinned = pinned
        if archived is not None:
            self.archived = archived
        if restored:
            self.deleted_at = None
        if folder is not False:
            self.folder_id = folder.id if folder else None
        db.session.commit()

    def see(self) -> None:
        """Its person has seen its end; committed."""
        self.seen_at = utcnow()
        db.session.commit()

    def instruct(self, instructions: str) -> None:
        """Give it its own instructions, committed: its next question has the engine read it all again."""
        self.instructions = instructions
        db.session.commit()

    def delete(self) -> None:
        """Put it out of sight, and end its links; `change(restored=True)` takes the first back."""
        self.deleted_at = utcnow()
        Share.end_all(self.id)
        db.session.commit()

    def being_written(self) -> list[Message]:
        """Answers that are queued or running."""
        return list(
            db.session.scalars(
                select(Message).join(Run).where(Message.conversation_id == self.id, Run.state.in_(ACTIVE))
            )
        )

    def regenerate(self, answer: Message, *, model: str, think: bool, state: RunState = RunState.QUEUED) -> Message:
        """Add another answer to the same question, committed."""
        assert answer.parent is not None  # noqa: S101 - an answer has a question, by construction
        sibling = self._add_answer(answer.parent, model=model, think=think, state=state)
        db.session.commit()
        return sibling

    def branch(self) -> list[Message]:
        """The visible messages, oldest first."""
        return self.path_to(self.head_id)

    def path_to(self, message_id: int | None) -> list[Message]:
        """The messages from the first one to this one."""
        by_id = {
            message.id: message
            for message in db.session.scalars(
                select(Message)
                .where(Message.conversation_id == self.id)
                .options(joinedload(Message.run), joinedload(Message.rating))
            )
        }
        path = []
        while message_id is not None:
            path.append(by_id[message_id])
            message_id = by_id[message_id].parent_id
        return path[::-1]

    def _add_answer(self, question: Message, *, model: str, think: bool, state: RunState) -> Message:
        """An answer to be written, as the new end of the branch; the caller commits."""
        answer = Message(conversation=self, parent=question, role=Role.ASSISTANT, rating=None)
        answer.run = Run(model=model, think=think, state=state)
        db.session.add(answer)
        db.session.flush()
        if self.personal_instructions is None:
            self.personal_instructions = User.numbered(self.user_id).instructions
        self.head_id, self.updated_at = answer.id, answer.created_at
        self.model, self.archived = model, False
        self.title = self.title or derive_title(question.content)
        return answer

    def _answer_to(self, client_id: str) -> Message | None:
        question = select(Message.id).where(Message.conversation_id == self.id, Message.client_id == client_id)
        return db.session.scalar(select(Message).where(Message.parent_id.in_(question)).order_by(Message.id).limit(1))


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


def recent(
    user: User, *, before: Cursor | None = None, containing: str = "", limit: int = PAGE_LENGTH
) -> list[Conversation]:
    """What this person may want to see again, the latest first."""
    query = _all_of(user)
    if containing:
        query = query.where(Conversation.title.icontains(containing, autoescape=True))
    return _page(query, before, limit)


def unfiled(user: User, *, before: Cursor | None = None) -> list[Conversation]:
    """Those that stand under their date: neither pinned nor in a folder."""
    return _page(_all_of(user).where(~Conversation.pinned, Conversation.folder_id.is_(None)), before)


def pinned(user: User) -> list[Conversation]:
    """The pinned ones, whatever their folder."""
    return _page(_all_of(user).where(Conversation.pinned), None, MAX_PINNED)


def in_folder(user: User, folder_id: int, *, before: Cursor | None = None) -> list[Conversation]:
    """A folder's, but for the pinned ones, which stand above."""
    return _page(_all_of(user).where(Conversation.folder_id == folder_id, ~Conversation.pinned), before)


def archived(user: User, *, before: Cursor | None = None) -> list[Conversation]:
    """Those that were put away."""
    return _page(_all_of(user, archived=True), before)


def next_cursor(conversations: list[Conversation]) -> str | None:
    """Where the list goes on behind these; None at its end."""
    return str(Cursor.after(conversations[-1])) if len(conversations) == PAGE_LENGTH else None


def running_states(user: User) -> dict[str, str]:
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


def _all_of(user: User, *, archived: bool = False) -> Select[tuple[Conversation]]:
    return select(Conversation).where(
        Conversation.user_id == user.id,
        Conversation.deleted_at.is_(None),
        Conversation.head_id.is_not(None),
        Conversation.archived == archived,
    )


def _page(query: Select[tuple[Conversation]], before: Cursor | None, limit: int = PAGE_LENGTH) -> list[Conversation]:
    moment, last = Conversation.updated_at, Conversation.id
    if before is not None:
        same = and_(moment == before.moment, last < before.conversation_id)
        query = query.where(or_(moment < before.moment, same))
    return list(db.session.scalars(query.order_by(moment.desc(), last.desc()).limit(limit)))
