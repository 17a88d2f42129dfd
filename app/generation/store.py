"""What a run reads from the rows and writes to them; each call is one short transaction."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.engines.base import Usage
from app.errors import AppError, sentence
from app.extensions import db
from app.generation.prompt import Turn
from app.generation.wire import error_json
from app.models import Conversation, Message, Run, RunState, User
from app.models.types import utcnow

# Done runs from which the next ones are expected.
RUNS_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run needs to know: the branch ends with the question, or with the answer to go on writing."""

    model: str
    think: bool
    branch: list[Turn]
    content: str
    thinking: str
    locale: str | None


class Store:
    """Rows seen from the runs' threads; `context` gives the application's context."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context

    def begin(self, message_id: int) -> Job:
        """Mark a run as running and return its job; not_found when its conversation was erased meanwhile."""
        with self._context():
            message = db.session.get(Message, message_id)
            if message is None or message.run is None:
                raise AppError("not_found")
            message.run.state = RunState.RUNNING
            db.session.commit()
            path = message.conversation.path_to(message.id)
            owner = db.session.get(User, message.conversation.user_id)
            return Job(
                model=message.run.model,
                think=message.run.think,
                content=message.content,
                thinking=message.thinking,
                branch=[Turn(turn.id, str(turn.role), turn.content) for turn in path],
                locale=owner.locale if owner else None,
            )

    def next_job(self, conversation_id: str) -> tuple[Job, int] | None:
        """What a conversation's next question would find before it, and whose it is; None without an answer."""
        with self._context():
            conversation = db.session.get(Conversation, conversation_id)
            branch = conversation.branch() if conversation else []
            if conversation is None or not branch or branch[-1].run is None:
                return None
            turns = [Turn(turn.id, str(turn.role), turn.content) for turn in branch]
            job = Job(branch[-1].run.model, False, turns, content="", thinking="", locale=None)
            return job, conversation.user_id

    def save(self, message_id: int, content: str, thinking: str) -> None:
        """Keep the text so far."""
        with self._context():
            message = db.session.get(Message, message_id)
            if message is not None:
                message.content, message.thinking = content, thinking
                db.session.commit()

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
        with self._context():
            message = db.session.get(Message, message_id)
            if message is None or message.run is None:
                return None
            if content is not None:
                message.content, message.thinking = content, thinking
            run = message.run
            run.state, run.reason, run.metrics, run.finished_at = state, reason, metrics, utcnow()
            if error is not None:
                run.error_code, run.error_params, run.error_cause = error.code, error.params, error.cause[:1000]
            db.session.commit()
            return error_json(run, locale)

    def describe(self, error: AppError, locale: str | None) -> dict[str, str]:
        """A failure that could not be stored, as the wire shows it."""
        with self._context():
            return {"code": error.code, "message": sentence(error.code, error.params, locale)}

    def history(self) -> list[tuple[str, float, Usage]]:
        """What the last done runs took once they had a slot: model, seconds and the engine's counts, oldest first."""
        with self._context():
            rows = db.session.execute(
                select(Run.model, Run.metrics)
                .where(Run.state == RunState.DONE)
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
