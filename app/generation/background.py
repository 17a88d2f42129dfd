"""Background work: prefill and benchmarks, which use the engine while it is idle, and the daily purge of the trash."""

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import Cancel, ChatRequest, Done, Reading
from app.errors import AppError
from app.generation import prompt
from app.generation.estimates import Estimates
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings
from app.generation.queue import Priority, RunQueue, Ticket
from app.generation.store import Store
from app.models.attachments import NOTHING, Attachment

# A shorter history is read so quickly that prefilling it gains nothing.
MIN_TOKENS_TO_READ = 100
# Seconds that a prefill may take on an engine whose reading cannot be stopped.
UNSTOPPABLE_S = 3.0
FILES_REMEMBERED = 1000
# Seconds between two checks of the queue in `wait_until_quiet`, and between two calls of `wanted` in `run`.
LOOK_S = 0.5
WANTED_S = 1.0
# Seconds until the first purge of the trash after a start, and between two. A clock that is wrong at the start of the
# machine, far ahead, would empty the trash for good: it is set right meanwhile.
FIRST_PURGE_AFTER_S, PURGE_EVERY_S = 3600.0, 86_400.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PrefillCost:
    """Totals of all prefills since the process started; `aborted`: those cancelled for a request."""

    started: int = 0
    aborted: int = 0
    tokens: int = 0
    seconds: float = 0.0


class _Cached(NamedTuple):
    """What the engine's prompt cache holds: a conversation up to a message, and what its next question is asked with.

    `process`, `starts`: of the engine and the queue; they change when the engine restarts or starts other work.
    """

    conversation_id: str
    message_id: int
    model: str
    attachment: Attachment
    process: int
    starts: int


class Prefill:
    """Read a conversation's history, and the documents of its next question, into an idle engine's prompt cache, so
    that the question's answer starts sooner.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        queue: RunQueue,
        store: Store,
        estimates: Estimates,
        settings: GenerationSettings,
    ) -> None:
        self._registry = registry
        self._queue = queue
        self._store = store
        self._estimates = estimates
        self._settings = settings
        self._lock = threading.Lock()
        self._held: _Cached | None = None
        # The last files that were read ahead, with the conversation whose cache has their text.
        self._files: deque[tuple[str, str]] = deque(maxlen=FILES_REMEMBERED)
        self.cost = PrefillCost()

    def mark_read(self, conversation_id: str, message_id: int, model: str, attachment: Attachment = NOTHING) -> None:
        """Note that the engine's cache now holds this conversation up to this message, and the attachment after it."""
        self._held = self._would_hold(conversation_id, message_id, model, attachment)

    def holds(self, conversation_id: str, message_id: int | None, model: str, attachment: Attachment) -> bool:
        """Return whether the engine's cache holds this conversation up to this message, and the attachment after it.

        `message_id`: None before the first message.
        """
        return self._held == self._would_hold(conversation_id, message_id or 0, model, attachment)

    def forget(self, conversation_id: str) -> None:
        """Note that this conversation's text was changed, so that what the engine read of it is no longer valid."""
        if self._held is not None and self._held.conversation_id == conversation_id:
            self._held = None

    def read_with(self, file_id: str) -> set[str]:
        """Return the ids of the conversations with which a file was read ahead since the process started."""
        return {conversation_id for read, conversation_id in list(self._files) if read == file_id}

    def start(self, conversation_id: str, attachment: Attachment = NOTHING, model: str | None = None) -> str:
        """Start to prefill a conversation's history if that is useful now; return what happened.

        `attachment`: whole documents and pictures that its next question will be asked with; `model`: the one that will
        be asked, None for the one that answered last.

        "started"; "reading": it was started before; "warm": the engine already holds it; "short": too few tokens to be
        worth it; "cold": its model is not loaded; "long": it would hold a question up, as this engine could not stop
        it; "busy": no slot is free, or a request waits.
        """
        found = self._store.next_run(conversation_id, attachment, model)
        if found is None:
            return "short"
        run, user_id = found
        settings = self._settings.for_model(run.model, self._registry.context_of(run.model))
        system = prompt.system_text(settings.system_prompt, *run.instructions)
        image_tokens = self._registry.image_tokens(run.model)
        built = prompt.build(system, run.branch, settings.prompt_budget, settings.document_tokens, image_tokens)
        last = next((message.id for message in reversed(run.branch) if message.id), 0)
        key = f"prefill-{conversation_id}-{last}-{hash((run.model, attachment)):x}"
        if built.tokens < MIN_TOKENS_TO_READ:
            return "short"
        if self.holds(conversation_id, last, run.model, attachment):
            return "warm"
        if self._queue.knows(key):
            return "reading"
        if obstacle := self._obstacle(run.model, built.tokens):
            return obstacle
        request = ChatRequest(
            run.model,
            self._store.with_images(built.messages),
            # Not 0: some engines take 0 as no limit.
            max_tokens=1,
            temperature=settings.temperature,
            repeat_penalty=settings.repeat_penalty,
            conversation_id=conversation_id,
            read_timeout_s=settings.read_timeout_s,
        )

        def work(ticket: Ticket) -> None:
            self._files.extend((file_id, conversation_id) for file_id in attachment.files)
            if self._read_ahead(ticket, request):
                self.mark_read(conversation_id, last, run.model, attachment)

        ticket = Ticket(key, user_id, conversation_id, work, model=run.model, priority=Priority.PREFILL)
        return "started" if self._queue.submit_if_idle(ticket) else "busy"

    def _obstacle(self, model: str, tokens: int) -> str:
        """Return "cold" or "long" if a prompt of so many tokens should not be read ahead, else ""."""
        if model not in self._registry.loaded:
            return "cold"
        if not self._registry.engine.stops_reading:
            seconds = self._estimates.prefill_duration(model, tokens)
            if seconds is None or seconds > UNSTOPPABLE_S:
                return "long"
        return ""

    def _would_hold(self, conversation_id: str, message_id: int, model: str, attachment: Attachment) -> _Cached:
        """Return what the cache would hold now if the engine had just read this."""
        process, starts = self._registry.engine.process, self._queue.starts
        return _Cached(conversation_id, message_id, model, attachment, process, starts)

    def _read_ahead(self, ticket: Ticket, request: ChatRequest) -> bool:
        """Stream the request, add it to `cost`, and return True if the engine read the whole prompt."""
        started, tokens, whole = time.monotonic(), 0, False
        engine = self._registry.engine
        # Stopping a short reading would cost more than its end, where it can only be stopped by unloading the model.
        cancel = ticket.cancel if engine.stops_reading else Cancel()
        try:
            for event in engine.stream(request, cancel):
                match event:
                    case Reading(done, _):
                        tokens = done
                    case Done(_, usage):
                        whole = True
                        tokens = max(0, (usage.prompt_tokens or tokens) - (usage.cached_tokens or 0))
                        self._estimates.learn_reading(request.model, usage)
        except AppError as error:
            # The user did not ask for the prefill, so its failure only goes to the log.
            logger.info("prefill failed conversation=%s code=%s", request.conversation_id, error.code)
        with self._lock:
            self.cost = replace(
                self.cost,
                started=self.cost.started + 1,
                aborted=self.cost.aborted + cancel.is_set(),
                tokens=self.cost.tokens + tokens,
                seconds=self.cost.seconds + time.monotonic() - started,
            )
        return whole


