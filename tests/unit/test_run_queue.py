"""The queue at work: fair while questions keep coming, models in batches, never more at once than the slots."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from itertools import groupby
from queue import Empty, SimpleQueue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AppError
from app.generation.queue import (
    MAX_SAME_MODEL_BATCH,
    PROMOTE_AFTER_SKIPS,
    Priority,
    RunQueue,
    Ticket,
    next_ticket,
    serving_order,
)

PEOPLE = st.integers(1, 4)
threaded = settings(deadline=None, max_examples=25)


def coming(models: str) -> st.SearchStrategy[list[list[tuple[int, str]]]]:
    """Who asks during each answer, and which model."""
    return st.lists(st.lists(st.tuples(PEOPLE, st.sampled_from(models)), max_size=4), max_size=25)


class Desk:
    """A queue whose answers go on until the test ends them, or until they are cancelled."""

    def __init__(self, slots: int = 1, limit: int = 1000) -> None:
        self.queue = RunQueue(lambda: slots, limit)
        self.free: SimpleQueue[Ticket] = SimpleQueue()
        self._started: SimpleQueue[Ticket] = SimpleQueue()
        self._keys = iter(range(1_000_000))

    def ticket(
        self, person: int, priority: Priority = Priority.CHAT, model: str = "", conversation: str = ""
    ) -> Ticket:
        key = next(self._keys)
        ticket = Ticket(key, person, conversation or f"c{key}", self._work, model=model, priority=priority)
        ticket.when_free = lambda: self.free.put(ticket)
        return ticket

    def ask(self, person: int, priority: Priority = Priority.CHAT, model: str = "", conversation: str = "") -> Ticket:
        ticket = self.ticket(person, priority, model, conversation)
        self.queue.submit(ticket)
        return ticket

    def next(self) -> Ticket:
        """The next one that starts."""
        return self._started.get(timeout=5)

    def end(self, ticket: Ticket) -> None:
        """End an answer, and wait until its slot has been given to the next one."""
        ticket.cancel.set()
        assert self.free.get(timeout=5) is ticket

    def served(self, steps: Sequence[Sequence[tuple[int, str]]]) -> list[tuple[Ticket, list[Ticket]]]:
        """Everybody's turn, with those who still waited then; the questions of each step come during an answer."""
        now, left, turns, waiting = self.ask(0, model="a"), deque(steps), [], list[Ticket]()
        assert self.next() is now
        while left or waiting:
            waiting += [self.ask(person, model=model) for person, model in (left.popleft() if left else ())]
            if waiting:
                self.end(now)
                now = self.next()
                waiting.remove(now)
                turns.append((now, list(waiting)))
        self.end(now)
        return turns

    def _work(self, ticket: Ticket) -> None:
        self._started.put(ticket)
        assert ticket.cancel.wait(10)


@threaded
@given(coming("a"))
def test_nobody_who_waits_sees_another_have_two_turns(steps: list[list[tuple[int, str]]]) -> None:
    seen: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for ticket, waiting in Desk().served(steps):
        seen.pop(ticket.user_id, None)
        for person in {other.user_id for other in waiting} - {ticket.user_id}:
            seen[person][ticket.user_id] += 1
            assert seen[person][ticket.user_id] == 1


@threaded
@given(coming("ab"))
def test_whose_turn_it_is_is_passed_over_for_the_models_sake_a_few_times_only(
    steps: list[list[tuple[int, str]]],
) -> None:
    last: dict[int, int] = {0: 0}
    passed: Counter[Ticket] = Counter()
    for turn, (ticket, waiting) in enumerate(Desk().served(steps), start=1):
        fairest = min([ticket, *waiting], key=lambda other: (last.get(other.user_id, 0), other.key))
        if fairest is not ticket:
            passed[fairest] += 1
            assert passed[fairest] <= MAX_SAME_MODEL_BATCH
            assert ticket.model != fairest.model
        last[ticket.user_id] = turn


def test_two_people_on_two_models_share_each_load() -> None:
    turns = Desk().served([[(1, "a"), (2, "b")]] * 20)
    lengths = [len(list(run)) for _, run in groupby(ticket.model for ticket, _ in turns)]
    assert set(lengths[1:-3]) == {MAX_SAME_MODEL_BATCH + 1}


def test_ten_questions_on_the_loaded_model_do_not_hold_up_another_model_for_long() -> None:
    turns = Desk().served([[*[(1, "a")] * 10, (2, "b")]])
    # The second turn would be hers.
    assert [ticket.user_id for ticket, _ in turns].index(2) == 1 + MAX_SAME_MODEL_BATCH


@threaded
@given(st.integers(1, 6), st.integers(1, 7), st.sampled_from(["", "b"]))
def test_a_program_is_answered_however_many_questions_are_asked_in_the_chat(
    people: int, owner: int, model: str
) -> None:
    desk = Desk()
    now = desk.ask(1)
    assert desk.next() is now
    programs = desk.ask(owner, Priority.API, model)
    for person in range(1, people + 1):
        desk.ask(person)
    turns = 0
    while turns <= PROMOTE_AFTER_SKIPS + people:
        desk.end(now)
        now = desk.next()
        if now is programs:
            break
        desk.ask(now.user_id)
        turns += 1
    desk.queue.close(5)
    assert PROMOTE_AFTER_SKIPS <= turns <= PROMOTE_AFTER_SKIPS + people


