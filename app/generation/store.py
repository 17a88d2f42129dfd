"""What a run reads from the rows and writes to them; each call is one short transaction."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from app.engines.base import Usage
from app.errors import AppError, sentence
from app.extensions import db, in_context
from app.generation.prompt import Turn
from app.models import Conversation, Message, Run, RunState, User
from app.models.types import utcnow

# Done runs from which the next ones are expected.
RUNS_REMEMBERED = 100


# Plain statements, built once: a run's thread shares its core with everybody's answers.
WRITE_TEXT = update(Message.__table__).where(Message.id == bindparam("answer"))
WRITE_RUN = update(Run.__table__).where(Run.message_id == bindparam("answer"))
TURNS = (
    select(
        *(Message.id, Message.parent_id, Message.role, Message.content, Message.thinking),
        *(Run.model, Run.think, User.locale),
        *(Conversation.personal_instructions, Conversation.instructions),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(User, User.id == Conversation.user_id)
    .outerjoin(Run, Run.message_id == Message.id)
    .where(Message.conversation_id == bindparam("conversation"))
)


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run needs to know: the branch ends with the question, or with the answer to go on writing."""

    model: str
    think: bool
    branch: list[Turn]
    content: str
    thinking: str
    locale: str | None
    # The person's text and the conversation's own, for `prompt.system_text`.
    instructions: tuple[str | None, str] = (None, "")


class Store:
    """Rows seen from the runs' threads; `context` gives the application's context."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._database: Engine | None = None

    def begin(self, message_id: int, conversation_id: str, *, mark: bool) -> Job:
        """The job of a run; `mark` it as running if it was stored as queued.

        Raises not_found when its conversation was erased meanwhile.
        """
        if mark:
            with self._transaction() as connection:
                connection.execute(WRITE_RUN, {"answer": message_id, "state": RunState.RUNNING})
        with self._transaction() as connection:
            rows = {row.id: row for row in connection.execute(TURNS, {"conversation": conversation_id})}
        answer = rows.get(message_id)
        if answer is None:
            raise AppError("not_found")
        branch, place = [], answer.id
        while place in rows:
            branch.append(Turn(place, rows[place].role, rows[place].content))
            place = rows[place].parent_id
        instructions = (answer.personal_instructions, answer.instructions)
        texts = (answer.content, answer.thinking, answer.locale, instructions)
        return Job(answer.model, answer.think, branch[::-1], *texts)

    def next_job(self, conversation_id: str) -> tuple[Job, int] | None:
        """What a conversation's next question would find before it, and whose it is; None without an answer."""
        with self._context():
            conversation = db.session.get(Conversation, conversation_id)
            branch = conversation.branch() if conversation else []
            if conversation is None or not branch or branch[-1].run is None:
                return None
            turns = [Turn(turn.id, str(turn.role), turn.content) for turn in branch]
            instructions = (conversation.personal_instructions, conversation.instructions)
            job = Job(branch[-1].run.model, False, turns, "", "", None, instructions)
            return job, conversation.user_id

    def save(self, message_id: int, content: str, thinking: str) -> None:
        """Keep the text so far."""
        with self._transaction() as connection:
            connection.execute(WRITE_TEXT, {"answer": message_id, "content": content, "thinking": thinking})

    def cut(self, message_id: int, left_out: int, first_read: int | None) -> None:
        """Remember how many of the oldest messages the model does not read for this answer."""
        with self._context():
            run = db.session.get(Run, message_id)
            if run is not None:
                run.left_out, run.first_read = left_out, first_read
                db.session.commit()

    def finish(
        self,
        message_id: int,
        state: RunState,
        *,
        content: str | None = None,
        thinking: str = "",
        reason: str | None = None,
        error: AppError | None = None,
        metrics: dict[str, Any] | None = None,
        locale: str | None = None,
    ) -> dict[str, str] | None:
        """Store the end of a run, all in one commit; returns the error as the wire shows it."""
        with self._transaction() as connection:
            if content is not None:
                connection.execute(WRITE_TEXT, {"answer": message_id, "content": content, "thinking": thinking})
            end = {"answer": message_id, "state": state, "reason": reason, "metrics": metrics, "finished_at": utcnow()}
            if error is not None:
                end |= {"error_code": error.code, "error_params": error.params, "error_cause": error.cause[:1000]}
            connection.execute(WRITE_RUN, end)
        return self.describe(error, locale) if error else None

    def describe(self, error: AppError, locale: str | None) -> dict[str, str]:
        """A failure that could not be stored, as the wire shows it."""
        with self._context():
            return {"code": error.code, "message": sentence(error.code, error.params, locale)}

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A connection, its work committed at the end: in a request the session's, as a second one could be waited
        for in vain; else one without a session, which costs more than most statements here."""
        if in_context():
            yield db.session.connection()
            db.session.commit()
            return
        if self._database is None:
            with self._context():
                self._database = db.engine
        with self._database.begin() as connection:
            yield connection

    def history(self) -> list[tuple[str, float, Usage]]:
        """What the last done runs took once they had a slot: model, seconds and the engine's counts, oldest first."""
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


def _usage(metrics: dict[str, Any]) -> Usage:
    return Usage(metrics["prompt_tokens"], metrics["cached_tokens"], metrics["prefill_ms"])
