"""The fair queue in front of the engine: which ticket runs next, and never more at once than the engine has slots."""

import heapq
import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum

from app.engines.base import Cancel
from app.errors import AppError

# Tickets for the loaded model that may be started before the fairest ticket, if that one needs another model.
MAX_SAME_MODEL_BATCH = 3
# An API request that was skipped this often counts as a chat question.
PROMOTE_AFTER_SKIPS = 8
# One user's tickets may take this part of the places in the queue.
SHARE = 1 / 4
# Size of the thread pool: more than any engine has slots.
MAX_THREADS = 512

logger = logging.getLogger(__name__)


class Priority(IntEnum):
    """Priority classes, the most urgent first."""

    CHAT = 0
    API = 1
    PREFILL = 2
    DEFERRED = 3
    BENCHMARK = 4

    @property
    def preemptible(self) -> bool:
        """True for background work, which the queue cancels as soon as a request arrives."""
        return self >= Priority.PREFILL

    @property
    def exclusive(self) -> bool:
        """True for deferred answers and benchmarks, which start only while nothing else runs."""
        return self >= Priority.DEFERRED


@dataclass(eq=False)
class Ticket:
    """A piece of work, waiting or running. Tickets of one conversation run one after another.

    A thread of the queue calls `work` with the ticket when its turn comes; `work` must return soon once `cancel` is
    set. The same thread calls `when_free` after the slot has been given to the next ticket.
    """

    key: Hashable
    user_id: int
    conversation_id: str
    work: Callable[["Ticket"], None]
    model: str = ""
    priority: Priority = Priority.CHAT
    cancel: Cancel = field(default_factory=Cancel)
    when_free: Callable[[], object] = lambda: None
    # Seconds that reading its documents takes, which its model's usual answers do not.
    reading_s: float = 0.0
    # It is not started while this is False; asked with the queue's lock held.
    is_due: Callable[[], bool] = lambda: True
    # Cancelled because the server stops, not by the user.
    interrupted: bool = False
    # Cancelled by the user.
    stopped: bool = False
    # Set by a deferred ticket's `work`: it has given way, and is to be called again when its turn comes.
    again: bool = False
    # The result is complete, though the ticket still holds its slot.
    finished: bool = False
    # When `work` began, in monotonic seconds; 0 while waiting.
    started: float = 0.0
    # Number of tickets that were started before this one although they came later or its turn had come.
    times_skipped: int = 0

    @property
    def yields_slot(self) -> bool:
        """True if the ticket will release its slot immediately (finished or preemptible)."""
        return self.finished or self.priority.preemptible

    @property
    def gives_way(self) -> bool:
        """True if a deferred ticket was cancelled, but not by its user: it goes on later."""
        return self.priority == Priority.DEFERRED and self.cancel.is_set() and not self.stopped

    @property
    def effective_priority(self) -> Priority:
        """The ticket's class, or CHAT for an API request that has been skipped often."""
        promoted = self.priority == Priority.API and self.times_skipped >= PROMOTE_AFTER_SKIPS
        return Priority.CHAT if promoted else self.priority


def next_ticket(
    waiting: Sequence[Ticket], running: Collection[Ticket], served: Mapping[int, int], model: str | None = None
) -> Ticket | None:
    """Return the ticket to start now, or None if none may start.

    The most urgent class goes first; within it users with nothing running, then the user served longest ago, then first
    come. Among tickets equal in class and in whether their user has something running, those for `model`, the loaded
    one, go first, at most MAX_SAME_MODEL_BATCH times. A conversation's tickets start in their order, one at a time, and
    none before it is due.

    `waiting` is in order of arrival; `served` maps user ids to the number of the user's last start.
    """
    busy_conversations = {ticket.conversation_id for ticket in running}
    busy_users = {ticket.user_id for ticket in running if not ticket.priority.preemptible}
    candidates = []
    for ticket in waiting:
        if ticket.conversation_id not in busy_conversations:
            busy_conversations.add(ticket.conversation_id)
            if ticket.is_due() and not (ticket.priority.exclusive and running):
                candidates.append(ticket)

    def group(ticket: Ticket) -> tuple[int, bool]:
        return ticket.effective_priority, ticket.user_id in busy_users

    def rank(ticket: Ticket) -> tuple[int, bool, int]:
        return *group(ticket), served.get(ticket.user_id, 0)

    fairest = min(candidates, key=rank, default=None)
    if fairest is None or fairest.model == model or fairest.times_skipped >= MAX_SAME_MODEL_BATCH:
        return fairest
    same_model = (ticket for ticket in candidates if ticket.model == model and group(ticket) == group(fairest))
    return min(same_model, key=rank, default=fairest)


