"""The runs of this process: puts each in the queue, tells its place, and keeps its events for the followers."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import cast

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import Engine
from app.generation.background import Prefill
from app.generation.energy import Energy
from app.generation.estimates import Estimates
from app.generation.events import Event, EventLog, EventStream
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings
from app.generation.queue import RunQueue, Ticket
from app.generation.serializers import accepted_json
from app.generation.store import Store
from app.generation.worker import Carrier, RunTicket
from app.models import Message, RunState
from app.models.tree import Tree

logger = logging.getLogger(__name__)


class Runs:
    """Queue, events and expectations of all answers being written here."""

    def __init__(
        self, engine: Engine, registry: ModelRegistry, store: Store, settings: GenerationSettings, queue_max: int
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._store = store
        self._settings = settings
        self._event_log = EventLog()
        self.estimates = Estimates(settings.read_timeout_s)
        self.energy = Energy(engine)
        self.queue = RunQueue(lambda: engine.slots, queue_max, self._tell_places)
        self.prefill = Prefill(registry, self.queue, store, settings)

    def submit(self, answer: Message, tree: Tree | None = None) -> EventStream:
        """Put an answer in the queue; its events begin at once. `tree`: where there may be other versions of it."""
        channel = self._event_log.open(answer.id, answer.content, answer.thinking)
        channel.publish(Event.ACCEPTED, accepted_json(answer, tree))
        run = answer.run
        assert run is not None  # noqa: S101 - an answer to be written has one
        ticket = RunTicket(
            answer.id,
            answer.conversation.user_id,
            answer.conversation_id,
            self._write,
            model=run.model,
            channel=channel,
            marked=run.state == RunState.RUNNING,
        )
        self.queue.submit(ticket)
        return channel

    def channel(self, message_id: int) -> EventStream | None:
        """The events of an answer, while they are in memory."""
        return self._event_log.get(message_id)

    def abandon(self, message_id: int, state: RunState) -> None:
        """End the followers of a run that nobody carries."""
        channel = self._event_log.get(message_id)
        if channel is not None:
            done = {"status": str(state), "reason": None, "error": None, "metrics": None}
            channel.publish(Event.DONE, done, last=True)
        self._event_log.retire(message_id)

    def close(self, timeout: float) -> None:
        """Save what is being written as interrupted, and end all followers."""
        self.queue.close(timeout)
        self._event_log.close()

    def expected_wait(self) -> float | None:
        """Seconds that one more question would wait for its turn, as things are."""
        running, waiting = self.queue.counts()
        mean = self.estimates.expected_duration("")
        slots = max(1, self._engine.slots)
        return 0.0 if running < slots else None if mean is None else mean * (waiting + 1) / slots

    def _write(self, ticket: Ticket) -> None:
        assert isinstance(ticket, RunTicket)  # noqa: S101 - the only ones submitted here
        if ticket.told is not None:
            ticket.channel.publish(Event.QUEUED, {"position": 0, "ahead": 0, "own": 0, "eta_s": 0})
        carrier = Carrier(
            ticket,
            registry=self._registry,
            store=self._store,
            settings=self._settings,
            estimates=self.estimates,
            meter=self.energy.meter(),
        )
        failure = carrier.carry()
        if failure is not None and failure.code == "engine_silent":
            self._registry.restart(ticket.model)
        elif failure is None and carrier.wrote:
            self._registry.mark_loaded(ticket.model)
            # After thinking, the next question comes with a history without it, which the engine has not read so far.
            if carrier.thought:
                ticket.when_free = lambda: self._read_ahead(ticket.conversation_id)
            else:
                self.prefill.mark_read(ticket.conversation_id, cast(int, ticket.key))
        carrier.tell()
        self._event_log.retire(cast(int, ticket.key))

    def _read_ahead(self, conversation_id: str) -> None:
        try:
            self.prefill.start(conversation_id)
        except SQLAlchemyError:
            logger.warning("nothing read ahead conversation=%s", conversation_id, exc_info=True)

    def _tell_places(self, order: Sequence[Ticket], running: Sequence[Ticket]) -> None:
        now = time.monotonic()
        at_work = [(ticket.model, now - ticket.started) for ticket in running if not ticket.priority.preemptible]
        waits = self.estimates.queue_waits([ticket.model for ticket in order], at_work, max(1, self._engine.slots))
        own = Counter(ticket.user_id for ticket in running)
        for position, (ticket, wait) in enumerate(zip(order, waits, strict=True), start=1):
            place = (position, len(running), own[ticket.user_id])
            own[ticket.user_id] += 1
            if not isinstance(ticket, RunTicket) or ticket.told == place:
                continue
            if ticket.told is None:
                ticket.expected_s = wait
            ticket.told = place
            eta = None if wait is None else round(wait)
            told = {"position": position, "ahead": position - 1 + len(running), "own": place[-1], "eta_s": eta}
            ticket.channel.publish(Event.QUEUED, told)
