"""The work of run threads: write stored answers, and meter an answer's energy."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import ChatRequest, Done, Engine, EngineEvent, Loading, Reading, Retold, Text, Thinking, Usage
from app.errors import AppError, database_failure
from app.generation import citations, prompt, run_ends
from app.generation.background import Prefill
from app.generation.estimates import Estimates
from app.generation.events import Event, EventStream
from app.generation.model_registry import ModelRegistry
from app.generation.part_reading import PartReader
from app.generation.prompt import GenerationSettings, PromptMessage
from app.generation.queue import Priority, Ticket
from app.generation.rapl import EnergyMeter, RaplZone, find_zones
from app.generation.run_ends import RunEnds
from app.generation.store import RunEnd, RunInput, Store
from app.models import Role, RunState
from app.text import clean

# Seconds between two saves of a growing text: what a crash may lose.
SAVE_EVERY_S = 2.0
# Longest reason of an end that is stored, in characters.
MAX_REASON = 40
# How often a prompt that the engine finds too long is halved.
MAX_CUTS = 3
# Failures of the engine after which a deferred answer goes on so many seconds later; those that the answer itself may
# cause end it after so many in a row.
LATER_CODES = ("engine_unreachable", "engine_busy", "engine_silent", "engine_cut")
LATER_S = 60.0
MOST_FAILURES = 5
# Seconds before the engine's processes are looked for again after none was found on this machine.
LOOK_AGAIN_S = 600.0
METRICS = (
    "queue_ms", "expected_queue_ms", "load_ms", "prompt_tokens", "cached_tokens", "prefill_ms", "output_tokens",
    "decode_ms", "first_token_ms", "total_ms", "overhead_ms", "energy_j",
)  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class AnswerTicket(Ticket):
    """The ticket of an answer that is stored; its key is the message's id."""

    events: EventStream = field(kw_only=True)
    # The data of its first event.
    accepted: dict[str, Any] = field(kw_only=True)
    # When it was queued, in monotonic seconds.
    queued: float = field(default_factory=time.monotonic)
    # The first estimate of its wait, in seconds; None if unknown or if it did not wait.
    expected_wait_s: float | None = None
    # True if the row's state is already "running".
    stored_as_running: bool = False
    # What was announced last: position, running tickets, tickets of the same user before it.
    last_place: tuple[int, int, int] | None = None
    # When it was, in monotonic seconds; and whether to publish the place again, as the wait told with it has aged.
    told_at: float = 0.0
    is_outdated: bool = False
    # Of a deferred answer: when it may start again after a failure of the engine, in monotonic seconds; the failures in
    # a row; and how far its documents are read, as the page shows it.
    not_before: float = 0.0
    failures: int = 0
    part: dict[str, Any] | None = None

    @property
    def message_id(self) -> int:
        """The answer's id."""
        assert isinstance(self.key, int)  # noqa: S101 - by the definition of these tickets
        return self.key


class Worker:
    """Write stored answers, each in a thread of the queue."""

    def __init__(
        self,
        registry: ModelRegistry,
        store: Store,
        *,
        ends: RunEnds,
        estimates: Estimates,
        prefill: Prefill,
        settings: GenerationSettings,
    ) -> None:
        self._registry = registry
        self._store = store
        self._ends = ends
        self._estimates = estimates
        self._prefill = prefill
        self._settings = settings
        self._parts = PartReader(registry, store, estimates)
        self.energy = AnswerEnergy(registry.engine)

    def write(self, ticket: Ticket) -> None:
        """Write one answer; whatever happens, its run's end is stored and its events end."""
        assert isinstance(ticket, AnswerTicket)  # noqa: S101 - only those are queued with this work
        if ticket.last_place is not None:
            ticket.events.publish(Event.QUEUED, {"position": 0, "ahead": 0, "own": 0, "eta_s": 0})
        writing = _Writing(
            ticket,
            self._registry,
            self._store,
            ends=self._ends,
            estimates=self._estimates,
            parts=self._parts,
            settings=self._settings,
            meter=self.energy.meter,
        )
        hung = False
        try:
            error = writing.run()
            hung = error is not None and error.code == "engine_silent"
            self._update_registry_and_prefill(ticket, writing, error)
        finally:
            ticket.finished = not (hung or ticket.again)
            writing.announce_end()
        if hung:
            # Keep the slot meanwhile: the next question would wait unseen in the engine.
            self._registry.restart(ticket.model)

    def _update_registry_and_prefill(self, ticket: AnswerTicket, writing: "_Writing", error: AppError | None) -> None:
        """Note what the answer says of the engine: its model is loaded, its cache is up to date."""
        # What went wrong may have been the loss of the engine or of the model.
        ticket.when_free = self._registry.wake
        if error is None and writing.wrote and not ticket.again:
            self._registry.mark_loaded(ticket.model)
            if writing.thought:
                # The next prompt leaves the thinking out, so the engine's cache does not match it: prefill it now.
                ticket.when_free = lambda: self._read_ahead(ticket.conversation_id)
            else:
                ticket.when_free = lambda: None
                self._prefill.mark_read(ticket.conversation_id, ticket.message_id, ticket.model)

    def _read_ahead(self, conversation_id: str) -> None:
        try:
            self._prefill.start(conversation_id)
        except SQLAlchemyError:
            logger.warning("nothing read ahead conversation=%s", conversation_id, exc_info=True)


