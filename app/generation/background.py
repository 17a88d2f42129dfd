"""Work that nobody waits for: prompts read ahead, measurements, and the daily emptying of the trash."""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import Cancel, ChatRequest, Done, Reading
from app.errors import AppError
from app.generation import prompt
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings
from app.generation.queue import Priority, RunQueue, Ticket
from app.generation.store import Store
from app.models import trash

# A shorter history is read before anybody notices.
MIN_TOKENS_TO_READ = 100
# Seconds between two looks at the queue while people use the engine, and between two questions whether work in hand is
# still wanted.
LOOK_S = 0.5
WANTED_S = 1.0
# Seconds between two emptyings of the trash.
PURGE_EVERY_S = 86_400.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PrefillCost:
    """What reading ahead took of the engine since the start. `aborted`: given up for a question."""

    started: int = 0
    aborted: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Prefill:
    """Has an idle engine read a conversation's history before its next question, which then starts sooner."""

    def __init__(self, registry: ModelRegistry, queue: RunQueue, store: Store, settings: GenerationSettings) -> None:
        self._registry = registry
        self._queue = queue
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        # What the engine read last: see `_state_after`.
        self._read: tuple[int, str, int, int] | None = None
        self.cost = PrefillCost()

    def mark_read(self, conversation_id: str, message_id: int) -> None:
        """Note that the engine has just read or written this conversation up to that message."""
        self._read = self._state_after(conversation_id, message_id)

    def forget(self, conversation_id: str) -> None:
        """Note that this conversation's beginning was changed: what the engine read of it is of no use."""
        if self._read is not None and self._read[1] == conversation_id:
            self._read = None

    def start(self, conversation_id: str) -> str:
        """Begin to read a conversation's history; returns what came of it.

        started; warm: the engine read it last; short: not worth it; cold: its model is not loaded, and nobody asked
        to load it; busy: somebody's question comes first.
        """
        found = self._store.next_run(conversation_id)
        if found is None:
            return "short"
        run, user_id = found
        settings = self._settings.for_context(self._registry.context_of(run.model))
        system = prompt.system_text(settings.system_prompt, *run.instructions)
        built = prompt.build(system, run.branch, settings.prompt_budget)
        if built.tokens < MIN_TOKENS_TO_READ:
            return "short"
        last = run.branch[-1].id
        if self._read == self._state_after(conversation_id, last):
            return "warm"
        if run.model not in self._registry.loaded:
            return "cold"
        request = ChatRequest(
            run.model,
            built.messages,
            # Some engines take 0 for no limit.
            max_tokens=1,
            temperature=settings.temperature,
            conversation_id=conversation_id,
            read_timeout_s=settings.read_timeout_s,
        )

        def work(ticket: Ticket) -> None:
            if self._read_ahead(ticket, request):
                self.mark_read(conversation_id, last)

        ticket = Ticket(
            f"prefill-{conversation_id}", user_id, conversation_id, work, model=run.model, priority=Priority.PREFILL
        )
        return "started" if self._queue.submit_if_idle(ticket) else "busy"

    def _state_after(self, conversation_id: str, message_id: int) -> tuple[int, str, int, int]:
        """Equal to an earlier result only if the engine was neither started anew nor given other work since."""
        return self._registry.engine.process, conversation_id, message_id, self._queue.starts

    def _read_ahead(self, ticket: Ticket, request: ChatRequest) -> bool:
        """Whether all of it was read."""
        started, tokens, whole = time.monotonic(), 0, False
        try:
            for event in self._registry.engine.stream(request, ticket.cancel):
                match event:
                    case Reading(done, _):
                        tokens = done
                    case Done(_, usage):
                        whole = True
                        tokens = max(0, (usage.prompt_tokens or tokens) - (usage.cached_tokens or 0))
        except AppError as error:
            # Nobody asked for it, so nobody is told.
            logger.info("prefill failed conversation=%s code=%s", request.conversation_id, error.code)
        with self._lock:
            self.cost = replace(
                self.cost,
                started=self.cost.started + 1,
                aborted=self.cost.aborted + ticket.cancel.is_set(),
                tokens=self.cost.tokens + tokens,
                seconds=self.cost.seconds + time.monotonic() - started,
            )
        return whole


class BackgroundSlot:
    """Runs one exclusive piece of work at a time, after everything else in the queue; any request preempts it."""

    _numbers = itertools.count(1)

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None

    @property
    def engine_needed(self) -> bool:
        """Whether somebody else's request runs or waits."""
        return any(self._queue.counts())

    @property
    def starts(self) -> int:
        """How many tickets the queue has started so far, of any kind."""
        return self._queue.starts

    def run(self, model: str, work: Callable[[Cancel], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Have `work` done when its turn comes, and wait for its end.

        It must end soon once the Cancel that it is given is set: for somebody's request, or when `wanted()`, asked
        every second, says no. Raises what it raised; interrupted when it was cancelled before it began.
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
        # Cancelled while it waits, it never begins, and so never frees a slot.
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
        """Cancel the work in hand, waiting or running."""
        with self._lock:
            ticket = self._ticket
        if ticket is not None:
            self._queue.cancel(ticket.key)
            ticket.cancel.set()

    def wait_until_quiet(
        self, ending: threading.Event, quiet_s: float, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Return once nobody has needed the engine for so many seconds, `ending` is set or `wanted()` says no."""
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
    """Erases what has been in the trash for long enough: at the start and then every `every_s` seconds, in a thread.

    `erased` is called with each conversation's id.
    """

    def __init__(
        self,
        context: Callable[[], AbstractContextManager[Any]],
        erased: Callable[[str], None],
        every_s: float = PURGE_EVERY_S,
    ) -> None:
        self._context = context
        self._erased = erased
        self._every_s = every_s
        self._ended = threading.Event()

    def start(self) -> None:
        """Erase now, and go on in a thread."""
        self.purge()
        threading.Thread(target=self._loop, name="trash", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()

    def purge(self) -> None:
        """Erase once; a database that is busy is left for the next time."""
        try:
            with self._context():
                if count := trash.purge(self._erased):
                    logger.info("trash purged conversations=%d", count)
        except SQLAlchemyError:
            logger.warning("trash not purged", exc_info=True)

    def _loop(self) -> None:
        while not self._ended.wait(self._every_s):
            self.purge()
