"""Answers for the API, which are streamed but not stored."""

import itertools
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from queue import Empty, SimpleQueue

from app.engines.base import ChatRequest, Done, EngineEvent
from app.errors import AppError
from app.generation.estimates import Estimates
from app.generation.model_registry import ModelRegistry
from app.generation.queue import Priority, RunQueue, Ticket

logger = logging.getLogger(__name__)


class Completion:
    """An answer for the API that is streamed but not stored; creating it queues it. Raises what `check_room` raises."""

    _numbers = itertools.count(1)

    def __init__(
        self, request: ChatRequest, user_id: int, registry: ModelRegistry, queue: RunQueue, estimates: Estimates
    ) -> None:
        self._request = request
        self._registry = registry
        self._queue = queue
        self._estimates = estimates
        self._events: SimpleQueue[EngineEvent | AppError | None] = SimpleQueue()
        key = f"completion-{next(self._numbers)}"
        self._ticket = Ticket(key, user_id, key, self._write, model=request.model, priority=Priority.API)
        # Wakes the reader of `events` if the server stops while the ticket waits.
        self._ticket.cancel.on_set(lambda: self._events.put(None))
        queue.check_room(user_id)
        queue.submit(self._ticket)

    def events(self, silence_s: float) -> Iterator[EngineEvent | None]:
        """Yield the engine's events as they come, and None after each `silence_s` seconds without one; ends with Done.

        Raises what the engine raised or what `fail` was given; interrupted if it was cancelled.
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
        """Cancel the completion and make `events` raise this error."""
        self._events.put(error)
        self.cancel()

    def cancel(self) -> None:
        """Leave the queue, or stop the engine's work."""
        self._queue.cancel(self._ticket.key)

    def _write(self, ticket: Ticket) -> None:
        started, request = time.monotonic(), self._request
        done = False
        try:
            for loading in self._registry.await_model(request.model, ticket.cancel, request.read_timeout_s):
                self._events.put(loading)
            request = replace(request, model=self._registry.resolve(request.model))
            for event in self._registry.engine.stream(request, ticket.cancel):
                self._events.put(event)
                if isinstance(event, Done):
                    done = True
                    self._estimates.learn(request.model, time.monotonic() - started, event.usage)
        except AppError as error:
            self._events.put(error)
            if error.code == "engine_silent":
                self._registry.restart(request.model)
        except Exception as error:
            # Exceptions of this thread reach no caller: log them here.
            logger.exception("completion failed")
            self._events.put(AppError("internal_error", cause=repr(error)))
        if not done:
            ticket.when_free = self._registry.wake
        self._events.put(None)
