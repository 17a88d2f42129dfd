"""Whose turn it is: the most urgent class first, round robin in it, order within a conversation."""

from collections.abc import Sequence
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from app.generation.queue import Priority, Ticket, next_ticket, serving_order

PEOPLE = st.integers(1, 4)
# (person, conversation of that person) for each question, in order of arrival.
queues = st.lists(st.tuples(PEOPLE, st.integers(0, 2)), max_size=30)
mixed = st.lists(st.tuples(PEOPLE, st.integers(0, 2), st.sampled_from(Priority)), max_size=30)


def tickets(queue: Sequence[tuple[int, int] | tuple[int, int, Priority]]) -> list[Ticket]:
    return [
        Ticket(key, person, f"{person}-{place}", lambda _: None, priority=rest[0] if rest else Priority.CHAT)
        for key, (person, place, *rest) in enumerate(queue)
    ]


@given(mixed)
def test_everybody_is_served_once_and_conversations_keep_their_order(queue: list[tuple[int, int, Priority]]) -> None:
    waiting = tickets(queue)
    order = serving_order(waiting, {})
    assert sorted(ticket.key for ticket in order) == [ticket.key for ticket in waiting]
    for conversation in {ticket.conversation_id for ticket in waiting}:
        keys = [ticket.key for ticket in order if ticket.conversation_id == conversation]
        assert keys == sorted(keys)


@given(st.lists(st.tuples(PEOPLE, st.sampled_from(Priority)), max_size=30))
def test_the_most_urgent_class_first_and_nobody_in_it_gets_two_turns_while_another_waits_for_one(
    queue: list[tuple[int, Priority]],
) -> None:
    order = serving_order(tickets([(person, key, priority) for key, (person, priority) in enumerate(queue)]), {})
    assert [ticket.priority for ticket in order] == sorted(ticket.priority for ticket in order)
    for _, members in groupby(order, key=lambda ticket: ticket.priority):
        people = [ticket.user_id for ticket in members]
        for place, person in enumerate(people):
            later = people[place + 1 :]
            until_next = later[: later.index(person)] if person in later else later
            assert set(later) - {person} <= set(until_next)


def test_ten_questions_of_one_person_do_not_starve_another() -> None:
    order = serving_order(tickets([(1, place) for place in range(10)] + [(2, 0), (3, 0)]), {1: 1})
    assert [ticket.user_id for ticket in order][:3] == [2, 3, 1]


@given(queues, queues)
def test_a_conversation_is_never_answered_twice_at_once_nor_a_person_while_another_waits(
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


def test_reading_ahead_is_no_turn() -> None:
    reading = tickets([(1, 0, Priority.PREFILL)])
    first, second = tickets([(1, 1), (2, 1)])
    assert next_ticket([first, second], reading, {}) is first
