"""Has the engine read a conversation before its next question comes: only while it has nothing else to do."""

import logging
import threading
import time
from dataclasses import dataclass, replace

from app.engines.base import ChatRequest, Done, Engine, Reading
from app.errors import AppError
from app.generation import prompt
from app.generation.model_registry import Inventory
from app.generation.prompt import GenerationSettings
from app.generation.queue import Priority, RunQueue, Ticket
from app.generation.store import Store

# A shorter history is read before anybody notices.
TOKENS_WORTH_READING = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading ahead took of the engine since the start. `aborted`: given up for a question."""

    started: int = 0
    aborted: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Prefill:
    """Reads histories ahead, through the same queue as everything else."""

    def __init__(
        self, engine: Engine, inventory: Inventory, queue: RunQueue, store: Store, settings: GenerationSettings
    ) -> None:
        self._engine = engine
        self._inventory = inventory
        self._queue = queue
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        # The conversation that the engine, as it was started, read last, up to which message, and in which turn.
        self._read: tuple[int, str, int, int] | None = None
        self.cost = Cost()

    def has_read(self, conversation_id: str, message_id: int) -> None:
        """The engine has just read (or written) this conversation up to that message."""
        self._read = self._now(conversation_id, message_id)

    def forget(self, conversation_id: str) -> None:
        """This conversation's beginning was changed: what was read of it no longer counts."""
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
        settings = self._settings.for_context(self._inventory.context_of(run.model))
        system = prompt.system_text(settings.system_prompt, *run.instructions)
        built = prompt.build(system, run.branch, settings.prompt_budget)
        if built.tokens < TOKENS_WORTH_READING:
            return "short"
        last = run.branch[-1].id
        if self._read == self._now(conversation_id, last):
            return "warm"
        if run.model not in self._inventory.loaded:
            return "cold"
        request = ChatRequest(
            run.model,
            built.messages,
            # None at all would be taken for no limit by some engines.
            max_tokens=1,
            temperature=self._settings.temperature,
            conversation_id=conversation_id,
            patience_s=self._settings.read_timeout_s,
        )

        def work(ticket: Ticket) -> None:
            if self._carry(ticket, request):
                self.has_read(conversation_id, last)

        ticket = Ticket(
            f"prefill-{conversation_id}", user_id, conversation_id, work, model=run.model, priority=Priority.PREFILL
        )
        return "started" if self._queue.submit_if_idle(ticket) else "busy"

    def _now(self, conversation_id: str, message_id: int) -> tuple[int, str, int, int]:
        """What stays the same until the engine does anything else, for whomever."""
        return self._engine.process, conversation_id, message_id, self._queue.starts

    def _carry(self, ticket: Ticket, request: ChatRequest) -> bool:
        """Whether all of it was read."""
        started, tokens, whole = time.monotonic(), 0, False
        try:
            for event in self._engine.stream(request, ticket.cancel):
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