def serving_order(waiting: Sequence[Ticket], served: Mapping[int, int]) -> list[Ticket]:
    """Return the order in which `next_ticket` would start the waiting tickets one after another.

    Assumes that no more arrive, all use one model, nothing is running, and a conversation belongs to one user. Takes n
    log n steps.
    """
    # Places in `waiting`: the next one of the same conversation; and each user's tickets that are first of theirs, as
    # a heap of (priority, place).
    next_of_conversation: dict[int, int] = {}
    first_tickets: defaultdict[int, list[tuple[Priority, int]]] = defaultdict(list)
    last_of_conversation: dict[str, int] = {}
    for place, ticket in enumerate(waiting):
        if ticket.conversation_id in last_of_conversation:
            next_of_conversation[last_of_conversation[ticket.conversation_id]] = place
        else:
            first_tickets[ticket.user_id].append((ticket.effective_priority, place))
        last_of_conversation[ticket.conversation_id] = place
    # Each user's best ticket: a heap of (priority, the user's last start, place, user id).
    best_tickets = []
    for user_id, heap in first_tickets.items():
        heapq.heapify(heap)
        priority, place = heap[0]
        best_tickets.append((priority, served.get(user_id, 0), place, user_id))
    heapq.heapify(best_tickets)
    order, start = [], max(served.values(), default=0)
    while best_tickets:
        _, _, place, user_id = heapq.heappop(best_tickets)
        order.append(waiting[place])
        start += 1
        heap = first_tickets[user_id]
        heapq.heappop(heap)
        if place in next_of_conversation:
            next_place = next_of_conversation[place]
            heapq.heappush(heap, (waiting[next_place].effective_priority, next_place))
        if heap:
            priority, place = heap[0]
            heapq.heappush(best_tickets, (priority, start, place, user_id))
    return order


