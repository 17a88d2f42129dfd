"""One answer that is not stored: it goes through the queue like the others, and its events go to who asked."""

import itertools
import logging
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from app.engines.base import ChatRequest, Done, EngineEvent
from app.errors import AppError
from app.generation.estimates import Estimates
from app.generation.model_registry import ModelRegistry
from app.generation.queue import Priority, RunQueue, Ticket

_numbers = itertools.count(1)

logger = logging.getLogger(__name__)


class Completion:
    """Made waiting in the queue; `events()` are its answer, `cancel()` ends it wherever it is."""

    def __init__(
        self,
        request: ChatRequest,
        user_id: int,
        *,
        registry: ModelRegistry,
        queue: RunQueue,
        estimates: Estimates,
    ) -> None:
        self._request = request
        self._registry = registry
        self._queue = queue
        self._estimates = estimates
        self._events: SimpleQueue[EngineEvent | AppError | None] = SimpleQueue()
        key = f"completion-{next(_numbers)}"
        self._ticket = Ticket(key, user_id, key, self._work, model=request.model, priority=Priority.API)
        # Whoever is still waiting when the server ends must hear of it.
        self._ticket.cancel.on_set(lambda: self._events.put(None))
        queue.check_room()
        queue.submit(self._ticket)

    def events(self, silence_s: float) -> Iterator[EngineEvent | None]:
        """The engine's events as they come, None for each silence of so many seconds; ends with Done.

        Raises what the engine raised; interrupted when the server ends.
        """
        while True:
            try:
                event = self._events.get(timeout=silence_s)
            except Empty:
                yield None
                continue
            if event is None:
                raise AppError("interrupted")
            if isinstance(event, AppError):
                raise event
            yield event
            if isinstance(event, Done):
                return

    def fail(self, error: AppError) -> None:
        """End it wherever it is; `events()` raises this."""
        self._events.put(error)
        self.cancel()

    def cancel(self) -> None:
        """Leave the queue, or stop the engine's work."""
        self._queue.cancel(self._ticket.key)

    def _work(self, ticket: Ticket) -> None:
        started = time.monotonic()
        try:
            self._registry.verify(self._request.model)
            for event in self._registry.engine.stream(self._request, ticket.cancel):
                self._events.put(event)
                if isinstance(event, Done):
                    self._estimates.learn(self._request.model, time.monotonic() - started, event.usage)
        except AppError as error:
            self._events.put(error)
            if error.code == "engine_silent":
                self._registry.restart(self._request.model)
        except Exception as error:
            # Nobody waits for this thread: what is not told here is told nowhere.
            logger.exception("completion failed")
            self._events.put(AppError("internal_error", cause=repr(error)))
        self._events.put(None)