class _Writing:
    """The state of one answer while it is being written."""

    def __init__(
        self,
        ticket: AnswerTicket,
        registry: ModelRegistry,
        store: Store,
        *,
        ends: RunEnds,
        estimates: Estimates,
        parts: PartReader,
        settings: GenerationSettings,
        meter: Callable[[], EnergyMeter | None],
    ) -> None:
        self._ticket = ticket
        self._message_id = ticket.message_id
        self._events = ticket.events
        self._registry = registry
        self._store = store
        self._ends = ends
        self._estimates = estimates
        self._parts = parts
        self._settings = settings
        self._start_meter = meter
        self._meter: EnergyMeter | None = None
        self._engine_events: Iterator[EngineEvent] = iter(())
        self._locale: str | None = None
        # The data of the last event.
        self._done: dict[str, Any] = {
            "status": str(RunState.FAILED), "reason": None, "error": None, "metrics": None, "sources": None,
        }  # fmt: skip
        self._question: PromptMessage | None = None
        self._first_text: float | None = None
        self._loading_s = 0.0
        self._content: list[str] = []
        self._thinking: list[str] = []
        self._saved = ticket.started

    @property
    def wrote(self) -> bool:
        """True if any text or thinking came from the model."""
        return self._first_text is not None

    @property
    def thought(self) -> bool:
        """True if the model wrote thinking before its answer."""
        return any(self._thinking)

    def run(self) -> AppError | None:
        """Write the answer and store its end; return the error, if any."""
        state, reason, error, usage = RunState.FAILED, None, None, Usage()
        try:
            self._meter = self._start_meter()
            run = self._store.begin(
                self._message_id,
                self._ticket.conversation_id,
                mark_running=not (self._ticket.stored_as_running or self._is_deferred),
            )
            self._locale = run.locale
            self._question = next((each for each in reversed(run.branch) if each.role == Role.USER), None)
            self._content.append(run.content)
            self._thinking.append(run.thinking)
            run = self._resolved(run)
            self._settings = self._settings.for_model(run.model, self._registry.context_of(run.model))
            done = self._write(run)
            if done is not None:
                state, reason, usage = RunState.DONE, clean(done.reason)[:MAX_REASON], done.usage
            elif self._ticket.gives_way:
                return self._give_way()
            elif self._ticket.interrupted:
                state, error = RunState.INTERRUPTED, AppError("interrupted")
            else:
                state = RunState.STOPPED
                self._drop_notes()
        except AppError as failure:
            if self._goes_on_later(failure):
                return self._give_way(failure)
            error = failure
        except Exception as failure:
            error = database_failure(failure)
            if error.code == "internal_error":
                # Exceptions of this thread reach no caller: log them here.
                logger.exception("run crashed run=%s", self._message_id)
        self._finish(state, reason, error, usage)
        return error

    def announce_end(self) -> None:
        """Publish the last event, if this was not given up for later, then exhaust the engine's stream, in which it may
        save the prompt cache.
        """
        if not self._ticket.again:
            self._events.publish(Event.DONE, self._done, last=True)
        try:
            for _ in self._engine_events:
                pass
        except Exception:
            # The answer has ended: it only costs time later.
            logger.warning("prompt cache not saved run=%s", self._message_id, exc_info=True)

    @property
    def _is_deferred(self) -> bool:
        return self._ticket.priority == Priority.DEFERRED

    def _with_notes(self, run: RunInput) -> RunInput | None:
        """Have the documents of a deferred question read, if they were not; return the run with the notes of them.

        None if it was cancelled meanwhile.
        """
        question = self._question
        if question is not None and prompt.is_unread(question.attached):
            notes = self._parts.read(question, run, self._settings, self._ticket.cancel, self._tell_part)
            if notes is None:
                return None
            self._question = question._replace(attached=notes)
            if self._ticket.part:
                self._tell_part(self._ticket.part | {"done": self._ticket.part["total"]})
            branch = [self._question if each.id == question.id else each for each in run.branch]
            run = replace(run, branch=branch)
        self._store.mark_running(self._message_id)
        return run

    def _tell_part(self, part: dict[str, Any]) -> bool:
        """Publish how far the documents are read; return False if the rest is to be read later."""
        if part["done"] != (self._ticket.part or part)["done"]:
            self._ticket.failures = 0
        if not self._ticket.is_due():
            # The night is over.
            self._ticket.cancel.set()
        if self._ticket.cancel.is_set():
            return False
        self._ticket.part = part
        self._events.publish(Event.PART, part)
        return True

    def _goes_on_later(self, failure: AppError) -> bool:
        """Return whether a deferred answer is to be tried again after this failure."""
        ticket = self._ticket
        if not self._is_deferred or ticket.stopped or failure.code not in LATER_CODES:
            return False
        ticket.failures += failure.code not in ("engine_unreachable", "engine_busy")
        ticket.not_before = time.monotonic() + LATER_S
        return ticket.failures < MOST_FAILURES

    def _give_way(self, failure: AppError | None = None) -> AppError | None:
        """Let a deferred answer wait for its next turn, with what it has; return the failure."""
        content = "".join(self._content) if self.wrote else None
        self._store.put_back(self._message_id, content, "".join(self._thinking))
        if self._ticket.part:
            self._events.publish(Event.PART, self._ticket.part | {"reading": False})
        self._ticket.again = True
        return failure

    def _drop_notes(self) -> None:
        if self._question is not None and prompt.is_unread(self._question.attached):
            self._store.drop_notes(self._question.id)

    def _resolved(self, run: RunInput) -> RunInput:
        """Return the run with the model to use, after waiting for an engine that is starting."""
        for loading in self._registry.await_model(run.model, self._ticket.cancel, self._settings.read_timeout_s):
            self._announce_loading(run.model, loading)
        if self._ticket.cancel.is_set():
            return run
        model = self._registry.resolve(run.model)
        if model == run.model:
            return run
        self._store.save_model(self._message_id, model)
        self._ticket.model = model
        self._announce_loading(model, Loading(self._loading_s))
        return replace(run, model=model)

    def _announce_loading(self, model: str, event: Loading) -> None:
        self._loading_s = event.elapsed_s
        told = {"model": model, "elapsed_s": round(event.elapsed_s, 1), "loaded": event.loaded}
        self._events.publish(Event.LOADING, told)

    def _write(self, run: RunInput) -> Done | None:
        """Stream the answer, halving the prompt budget each time the engine finds the prompt too long.

        Returns the engine's last event, or None if the run was cancelled.
        """
        if self._is_deferred:
            if (read := self._with_notes(run)) is None:
                return None
            run = read
        budget = self._settings.prompt_budget
        for attempt in range(MAX_CUTS + 1):
            try:
                return self._attempt(run, budget)
            except AppError as error:
                if error.code != "context_exceeded" or attempt == MAX_CUTS or self.wrote:
                    raise
                budget //= 2
        raise AssertionError

    def _attempt(self, run: RunInput, budget: int) -> Done | None:
        system = prompt.system_text(self._settings.system_prompt, *run.instructions)
        image_tokens = self._registry.image_tokens(run.model)
        built = prompt.build(system, run.branch, budget, self._settings.document_tokens, image_tokens)
        if not built.is_whole:
            unread = self._store.save_cut(self._message_id, built)
            told = {"left_out": built.left_out, "first_read": built.first_read, "unread": unread}
            self._events.publish(Event.CONTEXT, told)
        request = ChatRequest(
            run.model,
            self._store.with_images(built.messages),
            think=run.think,
            max_tokens=self._settings.max_tokens,
            temperature=self._settings.temperature,
            repeat_penalty=self._settings.repeat_penalty,
            conversation_id=self._ticket.conversation_id,
            read_timeout_s=self._estimates.read_timeout(run.model, built.tokens),
        )
        self._engine_events = self._registry.engine.stream(request, self._ticket.cancel)
        for event in self._engine_events:
            if self._ticket.cancel.is_set():
                return None
            match event:
                case Text(text):
                    self._grow(Event.TEXT, self._content, text)
                case Thinking(text):
                    self._grow(Event.THINKING, self._thinking, text)
                case Retold(thinking):
                    self._tell_again(thinking)
                case Reading(done, total):
                    self._events.publish(Event.READING, {"done": done, "total": total})
                case Loading():
                    self._announce_loading(run.model, event)
                case Done():
                    return event
        return None

    def _grow(self, event: Event, parts: list[str], text: str) -> None:
        now = time.monotonic()
        if self._first_text is None:
            self._first_text = now
        parts.append(text)
        self._events.publish(event, {"text": text})
        if now - self._saved >= SAVE_EVERY_S:
            try:
                self._store.save_text(self._message_id, "".join(self._content), "".join(self._thinking))
            except Exception as failure:  # noqa: BLE001 - the next one may succeed, and the end is stored anyway
                logger.warning("text not saved run=%s cause=%s", self._message_id, database_failure(failure).cause)
            # Not `now`: a locked database has made it wait.
            self._saved = time.monotonic()

    def _tell_again(self, thinking: str) -> None:
        # The first element of each is what an earlier attempt left.
        self._thinking[1:], self._content[1:] = [thinking], []
        whole = {"content": "".join(self._content), "thinking": "".join(self._thinking), "status": "running"}
        accepted = self._ticket.accepted
        self._events.publish(Event.ACCEPTED, accepted | {"message": accepted["message"] | whole, "reset": True})

    def _finish(self, state: RunState, reason: str | None, error: AppError | None, usage: Usage) -> None:
        metrics: dict[str, Any] | None = None
        try:
            metrics = self._metrics(usage)
            if state == RunState.DONE:
                self._estimates.learn(self._ticket.model, time.monotonic() - self._ticket.started, usage)
        except Exception:
            logger.exception("no figures of run=%s", self._message_id)
        if error is not None and state == RunState.FAILED:
            logger.warning("run failed run=%s code=%s cause=%s", self._message_id, error.code, error.cause)
        # Nothing if the answer could not even be read: what is stored of it stays.
        content = "".join(self._content) if self._content else None
        thinking, sources = "".join(self._thinking), self._sources(content)
        end = RunEnd(state, reason, error, content=content, thinking=thinking, metrics=metrics, sources=sources)
        kept = self._ends.store(self._message_id, end, run_ends.STORE_RETRIES_S)
        if kept is not None:
            state, reason = RunState.FAILED, None
            error = AppError("answer_kept", cause=kept.cause) if kept.code == "database_busy" else kept
        shown = self._store.describe(error, self._locale, midway=bool(content)) if error else None
        self._done = {"status": str(state), "reason": reason, "error": shown, "metrics": metrics, "sources": sources}

    def _sources(self, content: str | None) -> dict[str, Any] | None:
        """Return how the answer keeps to the passages of its question, or to the documents that it has notes of; None
        without any.
        """
        question = self._question
        if not content or question is None:
            return None
        try:
            if prompt.has_notes(question.attached):
                return asdict(citations.check_pages(content, self._store.pages(question.id), question.content))
            passages = self._store.passages(question.id) if prompt.has_passages(question.attached) else []
            return asdict(citations.check(content, passages, question.content)) if passages else None
        except Exception:
            logger.exception("sources not compared run=%s", self._message_id)
            return None

    def _metrics(self, usage: Usage) -> dict[str, Any]:
        """Return METRICS by name: milliseconds, token counts and joules; None for what the engine does not report."""
        ticket = self._ticket
        total = (time.monotonic() - ticket.queued) * 1000
        queue = (ticket.started - ticket.queued) * 1000
        load = max(usage.load_ms or 0.0, self._loading_s * 1000)
        known = usage.prefill_ms is not None and usage.decode_ms is not None
        work = (usage.prefill_ms or 0) + (usage.decode_ms or 0)
        metrics: dict[str, Any] = {
            "queue_ms": queue,
            "expected_queue_ms": None if ticket.expected_wait_s is None else ticket.expected_wait_s * 1000,
            "load_ms": load,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "prefill_ms": usage.prefill_ms,
            "output_tokens": usage.output_tokens,
            "decode_ms": usage.decode_ms,
            "first_token_ms": None if self._first_text is None else (self._first_text - ticket.queued) * 1000,
            "total_ms": total,
            "overhead_ms": max(0.0, total - queue - load - work) if known else None,
        }
        if self._meter is not None:
            self._meter.tick()
            metrics["energy_j"] = self._meter.joules
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in metrics.items()}


class AnswerEnergy:
    """Meter the processor's energy during an answer, including everything else that the machine does meanwhile."""

    def __init__(self, engine: Engine, zones: list[RaplZone] | None = None) -> None:
        self._engine = engine
        # Searched at the first answer: creating the application must not read files.
        self._zones = zones
        self._is_here = False
        self._looked = -LOOK_AGAIN_S

    def meter(self) -> EnergyMeter | None:
        """Return a meter that has begun to count.

        None if the processor's counters cannot be read, the engine has several slots, or it runs on another machine.
        """
        if self._zones is None:
            self._zones = find_zones()
        return EnergyMeter(self._zones) if self._zones and self._engine.slots == 1 and self._runs_here() else None

    def _runs_here(self) -> bool:
        # Remembered once found: the search takes longer than all other overhead of an answer.
        if not self._is_here and time.monotonic() - self._looked >= LOOK_AGAIN_S:
            self._is_here, self._looked = bool(self._engine.pids()), time.monotonic()
        return self._is_here
