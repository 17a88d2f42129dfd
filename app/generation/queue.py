"""The queue in front of the engine: who is next, and never more at once than the engine has slots."""

import heapq
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum

from app.engines.base import Cancel
from app.errors import AppError

# People on another model wait for so many turns at most before the model is changed for them.
BATCH = 3
# More than any engine has slots.
MOST_THREADS = 512
# A request of the API that was overtaken this often counts as a question of the chat.
PATIENCE = 8


class Priority(IntEnum):
    """Classes of work, the most urgent first."""

    CHAT = 0
    API = 1
    PREFILL = 2
    BENCHMARK = 3

    @property
    def gives_way(self) -> bool:
        """Work that nobody waits for: it stops as soon as somebody does."""
        return self >= Priority.PREFILL

    @property
    def alone(self) -> bool:
        """Work that is measured: nothing else may be done beside it."""
        return self == Priority.BENCHMARK


@dataclass(eq=False)
class Ticket:
    """One run in the queue or at work. `work` writes the answer; those of one conversation go one after another."""

    key: Hashable
    user_id: int
    conversation_id: str
    work: Callable[["Ticket"], None]
    model: str = ""
    priority: Priority = Priority.CHAT
    cancel: Cancel = field(default_factory=Cancel)
    # Called once its slot is free again.
    after: Callable[[], object] = lambda: None
    # Set when the server ends rather than the person.
    interrupted: bool = False
    # Set when nobody waits for it any more, though its slot is not free yet.
    ended: bool = False
    # Monotonic seconds; 0 while it waits.
    started: float = 0.0
    # How often somebody went first who came later, or on the loaded model though it was this one's turn.
    overtaken: int = 0

    @property
    def passing(self) -> bool:
        """Whether its slot will be free in a moment for whoever comes."""
        return self.ended or self.priority.gives_way

    @property
    def urgency(self) -> Priority:
        """Its class; waiting long makes a request of the API a question like the others."""
        return Priority.CHAT if self.priority == Priority.API and self.overtaken >= PATIENCE else self.priority


def next_ticket(
    waiting: Sequence[Ticket], running: Collection[Ticket], served: Mapping[int, int], model: str | None = None
) -> Ticket | None:
    """Whose turn it is, or None when nobody may start now.

    The most urgent class first; in it, round robin: people with nothing at work, then whoever was served longest
    ago, then first come. Of people with the same right, those on `model`, the engine's last one, go first, at most
    BATCH times. Within a conversation answers are written in the order of the questions.
    `waiting` is in order of arrival; `served` gives, for each person, the number of their last turn.
    """
    busy = {ticket.conversation_id for ticket in running}
    at_work = {ticket.user_id for ticket in running if not ticket.priority.gives_way}
    candidates = []
    for ticket in waiting:
        if ticket.conversation_id not in busy and not (ticket.priority.alone and running):
            busy.add(ticket.conversation_id)
            candidates.append(ticket)

    def right(ticket: Ticket) -> tuple[int, bool]:
        return ticket.urgency, ticket.user_id in at_work

    def turn(ticket: Ticket) -> tuple[int, bool, int]:
        return *right(ticket), served.get(ticket.user_id, 0)

    fairest = min(candidates, key=turn, default=None)
    if fairest is None or fairest.model == model or fairest.overtaken >= BATCH:
        return fairest
    alike = (ticket for ticket in candidates if ticket.model == model and right(ticket) == right(fairest))
    return min(alike, key=turn, default=fairest)


def serving_order(waiting: Sequence[Ticket], served: Mapping[int, int]) -> list[Ticket]:
    """The order in which `next_ticket` would serve the waiting one after another, if nobody else came, all used one
    model and nothing else was at work. Takes n log n steps. A conversation belongs to one person.
    """
    # By places in `waiting`: what comes next in the same conversation, and what each person could be served now.
    following: dict[int, int] = {}
    ready: defaultdict[int, list[tuple[Priority, int]]] = defaultdict(list)
    latest: dict[str, int] = {}
    for place, ticket in enumerate(waiting):
        if ticket.conversation_id in latest:
            following[latest[ticket.conversation_id]] = place
        else:
            ready[ticket.user_id].append((ticket.urgency, place))
        latest[ticket.conversation_id] = place
    people = []
    for person, own in ready.items():
        heapq.heapify(own)
        urgency, place = own[0]
        people.append((urgency, served.get(person, 0), place, person))
    heapq.heapify(people)
    order, turn = [], max(served.values(), default=0)
    while people:
        _, _, place, person = heapq.heappop(people)
        order.append(waiting[place])
        turn += 1
        own = ready[person]
        heapq.heappop(own)
        if place in following:
            heapq.heappush(own, (waiting[following[place]].urgency, following[place]))
        if own:
            urgency, place = own[0]
            heapq.heappush(people, (urgency, turn, place, person))
    return order


