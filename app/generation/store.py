"""Database access for runs; each call is one short transaction."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from app.engines.base import Usage
from app.errors import AppError, sentence
from app.extensions import db, in_context
from app.generation.prompt import BuiltPrompt, PromptMessage
from app.models import Conversation, Digest, FileState, Message, MessageFile, Passage, Role, Run, RunState, User
from app.models.attachments import NOTHING, Attachment, files_of, pictures_of
from app.models.base import utcnow
from app.models.file_store import file_store
from app.models.files import PICTURE, pages_of
from app.models.passages import EXCERPTS, excerpts_of
from app.text import clean

# Finished runs that the estimates begin with.
RUNS_REMEMBERED = 100
# Longest stored cause of a failure, in characters.
MAX_CAUSE = 1000

# Core statements, built once: they cost run threads less CPU than the ORM.
WRITE_TEXT = update(Message.__table__).where(Message.id == bindparam("answer"))
WRITE_RUN = update(Run.__table__).where(Run.message_id == bindparam("answer"))
MESSAGES = (
    select(
        *(Message.id, Message.parent_id, Message.role, Message.content, Message.attached, Message.thinking),
        *(Run.model, Run.think, User.locale),
        *(Conversation.personal_instructions, Conversation.instructions),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(User, User.id == Conversation.user_id)
    .outerjoin(Run, Run.message_id == Message.id)
    .where(Message.conversation_id == bindparam("conversation"))
)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. `content`, `thinking`: its whole text; None: as it is stored. `sources`: as `check` gives it."""

    state: RunState
    reason: str | None = None
    error: AppError | None = None
    content: str | None = None
    thinking: str = ""
    metrics: dict[str, Any] | None = None
    sources: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunInput:
    """Input of a run. `branch` ends with the question, or with the answer to continue, whose text so far is `content`
    and `thinking`.
    """

    model: str
    think: bool
    branch: list[PromptMessage]
    content: str
    thinking: str
    locale: str | None
    # The user's and the conversation's, for `prompt.system_text`.
    instructions: tuple[str | None, str] = (None, "")


class Piece(NamedTuple):
    """A piece of a document's page: the document's name, the page's number, the text."""

    name: str
    page: int
    text: str


class NotesSoFar(NamedTuple):
    """What was noted of a question's documents: see `Digest`."""

    timing: str
    part_tokens: int
    rounds: list[list[str]]