class RunQueue:
    """Run each ticket's work in a thread when its turn comes.

    `slots` returns how many may run at once; `limit`: how many may wait, of which SHARE may be one user's.
    `announce(order, running)` is called when positions have changed, with the waiting tickets in serving order: by one
    thread at a time, never with an older state after a newer one, and never with a waiting ticket whose work has begun.
    """

    def __init__(
        self,
        slots: Callable[[], int],
        limit: int,
        announce: Callable[[Sequence[Ticket], Sequence[Ticket]], None] = lambda _order, _running: None,
    ) -> None:
        self._slots = slots
        self._limit = limit
        self._announce = announce
        # Threads are reused: starting one takes as long as storing a question.
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="run")
        # Held while positions are announced; never taken while `_lock` is held.
        self._announcing = threading.Lock()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._waiting: list[Ticket] = []
        self._running: dict[Hashable, Ticket] = {}
        self._served: dict[int, int] = {}
        self._starts = 0
        # When a person or a prefill last used the engine, in monotonic seconds.
        self._used = -math.inf
        self._model = ""
        self._closed = False
        # Number of changes of positions worth announcing, and of the last one announced.
        self._changes = 0
        self._announced = 0

    @property
    def starts(self) -> int:
        """Number of tickets started so far."""
        return self._starts

    @property
    def quiet_s(self) -> float:
        """Seconds since a person or a prefill last used the engine."""
        return time.monotonic() - self._used

    def check_room(self, user_id: int, *, deferred: bool = False) -> bool:
        """Return True if one more ticket of that user would start at once; a deferred one never does.

        Deferred tickets and others take no room from each other. Raises queue_full; too_many_waiting if the user's own
        share is full; stopping once the queue is closed.
        """
        share = max(1, int(self._limit * SHARE))
        with self._lock:
            if self._closed:
                raise AppError("stopping")
            waiting = [ticket for ticket in self._waiting if (ticket.priority == Priority.DEFERRED) == deferred]
            if len(waiting) >= self._limit:
                raise AppError("queue_full")
            if sum(ticket.user_id == user_id for ticket in waiting) >= share:
                raise AppError("too_many_waiting", count=share)
            return not (deferred or waiting) and len(self._running) < max(1, self._slots())

    def submit(self, ticket: Ticket) -> None:
        """Queue a ticket; its work starts at once if a slot is free. Unless preemptible itself, it cancels running
        preemptible work, and prefills that wait for such work to end.

        On a closed queue, cancels the ticket instead.
        """
        to_cancel = [ticket]
        with self._lock:
            if not self._closed:
                to_cancel = []
                if not ticket.priority.preemptible:
                    to_cancel = [other for other in self._running.values() if other.priority.preemptible]
                    self._waiting = [other for other in self._waiting if other.priority != Priority.PREFILL]
                self._waiting.append(ticket)
                self._start_next()
        for other in to_cancel:
            other.cancel.set()
        self._announce_places()

    def submit_if_idle(self, ticket: Ticket) -> bool:
        """Queue a ticket only if, apart from deferred work, none waits, a slot is free, and neither exclusive work nor
        its conversation runs. It cancels running deferred work, and starts once that has ended.

        Returns whether it was queued.
        """
        with self._lock:
            everything = [*self._running.values(), *self._waiting]
            deferred = [other for other in self._running.values() if other.priority == Priority.DEFERRED]
            waits = any(other.priority != Priority.DEFERRED for other in self._waiting)
            free = not self._closed and not waits and len(self._running) - len(deferred) < max(1, self._slots())
            if (
                not free
                or any(other.conversation_id == ticket.conversation_id for other in everything)
                or any(o.priority.exclusive and o not in deferred for o in self._running.values())
            ):
                return False
            self._waiting.append(ticket)
            self._start_next()
        for other in deferred:
            other.cancel.set()
        return True

    def cancel(self, key: Hashable) -> Ticket | None:
        """Cancel a ticket. Returns it if it was still waiting, in which case its work never starts; else None."""
        with self._lock:
            waiting = next((ticket for ticket in self._waiting if ticket.key == key), None)
            running = self._running.get(key)
            if running is not None:
                running.stopped = True
            if waiting is not None:
                self._waiting.remove(waiting)
                self._start_next()
        if running is not None:
            running.cancel.set()
        self._announce_places()
        return waiting

    def knows(self, key: Hashable) -> bool:
        """Return True if a ticket with that key waits or runs."""
        with self._lock:
            return key in self._running or any(ticket.key == key for ticket in self._waiting)

    def waiting(self, key: Hashable) -> Ticket | None:
        """Return the ticket with that key if it waits."""
        with self._lock:
            return next((ticket for ticket in self._waiting if ticket.key == key), None)

    def snapshot(self) -> tuple[list[Ticket], list[Ticket]]:
        """Return the waiting tickets in serving order, and the running ones."""
        with self._lock:
            waiting, running, served = list(self._waiting), list(self._running.values()), dict(self._served)
        return serving_order(waiting, served), running

    def announce_again(self) -> None:
        """Announce the current positions although they are unchanged."""
        with self._lock:
            self._changes += 1
        self._announce_places()

    def look_again(self) -> None:
        """Start what has become due meanwhile."""
        with self._lock:
            if self._waiting and not self._closed:
                self._start_next()
        self._announce_places()

    def is_idle(self) -> bool:
        """Return True if no ticket of any kind runs, and none waits but deferred ones."""
        with self._lock:
            return not self._running and all(ticket.priority == Priority.DEFERRED for ticket in self._waiting)

    def counts(self) -> tuple[int, int]:
        """Return how many tickets run and how many wait, without those that yield their slot."""
        with self._lock:
            return _awaited(self._running.values()), _awaited(self._waiting)

    def close(self, timeout: float) -> None:
        """Accept no more tickets, cancel all as interrupted, and wait at most `timeout` seconds for the
        running ones.
        """
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

    def _start_next(self) -> None:
        """Start the tickets that may start. The caller holds `_lock`, and calls `_announce_places`
        after releasing it.
        """
        while len(self._running) < max(1, self._slots()):
            ticket = next_ticket(self._waiting, self._running.values(), self._served, self._model)
            if ticket is None:
                break
            place = self._waiting.index(ticket)
            fairest = next_ticket(self._waiting, self._running.values(), self._served) or ticket
            for other in {*self._waiting[:place], fairest} - {ticket}:
                other.times_skipped += 1
            del self._waiting[place]
            ticket.started = time.monotonic()
            self._running[ticket.key] = ticket
            self._model = ticket.model
            self._starts += 1
            if not ticket.priority.preemptible:
                self._served[ticket.user_id] = self._starts
            self._threads.submit(self._run, ticket)
        # If a running ticket is about to release its slot, the positions will change in a moment: do not announce them.
        if self._waiting and not any(ticket.yields_slot for ticket in self._running.values()):
            self._changes += 1

    def _announce_places(self) -> None:
        """Announce the current positions, unless another thread has done so since they changed."""
        with self._announcing:
            with self._lock:
                if self._announced == self._changes:
                    return
                self._announced = self._changes
                waiting, running, served = list(self._waiting), list(self._running.values()), dict(self._served)
            self._announce(serving_order(waiting, served), running)

    def _run(self, ticket: Ticket) -> None:
        # A thread that is announcing positions may have seen this ticket waiting: let it finish first.
        with self._announcing:
            pass
        while not self._worked(ticket):
            pass
        self._announce_places()
        ticket.when_free()

    def _worked(self, ticket: Ticket) -> bool:
        """Call a ticket's work, and give its slot to the next one; False if it has to be called once more."""
        try:
            ticket.work(ticket)
        except Exception:
            # It reaches no caller.
            logger.exception("work failed ticket=%s", ticket.key)
        with self._lock:
            again, ticket.again = ticket.again, False
            if again and ticket.stopped:
                # The user has stopped it while it was giving way: it ends now.
                return False
            self._running.pop(ticket.key, None)
            if ticket.priority < Priority.DEFERRED:
                self._used = time.monotonic()
            self._idle.notify_all()
            if not self._closed:
                if again:
                    ticket.cancel, ticket.started = Cancel(), 0.0
                    # Before later tickets of its conversation.
                    self._waiting.insert(0, ticket)
                self._start_next()
        return True


def _awaited(tickets: Iterable[Ticket]) -> int:
    return sum(not ticket.yields_slot for ticket in tickets)
