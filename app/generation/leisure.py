"""Work that nobody waits for and that needs the engine for itself: last of all in the queue, it stops for anyone."""

import itertools
import threading
from collections.abc import Callable

from app.engines.base import Cancel
from app.errors import AppError
from app.generation.queue import Priority, RunQueue, Ticket

# How often the queue is looked at while people are at work.
LOOK_S = 0.5
# How often it is asked whether the work in hand is still wanted.
WANTED_S = 1.0

_numbers = itertools.count(1)


class Leisure:
    """The queue's last class, for one piece of work at a time."""

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self._ticket: Ticket | None = None
        self._lock = threading.Lock()

    @property
    def others(self) -> bool:
        """Whether somebody else's work is being done or waits."""
        return any(self._queue.counts())

    @property
    def turn(self) -> int:
        """How many pieces of work the queue has started so far, whoever's."""
        return self._queue.starts

    def carry(self, model: str, work: Callable[[Cancel], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Have `work` done when its turn comes, and wait for its end; it must end soon once its cancel is set, as it is
        when `wanted` says that nobody wants it any more.

        Raises what it raised; interrupted when it never began: the server ends, or it was cancelled.
        """
        ended = threading.Event()
        failures: list[BaseException] = []

        def done(ticket: Ticket) -> None:
            try:
                work(ticket.cancel)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                failures.append(error)

        key = f"leisure-{next(_numbers)}"
        ticket = Ticket(key, 0, key, done, model=model, priority=Priority.BENCHMARK, when_free=ended.set)
        # One that is cancelled while it waits never begins, and so has no end of its own.
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
        """End the work in hand, wherever it is."""
        with self._lock:
            ticket = self._ticket
        if ticket is not None:
            self._queue.cancel(ticket.key)
            ticket.cancel.set()

    def wait_until_quiet(
        self, ending: threading.Event, quiet_s: float, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Return once nobody else was at work for so many seconds, when `ending` is set or nobody wants it any more."""
        left = quiet_s
        while not ending.is_set() and wanted():
            if self.others:
                left = quiet_s
                ending.wait(LOOK_S)
            elif left > 0:
                ending.wait(min(LOOK_S, left))
                left -= LOOK_S
            else:
                return