class BackgroundSlot:
    """Run low-priority exclusive work (benchmarks), one at a time; any user request preempts it."""

    _numbers = itertools.count(1)

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None

    @property
    def engine_needed(self) -> bool:
        """True while a chat or API request runs or waits."""
        return any(self._queue.counts())

    @property
    def starts(self) -> int:
        """Number of tickets of any kind that the queue has started so far."""
        return self._queue.starts

    def run(self, model: str, work: Callable[[Cancel], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Queue `work` and block until it has ended.

        `work` gets a Cancel and must return soon once it is set: when a user request arrives, `cancel` is called, or
        `wanted()`, called every second, returns False. Raises what `work` raised; interrupted if it was cancelled
        before it started.
        """
        ended = threading.Event()
        failures: list[BaseException] = []

        def guarded(ticket: Ticket) -> None:
            try:
                work(ticket.cancel)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                failures.append(error)

        key = f"background-{next(self._numbers)}"
        ticket = Ticket(key, 0, key, guarded, model=model, priority=Priority.BENCHMARK, when_free=ended.set)
        # A ticket that is cancelled while it waits never runs, so `when_free` is not called for it.
        ticket.cancel.on_set(lambda: None if ticket.started else ended.set())
        with self._lock:
            self._ticket = ticket
        self._queue.submit(ticket)
        while not ended.wait(WANTED_S):
            if not wanted():
                self.cancel()
        with self._lock:
            self._ticket = None
        if failures:
            raise failures[0]
        if not ticket.started:
            raise AppError("interrupted")

    def cancel(self) -> None:
        """Cancel the current work, waiting or running, if there is any."""
        with self._lock:
            ticket = self._ticket
        if ticket is not None:
            self._queue.cancel(ticket.key)
            ticket.cancel.set()

    def wait_until_quiet(
        self, ending: threading.Event, quiet_s: float, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Block until no request has needed the engine for `quiet_s` seconds.

        Returns early if `ending` is set or `wanted()` returns False.
        """
        left = quiet_s
        while not ending.is_set() and wanted():
            if self.engine_needed:
                left = quiet_s
                ending.wait(LOOK_S)
            elif left > 0:
                ending.wait(min(LOOK_S, left))
                left -= LOOK_S
            else:
                return


class TrashPurge:
    """Erase conversations that were deleted long enough ago, in a thread: `first_after_s` seconds after the start, then
    every `every_s` seconds.

    `context` makes an application context; `purge` does it once and returns how many it erased.
    """

    def __init__(
        self,
        context: Callable[[], AbstractContextManager[Any]],
        purge: Callable[[], int],
        first_after_s: float = FIRST_PURGE_AFTER_S,
        every_s: float = PURGE_EVERY_S,
    ) -> None:
        self._context = context
        self._purge = purge
        self._first_after_s, self._every_s = first_after_s, every_s
        self._ended = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._loop, name="trash", daemon=True).start()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._ended.set()

    def purge(self) -> None:
        """Purge once; an error of the database or the disk is only logged, as the next purge tries again."""
        try:
            with self._context():
                if count := self._purge():
                    logger.info("trash purged conversations=%d", count)
        except (SQLAlchemyError, AppError):
            logger.warning("trash not purged", exc_info=True)

    def _loop(self) -> None:
        pause = self._first_after_s
        while not self._ended.wait(pause):
            self.purge()
            pause = self._every_s