class Scheduler:
    """Gives each ticket's work a thread when its turn comes.

    `placed(order, running)` hears, whenever that changed, who waits (in the order of serving) and who is at work. It is
    called by one thread at a time, never with an older state after a newer one, and never with a ticket as waiting
    whose work has begun.
    """

    def __init__(
        self,
        slots: Callable[[], int],
        limit: int,
        placed: Callable[[Sequence[Ticket], Sequence[Ticket]], None] = lambda _order, _running: None,
    ) -> None:
        self._slots = slots
        self._limit = limit
        self._placed = placed
        # Kept for the next runs: starting a thread takes as long as storing a question.
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="run")
        self._lock = threading.Lock()
        # Held while places are told, and taken before `_lock`: nothing else waits for those who tell.
        self._telling = threading.Lock()
        self._waiting: list[Ticket] = []
        self._running: dict[Hashable, Ticket] = {}
        self._served: dict[int, int] = {}
        self._turn = 0
        self._model = ""
        self._closed = False
        self._idle = threading.Condition(self._lock)
        # Counts the changes that those who wait must hear of; the last one that they have heard of.
        self._changes = 0
        self._told = 0

    def check_room(self) -> bool:
        """Whether a new question would start at once. Raises queue_full or stopping when it could not be taken."""
        with self._lock:
            if self._closed:
                raise AppError("stopping")
            if len(self._waiting) >= self._limit:
                raise AppError("queue_full")
            return not self._waiting and len(self._running) < max(1, self._slots())

    def submit(self, ticket: Ticket) -> None:
        """Queue a ticket; its work starts at once if a slot is free. What gives way stops for it."""
        with self._lock:
            if self._closed:
                ticket.cancel.set()
                return
            self._waiting.append(ticket)
            others = [other for other in self._running.values() if other.priority.gives_way]
            self._dispatch()
        if not ticket.priority.gives_way:
            for other in others:
                other.cancel.set()
        self._tell_places()

    def submit_if_idle(self, ticket: Ticket) -> bool:
        """Start a ticket now, or not at all: only while nobody waits and a slot is free."""
        with self._lock:
            running = self._running.values()
            free = not self._closed and not self._waiting and len(running) < max(1, self._slots())
            if free and not any(o.priority.alone or o.conversation_id == ticket.conversation_id for o in running):
                self._waiting.append(ticket)
                self._dispatch()
                return True
        return False

    def cancel(self, key: Hashable) -> Ticket | None:
        """Stop a run. Returns its ticket if it was still waiting (its work will never start), else None."""
        with self._lock:
            waiting = next((ticket for ticket in self._waiting if ticket.key == key), None)
            running = self._running.get(key)
            if waiting is not None:
                self._waiting.remove(waiting)
                self._dispatch()
        if running is not None:
            running.cancel.set()
        self._tell_places()
        return waiting

    @property
    def turn(self) -> int:
        """How many have been started so far."""
        return self._turn

    def knows(self, key: Hashable) -> bool:
        """Whether a run waits or is at work here."""
        with self._lock:
            return key in self._running or any(ticket.key == key for ticket in self._waiting)

    def counts(self) -> tuple[int, int]:
        """How many run and how many wait, of the work that somebody waits for."""
        with self._lock:
            return _awaited(self._running.values()), _awaited(self._waiting)

    def close(self, timeout: float) -> None:
        """Take nothing more, interrupt what runs, and wait for it to be saved; what waits stays in the rows."""
        with self._lock:
            self._closed = True
            tickets = [*self._waiting, *self._running.values()]
            self._waiting.clear()
        for ticket in tickets:
            ticket.interrupted = True
            ticket.cancel.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, timeout)
        self._threads.shutdown(wait=False)

    def _dispatch(self) -> None:
        """Start whose turn it is; the caller holds `_lock`, and tells the places once it has let go of it."""
        while len(self._running) < max(1, self._slots()):
            ticket = next_ticket(self._waiting, self._running.values(), self._served, self._model)
            if ticket is None:
                break
            place = self._waiting.index(ticket)
            fairest = next_ticket(self._waiting, self._running.values(), self._served) or ticket
            for other in {*self._waiting[:place], fairest} - {ticket}:
                other.overtaken += 1
            del self._waiting[place]
            ticket.started = time.monotonic()
            self._running[ticket.key] = ticket
            self._model = ticket.model
            self._turn += 1
            if not ticket.priority.gives_way:
                self._served[ticket.user_id] = self._turn
            self._threads.submit(self._carry, ticket)
        # Nobody need hear of a place in the queue that lasts for a moment.
        if self._waiting and not any(ticket.passing for ticket in self._running.values()):
            self._changes += 1

    def _tell_places(self) -> None:
        """Tell the places as they are now, unless another thread has done so since they changed."""
        with self._telling:
            with self._lock:
                if self._told == self._changes:
                    return
                self._told = self._changes
                waiting, running, served = list(self._waiting), list(self._running.values()), dict(self._served)
            self._placed(serving_order(waiting, served), running)

    def _carry(self, ticket: Ticket) -> None:
        # Whoever is telling places may have seen it waiting.
        with self._telling:
            pass
        try:
            ticket.work(ticket)
        finally:
            with self._lock:
                self._running.pop(ticket.key, None)
                self._idle.notify_all()
                if not self._closed:
                    self._dispatch()
            self._tell_places()
            ticket.after()


def _awaited(tickets: Iterable[Ticket]) -> int:
    return sum(not ticket.passing for ticket in tickets)