@pytest.mark.parametrize("kind", [Priority.PREFILL, Priority.BENCHMARK])
def test_what_nobody_waits_for_stops_for_whoever_asks(kind: Priority) -> None:
    for asked in (Priority.CHAT, Priority.API):
        desk = Desk()
        aside = desk.ask(1, kind)
        assert desk.next() is aside
        desk.ask(2, Priority.BENCHMARK)
        desk.ask(2, Priority.PREFILL)
        assert not aside.cancel.is_set()
        assert desk.queue.counts() == (0, 0)
        question = desk.ask(3, asked)
        assert aside.cancel.is_set()
        assert desk.next() is question
        assert desk.queue.counts() == (1, 0)
        desk.ask(4)
        assert not question.cancel.is_set()
        assert desk.queue.counts() == (1, 1)
        desk.queue.close(5)


def test_only_an_idle_engine_reads_ahead() -> None:
    desk = Desk(slots=2)
    first = desk.ask(1, conversation="one")
    assert not desk.queue.submit_if_idle(desk.ticket(1, Priority.PREFILL, conversation="one"))
    ahead = desk.ticket(2, Priority.PREFILL)
    assert desk.queue.submit_if_idle(ahead)
    assert [desk.next(), desk.next()] == [first, ahead]
    assert not desk.queue.submit_if_idle(desk.ticket(3, Priority.PREFILL))
    desk.end(ahead)
    # This one waits for its conversation, not for a slot.
    second = desk.ask(1, conversation="one")
    assert not desk.queue.submit_if_idle(desk.ticket(3, Priority.PREFILL))
    desk.end(first)
    assert desk.next() is second
    desk.queue.close(5)
    assert not desk.queue.submit_if_idle(desk.ticket(3, Priority.PREFILL))
    with pytest.raises(Empty):
        desk._started.get_nowait()


def test_what_comes_after_finds_the_slot_free() -> None:
    desk = Desk()
    first, ahead = desk.ask(1), desk.ticket(1, Priority.PREFILL)
    first.when_free = lambda: desk.queue.submit_if_idle(ahead) and desk.free.put(first)
    assert desk.next() is first
    desk.end(first)
    assert desk.next() is ahead
    desk.queue.close(5)


def served_one_by_one(waiting: Sequence[Ticket], served: Mapping[int, int]) -> list[Ticket]:
    """What the order of serving means."""
    remaining, turns, order = list(waiting), dict(served), list[Ticket]()
    while (ticket := next_ticket(remaining, (), turns)) is not None:
        turns[ticket.user_id] = max(turns.values(), default=0) + 1
        remaining.remove(ticket)
        order.append(ticket)
    return order


@given(
    st.lists(
        st.tuples(PEOPLE, st.integers(0, 2), st.sampled_from(Priority), st.integers(0, PROMOTE_AFTER_SKIPS)),
        max_size=30,
    ),
    st.dictionaries(PEOPLE, st.integers(0, 9)),
)
def test_the_order_of_serving_is_found_in_one_pass(
    queue: list[tuple[int, int, Priority, int]], served: dict[int, int]
) -> None:
    waiting = [
        Ticket(key, person, f"{person}-{place}", lambda _ticket: None, priority=priority, times_skipped=skipped)
        for key, (person, place, priority, skipped) in enumerate(queue)
    ]
    assert serving_order(waiting, served) == served_one_by_one(waiting, served)


def test_places_are_told_in_their_order_and_never_once_the_work_has_begun() -> None:
    told: list[tuple[str, list[int]]] = []

    def placed(order: Sequence[Ticket], _running: Sequence[Ticket]) -> None:
        time.sleep(0.002)
        told.append(("wait", [ticket.key for ticket in order]))

    def work(ticket: Ticket) -> None:
        told.append(("begin", [ticket.key]))
        time.sleep(0.001)

    queue, ended = RunQueue(lambda: 2, 1000, placed), threading.Semaphore(0)

    def ask(person: int) -> None:
        for number in range(20):
            key = 100 * person + number
            queue.submit(Ticket(key, person, f"c{key}", work, when_free=ended.release))

    people = [threading.Thread(target=ask, args=(person,)) for person in range(4)]
    for person in people:
        person.start()
    for _ in range(80):
        assert ended.acquire(timeout=10)
    queue.close(5)
    begun, known, left = set[int](), set[int](), set[int]()
    for kind, keys in told:
        if kind == "begin":
            begun |= set(keys)
            continue
        assert begun.isdisjoint(keys)
        # None who was left out once is told of again: that would be an older state.
        left |= known - set(keys)
        assert left.isdisjoint(keys)
        known |= set(keys)
    assert known
    assert begun == {100 * person + number for person in range(4) for number in range(20)}


