"""Conversations: their owner, their title, their tree of messages, and the verbs that add to it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.errors import AppError
from app.extensions import db
from app.models.folder import Folder
from app.models.message import Follows, Message, Role
from app.models.run import ACTIVE, Run, RunState
from app.models.share import Share
from app.models.titles import title_from
from app.models.types import UtcDateTime, public_id, utcnow
from app.models.user import User


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
        follows: Follows,
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
        self.title = self.title or title_from(question.content)
        return answer

    def _answer_to(self, client_id: str) -> Message | None:
        question = select(Message.id).where(Message.conversation_id == self.id, Message.client_id == client_id)
        return db.session.scalar(select(Message).where(Message.parent_id.in_(question)).order_by(Message.id).limit(1))
