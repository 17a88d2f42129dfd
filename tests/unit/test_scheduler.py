"""Whose turn it is: round robin, order within a conversation, never more than the slots."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AppError
from app.generation.scheduler import Scheduler, Ticket, next_ticket, serving_order

# (person, conversation of that person) for each question, in order of arrival.
queues = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), max_size=30)


def tickets(queue: list[tuple[int, int]]) -> list[Ticket]:
    return [
        Ticket(key, person, f"{person}-{place}", lambda _: None)
        for key, (person, place) in enumerate(queue)
    ]


@given(queues)
def test_everybody_is_served_once_and_conversations_keep_their_order(queue: list[tuple[int, int]]) -> None:
    waiting = tickets(queue)
    order = serving_order(waiting, {})
    assert sorted(ticket.key for ticket in order) == [ticket.key for ticket in waiting]
    for conversation in {ticket.conversation_id for ticket in waiting}:
        keys = [ticket.key for ticket in order if ticket.conversation_id == conversation]
        assert keys == sorted(keys)


@given(queues)
def test_nobody_gets_two_turns_while_another_waits_for_one(queue: list[tuple[int, int]]) -> None:
    order = [ticket.user_id for ticket in serving_order(tickets(queue), {})]
    for place, person in enumerate(order):
        later = set(order[place + 1 :])
        following = order[place + 1 :]
        until_next = following[: following.index(person)] if person in later else following
        assert later - {person} <= set(until_next)


def test_ten_questions_of_one_person_do_not_starve_another() -> None:
    order = serving_order(tickets([(1, place) for place in range(10)] + [(2, 0), (3, 0)]), {1: 1})
    assert [ticket.user_id for ticket in order][:3] == [2, 3, 1]


@given(queues, queues)
def test_a_conversation_is_never_answered_twice_at_once(
    waiting: list[tuple[int, int]], running: list[tuple[int, int]]
) -> None:
    at_work = tickets(running)
    chosen = next_ticket(tickets(waiting), at_work, {})
    busy = {ticket.conversation_id for ticket in at_work}
    if chosen is not None:
        assert chosen.conversation_id not in busy
        free = [f"{person}-{place}" for person, place in waiting if f"{person}-{place}" not in busy]
        idle = {name.partition("-")[0] for name in free} - {str(ticket.user_id) for ticket in at_work}
        assert not idle or str(chosen.user_id) in idle
    else:
        assert all(f"{person}-{place}" in busy for person, place in waiting)


@settings(deadline=None, max_examples=20)
@given(queues, st.integers(1, 3))
def test_never_more_at_work_than_slots(queue: list[tuple[int, int]], slots: int) -> None:
    scheduler = Scheduler(lambda: slots, limit=100)
    lock, at_work, most, ended = threading.Lock(), [], [0], threading.Semaphore(0)

    def work(ticket: Ticket) -> None:
        with lock:
            at_work.append(ticket.conversation_id)
            most[0] = max(most[0], len(at_work))
            assert len(set(at_work)) == len(at_work)
        with lock:
            at_work.remove(ticket.conversation_id)
        ended.release()

    for ticket in tickets(queue):
        ticket.work = work
        scheduler.submit(ticket)
    for _ in queue:
        assert ended.acquire(timeout=5)
    assert most[0] <= slots
    scheduler.close(5)
    assert scheduler.counts() == (0, 0)


def test_a_queue_has_a_limit_and_an_end() -> None:
    scheduler = Scheduler(lambda: 1, limit=1)
    go_on = threading.Event()
    first, second = tickets([(1, 0), (2, 0)])
    first.work = lambda ticket: go_on.wait(5) and None
    scheduler.submit(first)
    scheduler.check_room()
    scheduler.submit(second)
    with pytest.raises(AppError, match="queue_full"):
        scheduler.check_room()
    assert scheduler.cancel(second.key) is second
    assert scheduler.cancel(second.key) is None
    assert scheduler.cancel(first.key) is None
    assert first.cancel.is_set()
    go_on.set()
    scheduler.close(5)
    assert first.cancel.is_set()
    with pytest.raises(AppError, match="stopping"):
        scheduler.check_room()