@threaded
@given(st.lists(st.tuples(PEOPLE, st.integers(0, 2)), max_size=30), st.integers(1, 3))
def test_never_more_at_work_than_slots(asked: list[tuple[int, int]], slots: int) -> None:
    queue = RunQueue(lambda: slots, limit=100)
    lock, at_work, mistakes, ended = threading.Lock(), list[str](), list[list[str]](), threading.Semaphore(0)

    def work(ticket: Ticket) -> None:
        with lock:
            at_work.append(ticket.conversation_id)
            if len(at_work) > slots or len(set(at_work)) < len(at_work):
                mistakes.append(list(at_work))
        with lock:
            at_work.remove(ticket.conversation_id)
        ended.release()

    for key, (person, place) in enumerate(asked):
        queue.submit(Ticket(key, person, f"{person}-{place}", work))
    for _ in asked:
        assert ended.acquire(timeout=5)
    queue.close(5)
    assert not mistakes
    assert queue.counts() == (0, 0)


def test_nobody_fills_the_queue_alone() -> None:
    desk = Desk(limit=8)
    running, *waiting = (desk.ask(1) for _ in range(3))
    with pytest.raises(AppError, match="too_many_waiting"):
        desk.queue.check_room(1)
    assert not desk.queue.check_room(2)
    desk.queue.cancel(waiting[0].key)
    assert not desk.queue.check_room(1)
    for person in (2, 2, 3, 3, 4, 4, 5):
        desk.queue.check_room(person)
        desk.ask(person)
    with pytest.raises(AppError, match="queue_full"):
        desk.queue.check_room(6)
    desk.queue.close(5)
    assert running.cancel.is_set()


def test_a_queue_has_a_limit_and_an_end() -> None:
    desk = Desk(limit=1)
    assert desk.queue.check_room(1)
    first = desk.ask(1)
    assert not desk.queue.check_room(1)
    second = desk.ask(2)
    with pytest.raises(AppError, match="queue_full"):
        desk.queue.check_room(1)
    assert desk.queue.cancel(second.key) is second
    assert desk.queue.cancel(second.key) is None
    assert desk.queue.knows(first.key)
    assert not desk.queue.knows(second.key)
    assert desk.queue.cancel(first.key) is None
    assert first.cancel.is_set()
    desk.queue.close(5)
    assert not desk.queue.knows(first.key)
    with pytest.raises(AppError, match="stopping"):
        desk.queue.check_room(1)


def test_deferred_work_gives_way_and_goes_on_where_nothing_else_runs() -> None:
    queue, turns, free = RunQueue(lambda: 2, 10), SimpleQueue[Ticket](), SimpleQueue[Ticket]()

    def work(ticket: Ticket) -> None:
        turns.put(ticket)
        ticket.cancel.wait(5)
        ticket.again = ticket.gives_way

    def ask(key: str, priority: Priority) -> Ticket:
        ticket = Ticket(key, 1, key, work, priority=priority)
        ticket.when_free = lambda: free.put(ticket)
        queue.submit(ticket)
        return ticket

    deferred = ask("long", Priority.DEFERRED)
    assert turns.get(timeout=5) is deferred
    # A second slot is free, but the processor is the person's.
    chat = ask("chat", Priority.CHAT)
    assert turns.get(timeout=5) is chat
    assert free.get(timeout=5) is deferred
    assert queue.knows("long")
    chat.cancel.set()
    assert turns.get(timeout=5) is deferred
    assert not deferred.cancel.is_set()
    assert queue.cancel("long") is None
    assert [free.get(timeout=5), free.get(timeout=5)] == [chat, deferred]
    assert not queue.knows("long")


def test_whoever_stops_it_while_it_gives_way_ends_it() -> None:
    queue, calls = RunQueue(lambda: 1, 10), list[bool]()
    ended = threading.Event()

    def work(ticket: Ticket) -> None:
        calls.append(ticket.stopped)
        if len(calls) == 1:
            ticket.again = True
            queue.cancel(ticket.key)
        else:
            ended.set()

    queue.submit(Ticket("long", 1, "long", work, priority=Priority.DEFERRED))
    assert ended.wait(5)
    assert calls == [False, True]


def test_what_is_not_due_does_not_start_before_it_is() -> None:
    queue, due, begun = RunQueue(lambda: 1, 10), threading.Event(), threading.Event()
    ticket = Ticket("long", 1, "c", lambda _: begun.set(), priority=Priority.DEFERRED, is_due=due.is_set)
    queue.submit(ticket)
    queue.look_again()
    assert not begun.wait(0.05)
    due.set()
    queue.look_again()
    assert begun.wait(5)


def test_deferred_work_and_questions_take_no_room_from_each_other() -> None:
    queue = RunQueue(lambda: 1, 8)
    for key in range(2):
        queue.submit(Ticket(key, 1, str(key), lambda _: None, priority=Priority.DEFERRED, is_due=lambda: False))
    assert queue.check_room(1)
    assert queue.counts() == (0, 0)
    assert queue.is_idle()
    with pytest.raises(AppError, match="too_many_waiting"):
        queue.check_room(1, deferred=True)
    assert not queue.check_room(2, deferred=True)
