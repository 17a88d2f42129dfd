"""Carries one run: from the rows to the engine, from the engine to the followers and back to the rows."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import ChatRequest, Done, EngineEvent, Loading, Reading, Text, Thinking, Usage
from app.engines.rapl import Meter
from app.errors import AppError
from app.generation import figures, prompt
from app.generation.estimates import Estimates
from app.generation.events import Event, EventStream
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings
from app.generation.queue import Ticket
from app.generation.store import RunInput, Store
from app.models import RunState

# The text is kept this often while it grows: what a crash may lose.
SNAPSHOT_S = 2.0
# How often, and after what pauses, the end of an answer is stored again when the database refuses it.
STORE_RETRIES_S = (0.2, 1.0, 3.0)
# A prompt that the engine finds too long is cut again, this many times.
CUTS = 3

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class RunTicket(Ticket):
    """A run's ticket. Times are monotonic seconds; `expected_s` is the wait that was foretold when it came."""

    channel: EventStream = field(default_factory=EventStream)
    queued: float = field(default_factory=time.monotonic)
    expected_s: float | None = None
    # Whether the rows say already that it runs.
    marked: bool = False
    # The last (position, people at work, answers of the same person before it) told.
    told: tuple[int, int, int] | None = None


class Carrier:
    """One run at work."""

    def __init__(
        self,
        ticket: RunTicket,
        *,
        registry: ModelRegistry,
        store: Store,
        settings: GenerationSettings,
        estimates: Estimates,
        meter: Meter | None = None,
    ) -> None:
        self._ticket = ticket
        self._channel = ticket.channel
        self._registry = registry
        self._store = store
        self._settings = settings
        self._estimates = estimates
        self._meter = meter
        self._events: Iterator[EngineEvent] = iter(())
        self._done: dict[str, Any] = {}
        self._first_text: float | None = None
        self._loading_s = 0.0
        self._content: list[str] = []
        self._thinking: list[str] = []
        self._saved = ticket.started

    def carry(self) -> AppError | None:
        """Write the answer; whatever happens, the run ends in the rows. Returns the failure, if any."""
        locale = None
        state, reason, error, usage = RunState.FAILED, None, None, Usage()
        try:
            run = self._store.begin(self._key, self._ticket.conversation_id, mark_running=not self._ticket.marked)
            locale = run.locale
            self._content.append(run.content)
            self._thinking.append(run.thinking)
            self._registry.verify(run.model)
            self._settings = self._settings.for_context(self._registry.context_of(run.model))
            done = self._write(run)
            if done is not None:
                state, reason, usage = RunState.DONE, done.reason, done.usage
            elif self._ticket.interrupted:
                state, error = RunState.INTERRUPTED, AppError("interrupted")
            else:
                state = RunState.STOPPED
        except AppError as failure:
            error = failure
        except SQLAlchemyError as failure:
            error = AppError("database_busy", cause=str(failure))
        except Exception as failure:
            # Nobody waits for this thread: what is not told here is told nowhere.
            logger.exception("run failed run=%s", self._key)
            error = AppError("internal_error", cause=repr(failure))
        self._finish(state, reason, error, usage, locale)
        return error

    def tell(self) -> None:
        """Tell the followers that the run has ended; nobody waits for it any more."""
        self._ticket.finished = True
        self._channel.publish(Event.DONE, self._done, last=True)
        # The engine may have something to put away.
        for _ in self._events:
            pass

    @property
    def wrote(self) -> bool:
        """Whether anything came from the model."""
        return self._first_text is not None

    @property
    def thought(self) -> bool:
        """Whether the model wrote thinking before its answer."""
        return bool(self._thinking and any(self._thinking))

    @property
    def _key(self) -> int:
        assert isinstance(self._ticket.key, int)  # noqa: S101 - a run's ticket is its message's
        return self._ticket.key

    def _write(self, run: RunInput) -> Done | None:
        """The engine's last event, or None when the run was cancelled."""
        budget = self._settings.prompt_budget
        for attempt in range(CUTS + 1):
            try:
                return self._attempt(run, budget)
            except AppError as error:
                if error.code != "context_exceeded" or attempt == CUTS or self._first_text is not None:
                    raise
                budget //= 2
        raise AssertionError

    def _attempt(self, run: RunInput, budget: int) -> Done | None:
        built = prompt.build(prompt.system_text(self._settings.system_prompt, *run.instructions), run.branch, budget)
        if built.left_out:
            self._store.save_cut(self._key, built.left_out, built.first_read)
            self._channel.publish(Event.CONTEXT, {"left_out": built.left_out, "first_read": built.first_read})
        request = ChatRequest(
            run.model,
            built.messages,
            think=run.think,
            max_tokens=self._settings.max_tokens,
            temperature=self._settings.temperature,
            conversation_id=self._ticket.conversation_id,
            patience_s=self._estimates.read_timeout(run.model, built.tokens),
        )
        self._events = self._registry.engine.stream(request, self._ticket.cancel)
        for event in self._events:
            if self._ticket.cancel.is_set():
                return None
            match event:
                case Text(text):
                    self._grow(Event.TEXT, self._content, text)
                case Thinking(text):
                    self._grow(Event.THINKING, self._thinking, text)
                case Reading(done, total):
                    self._channel.publish(Event.READING, {"done": done, "total": total})
                case Loading(elapsed_s, loaded):
                    self._loading_s = elapsed_s
                    self._channel.publish(
                        Event.LOADING, {"model": run.model, "elapsed_s": round(elapsed_s, 1), "loaded": loaded}
                    )
                case Done():
                    return event
        return None

    def _grow(self, event: Event, parts: list[str], text: str) -> None:
        now = time.monotonic()
        if self._first_text is None:
            self._first_text = now
        parts.append(text)
        self._channel.publish(event, {"text": text})
        if now - self._saved >= SNAPSHOT_S:
            self._saved = now
            try:
                self._store.save_text(self._key, "".join(self._content), "".join(self._thinking))
            except SQLAlchemyError:
                logger.warning("snapshot not saved run=%s", self._key, exc_info=True)

    def _finish(
        self, state: RunState, reason: str | None, error: AppError | None, usage: Usage, locale: str | None
    ) -> None:
        metrics = figures.of(self._ticket, usage, self._first_text, self._loading_s, self._meter)
        if state == RunState.DONE:
            self._estimates.learn(self._ticket.model, time.monotonic() - self._ticket.started, usage)
        if error is not None and state == RunState.FAILED:
            logger.warning("run failed run=%s code=%s cause=%s", self._key, error.code, error.cause)
        shown = None
        for pause in (*STORE_RETRIES_S, None):
            try:
                shown = self._store.finish(
                    self._key,
                    state,
                    content="".join(self._content),
                    thinking="".join(self._thinking),
                    reason=reason,
                    error=error,
                    metrics=metrics,
                    locale=locale,
                )
                break
            except SQLAlchemyError as failure:
                logger.exception("end of run not stored run=%s", self._key)
                if pause is None:
                    state, reason, error = RunState.FAILED, None, AppError("storage_full", cause=str(failure))
                    shown = self._store.describe(error, locale)
                else:
                    time.sleep(pause)
        self._done = {"status": str(state), "reason": reason, "error": shown, "metrics": metrics}
