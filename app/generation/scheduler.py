"""The queue in front of the engine: who is next, and never more at once than the engine has slots."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.engines.base import Cancel
from app.errors import AppError


@dataclass(eq=False)
class Ticket:
    """One run in the queue or at work. `work` writes the answer; `moved` hears of the place in the queue."""

    key: int
    user_id: int
    conversation_id: str
    work: Callable[["Ticket"], None]
    moved: Callable[[int, int], None]
    cancel: Cancel = field(default_factory=Cancel)
    # Set when the server ends rather than the person.
    interrupted: bool = False
    # The last (position, people at work) told.
    told: tuple[int, int] | None = None


def next_ticket(waiting: Sequence[Ticket], running: Iterable[Ticket], served: Mapping[int, int]) -> Ticket | None:
    """Whose turn it is, or None when nobody may start now.

    Round robin: people with nothing at work first, then whoever was served longest ago, then first come.
    Within a conversation answers are written in the order of the questions.
    `waiting` is in order of arrival; `served` gives, for each person, the number of their last turn.
    """
    running = list(running)
    busy = {ticket.conversation_id for ticket in running}
    at_work = {ticket.user_id for ticket in running}
    candidates = []
    for ticket in waiting:
        if ticket.conversation_id not in busy:
            busy.add(ticket.conversation_id)
            candidates.append(ticket)
    return min(candidates, key=lambda ticket: (ticket.user_id in at_work, served.get(ticket.user_id, 0)), default=None)


def serving_order(waiting: Sequence[Ticket], served: Mapping[int, int]) -> list[Ticket]:
    """The order in which the waiting would be served if nobody else came."""
    remaining, turns, order = list(waiting), dict(served), []
    turn = max(turns.values(), default=0)
    while (ticket := next_ticket(remaining, (), turns)) is not None:
        turn += 1
        turns[ticket.user_id] = turn
        remaining.remove(ticket)
        order.append(ticket)
    return order


class Scheduler:
    """Starts each ticket's work in a thread of its own when its turn comes."""

    def __init__(self, slots: Callable[[], int], limit: int) -> None:
        self._slots = slots
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: list[Ticket] = []
        self._running: dict[int, Ticket] = {}
        self._served: dict[int, int] = {}
        self._turn = 0
        self._closed = False
        self._idle = threading.Condition(self._lock)

    def check_room(self) -> None:
        """Raise queue_full or stopping when a new question could not be taken now."""
        with self._lock:
            if self._closed:
                raise AppError("stopping")
            if len(self._waiting) >= self._limit:
                raise AppError("queue_full")

    def submit(self, ticket: Ticket) -> None:
        """Queue a ticket; its work starts at once if a slot is free."""
        with self._lock:
            if self._closed:
                return
            self._waiting.append(ticket)
            self._dispatch()

    def cancel(self, key: int) -> Ticket | None:
        """Stop a run. Returns its ticket if it was still waiting (its work will never start), else None."""
        with self._lock:
            for ticket in self._waiting:
                if ticket.key == key:
                    self._waiting.remove(ticket)
                    self._dispatch()
                    return ticket
            running = self._running.get(key)
        if running is not None:
            running.cancel.set()
        return None

    def knows(self, key: int) -> bool:
        """Whether a run waits or is at work here."""
        with self._lock:
            return key in self._running or any(ticket.key == key for ticket in self._waiting)

    def counts(self) -> tuple[int, int]:
        """How many run and how many wait."""
        with self._lock:
            return len(self._running), len(self._waiting)

    def close(self, timeout: float) -> None:
        """Take nothing more, interrupt what runs, and wait for it to be saved; what waits stays in the rows."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            running = list(self._running.values())
        for ticket in running:
            ticket.interrupted = True
            ticket.cancel.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, timeout)

    def _dispatch(self) -> None:
        while len(self._running) < max(1, self._slots()):
            ticket = next_ticket(self._waiting, self._running.values(), self._served)
            if ticket is None:
                break
            self._waiting.remove(ticket)
            self._running[ticket.key] = ticket
            self._turn += 1
            self._served[ticket.user_id] = self._turn
            threading.Thread(target=self._carry, args=(ticket,), name=f"run-{ticket.key}", daemon=True).start()
        self._tell_places()

    def _carry(self, ticket: Ticket) -> None:
        try:
            ticket.work(ticket)
        finally:
            with self._lock:
                self._running.pop(ticket.key, None)
                self._idle.notify_all()
                if not self._closed:
                    self._dispatch()

    def _tell_places(self) -> None:
        for position, ticket in enumerate(serving_order(self._waiting, self._served), start=1):
            place = (position, len(self._running))
            if ticket.told != place:
                ticket.told = place
                ticket.moved(*place)