class Store:
    """Reads and writes for the threads of runs; `context` makes an application context."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._database: Engine | None = None

    def begin(self, message_id: int, conversation_id: str, *, mark_running: bool) -> RunInput:
        """Return a run's input; with `mark_running`, first store the run as running.

        Raises not_found if its conversation was erased meanwhile.
        """
        if mark_running:
            self.mark_running(message_id)
        with self._transaction() as connection:
            rows = {row.id: row for row in connection.execute(MESSAGES, {"conversation": conversation_id})}
        pictures = {}
        if attached := [row.id for row in rows.values() if row.attached]:
            with self._context():
                pictures = pictures_of(attached)
        answer = rows.get(message_id)
        if answer is None:
            raise AppError("not_found")
        branch, place = [], answer.id
        while place in rows:
            row = rows[place]
            branch.append(PromptMessage(place, row.role, row.content, row.attached, pictures.get(place, ())))
            place = row.parent_id
        instructions = (answer.personal_instructions, answer.instructions)
        texts = (answer.content, answer.thinking, answer.locale, instructions)
        return RunInput(answer.model, answer.think, branch[::-1], *texts)

    def next_run(
        self, conversation_id: str, attachment: Attachment = NOTHING, model: str | None = None
    ) -> tuple[RunInput, int] | None:
        """Return the input that a conversation's next question would have, and the owner's id.

        `attachment`: what it will be asked with, as a message without words and with id 0 at the end; `model`: None for
        the one that answered last. None without anything to read.
        """
        with self._context():
            conversation = db.session.get(Conversation, conversation_id)
            branch = conversation.branch() if conversation else []
            if conversation is None or not (branch or attachment.text) or (branch and branch[-1].run is None):
                return None
            attached = [each.id for each in branch if each.attached]
            pictures = pictures_of(attached) if attached else {}
            messages = [
                PromptMessage(each.id, str(each.role), each.content, each.attached, pictures.get(each.id, ()))
                for each in branch
            ]
            if attachment.text:
                messages.append(PromptMessage(0, Role.USER, "", attachment.text, attachment.pictures))
            personal = conversation.personal_instructions
            if personal is None:
                personal = db.session.get_one(User, conversation.user_id).instructions
            answered = branch[-1].run if branch else None
            model = model or (answered.model if answered else conversation.model) or ""
            run = RunInput(model, False, messages, "", "", None, (personal, conversation.instructions))
            return run, conversation.user_id

    def with_images(self, messages: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
        """Return the messages of a prompt with their pictures in base64; without those whose bytes are lost."""
        return tuple(self._with_images(message) if "images" in message else message for message in messages)

    def _with_images(self, message: dict[str, Any]) -> dict[str, Any]:
        with self._context():
            store = file_store()
        found = [b64encode(data).decode() for each in message["images"] if (data := store.read(each))]
        text = {name: value for name, value in message.items() if name != "images"}
        return text | {"images": found} if found else text

    def save_text(self, message_id: int, content: str, thinking: str) -> None:
        """Store the text written so far."""
        with self._transaction() as connection:
            connection.execute(WRITE_TEXT, _text(message_id, content, thinking))

    def save_model(self, message_id: int, model: str) -> None:
        """Store the model that stands for the one that a run was asked with, for its conversation too."""
        with self._context():
            run = db.session.get(Run, message_id)
            if run is not None:
                conversation = run.message.conversation
                conversation.model = model if conversation.model == run.model else conversation.model
                run.model = model
                db.session.commit()

    def save_cut(self, message_id: int, built: BuiltPrompt) -> list[str]:
        """Store what the prompt left out; return the names of the documents and pictures that it does not have."""
        with self._context():
            names = [
                file.name
                for question, files in files_of({*built.unread, *built.unseen}).items()
                for file in files
                if question in (built.unseen if file.kind == PICTURE else built.unread)
            ]
            run = db.session.get(Run, message_id)
            if run is not None:
                run.left_out, run.first_read, run.unread = built.left_out, built.first_read, names or None
                db.session.commit()
            return names

    def passages(self, question_id: int) -> list[str]:
        """Return the passages that a question was asked with, in the order of their numbers."""
        with self._context():
            return [passage.text for passage in excerpts_of([question_id]).get(question_id, {}).values()]

    def pages(self, question_id: int) -> list[tuple[int, str]]:
        """Return the numbers and texts of all pages of the files that a question was asked with."""
        with self._context():
            files = [file.id for file in files_of([question_id]).get(question_id, [])]
            return [page for pages in pages_of(files).values() for page in pages]

    def pieces(self, question_id: int) -> tuple[list[str], list[Piece]]:
        """Return the names of a question's documents, and all their text in pieces, in its order. Raises
        document_erased.
        """
        with self._context():
            files = [file for file in files_of([question_id]).get(question_id, []) if file.kind != PICTURE]
            query = EXCERPTS.join(MessageFile, MessageFile.file_id == Passage.file_id)
            query = query.where(MessageFile.message_id == question_id).order_by(MessageFile.position, Passage.id)
            pieces = [Piece(name, page, content) for _, _, name, page, content in db.session.execute(query)]
            if not pieces or any(file.state != FileState.READY for file in files):
                raise AppError("document_erased")
            return [file.name for file in files], pieces

    def notes(self, question_id: int) -> NotesSoFar:
        """Return what was noted of a question's documents. Raises not_found if it was erased meanwhile."""
        with self._context():
            digest = db.session.get(Digest, question_id)
            if digest is None:
                raise AppError("not_found")
            return NotesSoFar(digest.timing, digest.part_tokens, [list(notes) for notes in digest.rounds])

    def save_notes(self, question_id: int, rounds: list[list[str]], *, parts: int, part_tokens: int) -> None:
        """Store what was noted of a question's documents so far."""
        values = {"rounds": [[clean(note) for note in notes] for notes in rounds]}
        with self._transaction() as connection:
            connection.execute(
                update(Digest.__table__).where(Digest.message_id == question_id),
                values | {"parts": parts, "part_tokens": part_tokens},
            )

    def end_notes(self, question_id: int, attached: str) -> None:
        """Store what the model reads before a question now that all of its documents was read."""
        with self._transaction() as connection:
            connection.execute(WRITE_TEXT, {"answer": question_id, "attached": clean(attached)})
            connection.execute(delete(Digest.__table__).where(Digest.message_id == question_id))

    def drop_notes(self, question_id: int) -> None:
        """Forget what was noted of a question's documents: whoever asks again has them read from the beginning."""
        self.save_notes(question_id, [], parts=0, part_tokens=0)

    def mark_running(self, message_id: int) -> None:
        """Store that a run is being written."""
        with self._transaction() as connection:
            connection.execute(WRITE_RUN, {"answer": message_id, "state": RunState.RUNNING})

    def put_back(self, message_id: int, content: str | None, thinking: str) -> None:
        """Store a run as waiting again, with the text written so far; None: as it is stored."""
        with self._transaction() as connection:
            if content is not None:
                connection.execute(WRITE_TEXT, _text(message_id, content, thinking))
            connection.execute(WRITE_RUN, {"answer": message_id, "state": RunState.QUEUED})

    def finish(self, message_id: int, end: RunEnd) -> None:
        """Store the end of a run in one commit."""
        with self._transaction() as connection:
            if end.content is not None:
                connection.execute(WRITE_TEXT, _text(message_id, end.content, end.thinking))
            values = {"answer": message_id, "state": end.state, "reason": end.reason}
            values |= {"metrics": end.metrics, "sources": end.sources}
            if end.error is not None:
                cause = clean(end.error.cause)[:MAX_CAUSE]
                values |= {"error_code": end.error.code, "error_params": end.error.params, "error_cause": cause}
            connection.execute(WRITE_RUN, values | {"finished_at": utcnow()})

    def describe(self, error: AppError, locale: str | None, *, midway: bool) -> dict[str, str]:
        """Return an error as sent to clients. `midway`: the answer has text."""
        with self._context():
            return {"code": error.code, "message": sentence(error.code, error.params, locale, midway=midway)}

    def recent_runs(self) -> list[tuple[str, float, Usage]]:
        """Return the last done runs, oldest first: model, seconds from getting a slot to the end, and the engine's
        counts.
        """
        with self._context():
            rows = db.session.execute(
                select(Run.model, Run.metrics)
                .where(Run.state == RunState.DONE, Run.measured_here())
                .order_by(Run.queued_at.desc())
                .limit(RUNS_REMEMBERED)
            )
            return [
                (model, (metrics["total_ms"] - metrics["queue_ms"]) / 1000, _usage(metrics))
                for model, metrics in rows
                if metrics
            ][::-1]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Yield a connection and commit at the end.

        In a request it is the session's, as waiting for a second one could take for ever. Elsewhere it is one without a
        session, which would cost more than most statements here.
        """
        if in_context():
            try:
                yield db.session.connection()
                db.session.commit()
            except BaseException:
                db.session.rollback()
                raise
            return
        if self._database is None:
            with self._context():
                self._database = db.engine
        with self._database.begin() as connection:
            yield connection


def _text(message_id: int, content: str, thinking: str) -> dict[str, Any]:
    """Return the values of WRITE_TEXT."""
    return {"answer": message_id, "content": clean(content), "thinking": clean(thinking)}


def _usage(metrics: dict[str, Any]) -> Usage:
    names = ("prompt_tokens", "cached_tokens", "prefill_ms", "output_tokens", "decode_ms")
    return Usage(*(metrics.get(name) for name in names))
