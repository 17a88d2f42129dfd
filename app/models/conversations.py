"""Folders and conversations, the changes that can be made to them, and the lists that show them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, Text, UniqueConstraint, and_, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from app.errors import AppError
from app.extensions import db
from app.models.attachments import NOTHING, Attachment, MessageFile
from app.models.base import Owned, UtcDateTime, check_count, public_id, utcnow
from app.models.messages import ACTIVE, Message, ParentRef, Role, Run, RunState
from app.models.names import normalized
from app.models.shares import Share
from app.models.users import User
from app.models.word_forms import contains, normalize, spellings

# Folders per user, as many as a list can show well. Lengths are in characters.
MAX_FOLDERS_EACH = 100
MAX_FOLDER_NAME = 60
TITLE_LENGTH = 60
# Conversations on one page of a list.
PAGE_LENGTH = 60
# Pinned conversations are shown all at once, up to this many.
MAX_PINNED = 100


class Folder(Owned, db.Model):  # type: ignore[name-defined,misc]
    """A user's folder; deleting it keeps its conversations."""

    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("user_id", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_FOLDER_NAME))
    # The normalised name, unique for each user; folders are sorted by it.
    name_key: Mapped[str] = mapped_column(String(2 * MAX_FOLDER_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def all_of(cls, user: User) -> list["Folder"]:
        """Return the user's folders, sorted by name."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.name_key)))

    @classmethod
    def named(cls, user: User, name: str) -> "Folder":
        """Return the folder of that name, created if there is none; the caller commits. Raises too_many_folders."""
        found: Folder | None = db.session.scalar(select(cls).where(cls.user_id == user.id, cls.name_key == _key(name)))
        return found or cls._add(user, name)

    @classmethod
    def make(cls, user: User, name: str) -> "Folder":
        """Create a folder; commits. Raises name_taken, too_many_folders."""
        folder = cls._add(user, name)
        db.session.commit()
        return folder

    @classmethod
    def _add(cls, user: User, name: str) -> "Folder":
        folder = cls(user_id=user.id)
        db.session.add(folder)
        folder._set_name(name)
        check_count(cls.user_id == user.id, MAX_FOLDERS_EACH, "too_many_folders")
        return folder

    def rename(self, name: str) -> None:
        """Rename the folder; commits. Raises name_taken."""
        self._set_name(name)
        db.session.commit()

    def _set_name(self, name: str) -> None:
        self.name, self.name_key = name, _key(name)
        try:
            db.session.flush()
        except IntegrityError:
            db.session.rollback()
            raise AppError("name_taken", name=name) from None

    def delete(self) -> None:
        """Delete the folder; commits. Its conversations are then in no folder."""
        db.session.execute(text("UPDATE conversations SET folder_id = NULL WHERE folder_id = :id"), {"id": self.id})
        super().delete()


def _key(name: str) -> str:
    return normalized(name)[: 2 * MAX_FOLDER_NAME]


def derive_title(question: str) -> str:
    """Return the question's first line with text, cut between words; the mark of a code block is none."""
    lines = (line.lstrip(" #*>-\t").rstrip() for line in question.splitlines())
    line = next((line for line in lines if line and not line.startswith(("```", "~~~"))), "")
    if len(line) <= TITLE_LENGTH:
        return line or question.strip()[:TITLE_LENGTH]
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


class Conversation(db.Model):  # type: ignore[name-defined,misc]
    """A tree of messages. `head_id` is the last message of the shown branch."""

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
    # No foreign key: SQLite would have to rebuild this table for one, and all messages refer to it.
    folder_id: Mapped[int | None] = mapped_column(index=True)
    # When the user last saw its end.
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Both are part of every prompt. `personal_instructions` is copied from the user at the first question (None until
    # then) and never changed, so that the engine's prompt cache stays valid.
    instructions: Mapped[str] = mapped_column(Text, default="", server_default="")
    personal_instructions: Mapped[str | None] = mapped_column(Text)

    def belongs_to(self, user: User) -> bool:
        """Return True if the user owns it and it is not deleted."""
        return self.user_id == user.id and self.deleted_at is None

    @classmethod
    def of(cls, user: User, conversation_id: str, *, deleted: bool = False) -> "Conversation":
        """Return the user's conversation, a deleted one only with `deleted`; raises not_found."""
        found: Conversation | None = db.session.get(cls, conversation_id)
        if found is None or found.user_id != user.id or (found.deleted_at and not deleted):
            raise AppError("not_found")
        return found

    @classmethod
    def start(cls, user: User, model: str | None = None) -> "Conversation":
        """Create an empty conversation; commits."""
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
        attachment: Attachment = NOTHING,
    ) -> tuple[Message, bool]:
        """Add a question and its answer to be written, in one commit.

        Returns the answer and whether it is new: a repeated `client_id` returns the first one's answer. Raises
        unknown_parent, conversation_moved, not_found.
        """
        parent_id = None if follows.first else Message.parent_in(self, follows.parent_id)
        try:
            texts = {"content": content, "attached": attachment.text}
            question = Message.add(self, parent_id, role=Role.USER, client_id=client_id, **texts)
            if follows.at_end and not question.is_only():
                db.session.rollback()
                raise AppError("conversation_moved")
            attachment.add_to(question.id)
            answer = self._add_answer(question, model=model, think=think, state=state)
            db.session.commit()
        except IntegrityError as error:
            db.session.rollback()
            known = self._answer_to(client_id)
            if known is None:
                # What it follows, or a file, was erased meanwhile.
                raise AppError("not_found") from error
            return known, False
        return answer, True

    def change(self, **columns: Any) -> None:
        """Set the given columns; commits."""
        for name, value in columns.items():
            setattr(self, name, value)
        db.session.commit()

    def delete(self) -> None:
        """Move it to the trash and delete its share links; commits. `change(deleted_at=None)` undoes only the first."""
        self.deleted_at = utcnow()
        Share.end_all(self.id)
        db.session.commit()

    def being_written(self) -> list[Message]:
        """Return the answers that are queued or running."""
        return being_written(Conversation.id == self.id)

    def regenerate(self, answer: Message, *, model: str, think: bool, state: RunState = RunState.QUEUED) -> Message:
        """Add another answer to the same question; commits."""
        assert answer.parent is not None  # noqa: S101 - an answer has a question, by construction
        sibling = self._add_answer(answer.parent, model=model, think=think, state=state)
        db.session.commit()
        return sibling

    def branch(self) -> list[Message]:
        """Return the messages of the shown branch, oldest first."""
        return self.path_to(self.head_id)

    def path_to(self, message_id: int | None) -> list[Message]:
        """Return the messages from the first one to this one.

        Raises conversation_moved if another request has taken this one away since the conversation was read.
        """
        query = select(Message).where(Message.conversation_id == self.id)
        query = query.options(joinedload(Message.run), joinedload(Message.rating))
        by_id = {message.id: message for message in db.session.scalars(query)}
        path = []
        while message_id is not None:
            message = by_id.get(message_id)
            if message is None:
                raise AppError("conversation_moved")
            path.append(message)
            message_id = message.parent_id
        return path[::-1]

    def _add_answer(self, question: Message, *, model: str, think: bool, state: RunState) -> Message:
        """Add an answer to be written, as the new end of the shown branch; the caller commits."""
        answer = Message.add(self, question.id, role=Role.ASSISTANT)
        answer.parent = question
        answer.add_run(model=model, think=think, state=state)
        if self.personal_instructions is None:
            self.personal_instructions = db.session.get_one(User, self.user_id).instructions
        self.head_id, self.updated_at = answer.id, answer.created_at
        self.model, self.archived = model, False
        self.title = self.title or derive_title(question.content)
        return answer

    def _answer_to(self, client_id: str) -> Message | None:
        question = select(Message.id).where(Message.conversation_id == self.id, Message.client_id == client_id)
        return db.session.scalar(select(Message).where(Message.parent_id.in_(question)).order_by(Message.id).limit(1))


# Lists of conversations


def recent(user: User, *, cursor: str = "", containing: str = "", limit: int = PAGE_LENGTH) -> list[Conversation]:
    """Return the user's conversations that are not archived, latest first; `containing`: text in their titles."""
    query = _all_of(user)
    if containing:
        query = query.where(contains(Conversation.title, spellings(normalize(containing))))
    return _page(query, cursor, limit)


def unfiled(user: User, *, cursor: str = "") -> list[Conversation]:
    """Return a page of the conversations that are neither pinned nor in a folder."""
    return _page(_all_of(user).where(~Conversation.pinned, Conversation.folder_id.is_(None)), cursor)


def pinned(user: User) -> list[Conversation]:
    """Return the pinned conversations, in a folder or not."""
    return _page(_all_of(user).where(Conversation.pinned), limit=MAX_PINNED)


def in_folder(user: User, folder_id: int, *, cursor: str = "") -> list[Conversation]:
    """Return a page of a folder's conversations, without the pinned ones."""
    return _page(_all_of(user).where(Conversation.folder_id == folder_id, ~Conversation.pinned), cursor)


def archived(user: User, *, cursor: str = "") -> list[Conversation]:
    """Return a page of the archived conversations."""
    return _page(_all_of(user, archived=True), cursor)


def next_cursor(conversations: list[Conversation]) -> str | None:
    """Return the cursor of the next page, None after the last one: the last conversation's `updated_at` and id."""
    if len(conversations) < PAGE_LENGTH:
        return None
    return f"{conversations[-1].updated_at.timestamp()!r}_{conversations[-1].id}"


def being_written(which: ColumnElement[bool]) -> list[Message]:
    """Return the answers that are queued or running in such conversations."""
    query = select(Message).join(Message.run).join(Message.conversation)
    return list(db.session.scalars(query.where(which, Run.state.in_(ACTIVE))))


def running_states(user: User) -> dict[str, str]:
    """Return the user's conversations that are being answered: id → "queued" or "running"."""
    rows = db.session.execute(
        select(Message.conversation_id, Run.state)
        .join(Message.run)
        .join(Message.conversation)
        .where(Conversation.user_id == user.id, Run.state.in_(ACTIVE))
        .order_by(Run.queued_at.desc())
    )
    return {conversation_id: str(state) for conversation_id, state in rows}


def unread(conversations: list[Conversation]) -> set[str]:
    """Return the ids of the conversations whose last answer ended after they were last seen."""
    ids = [conversation.id for conversation in conversations]
    ended = select(Conversation.id).join(Run, Run.message_id == Conversation.head_id).where(Conversation.id.in_(ids))
    unseen = and_(Run.finished_at.is_not(None), Conversation.seen_at.is_(None))
    return set(db.session.scalars(ended.where(or_(unseen, Run.finished_at > Conversation.seen_at))))


def asked_with(file_ids: Collection[str]) -> dict[str, list[Conversation]]:
    """Return the conversations with questions that were asked with these files, by file, those in the trash too."""
    query = select(MessageFile.file_id, Conversation).join(Message, Message.id == MessageFile.message_id)
    query = query.join(Conversation, Conversation.id == Message.conversation_id)
    found: dict[str, list[Conversation]] = {each: [] for each in file_ids}
    for file_id, conversation in db.session.execute(query.where(MessageFile.file_id.in_(file_ids)).distinct()):
        found[file_id].append(conversation)
    return found


def _all_of(user: User, *, archived: bool = False) -> Select[tuple[Conversation]]:
    return select(Conversation).where(
        Conversation.user_id == user.id,
        Conversation.deleted_at.is_(None),
        Conversation.head_id.is_not(None),
        Conversation.archived == archived,
    )


def _page(query: Select[tuple[Conversation]], cursor: str = "", limit: int = PAGE_LENGTH) -> list[Conversation]:
    """Return the conversations after `cursor`, latest first; raises invalid_field."""
    moment, last = Conversation.updated_at, Conversation.id
    if cursor:
        timestamp, _, conversation_id = cursor.partition("_")
        try:
            before = datetime.fromtimestamp(float(timestamp), UTC)
        except (ValueError, OverflowError, OSError):
            raise AppError("invalid_field", field="cursor") from None
        query = query.where(or_(moment < before, and_(moment == before, last < conversation_id)))
    return list(db.session.scalars(query.order_by(moment.desc(), last.desc()).limit(limit)))
