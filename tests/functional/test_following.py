"""Followers of an answer: from any number on, several at once, late, and after its events are forgotten."""

import itertools

import pytest

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site
from tests.support.sse import Stream

LONG = " ".join(f"mot{number}" for number in range(120))


@pytest.fixture
def done(alice: Person, ollama: FakeOllama) -> Stream:
    """An answer of several frames, ended."""
    ollama.script(Scenario.answer(LONG))
    return alice.ask(alice.start(), "Bonjour").end()


def test_a_follower_gets_exactly_the_events_after_its_last_one(alice: Person, done: Stream) -> None:
    assert len(done.events) > 4
    for last in range(len(done.events) + 1):
        assert alice.follow(done.message_id, last).end().events == done.events[last:]
        header = {"Last-Event-ID": str(last)}
        assert alice.follow(done.message_id, **header).end().events == done.events[last:]


def test_a_page_that_may_not_wait_gets_what_there_is(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(5))
    asking = alice.ask(alice.start(), "Bonjour")
    asking.until("text")
    address = f"/api/messages/{asking.message_id}/stream?wait=0"
    answer = alice.get(address)
    assert b"event: text" in answer.data
    assert b"event: done" not in answer.data
    ollama.release()
    asking.end()
    assert alice.get(address).data.startswith(answer.data)
    assert b"event: done" in alice.get(address).data
    assert b"event:" not in alice.get(f"{address}&after={asking.numbers[-1]}").data
    assert problem(alice.get(f"{address}&after=x")) == (422, "invalid_field")


def test_a_number_beyond_the_end_gets_nothing_more(alice: Person, done: Stream) -> None:
    assert alice.follow(done.message_id, 999_999_999).end().events == []


def test_a_number_that_is_none_is_refused(alice: Person, done: Stream) -> None:
    for number in ("-1", "x", "1.5", "9999999999", "٣"):
        answer = alice.get(f"/api/messages/{done.message_id}/stream?after={number}")
        assert problem(answer) == (422, "invalid_field")


def test_two_followers_get_the_same_bytes_while_it_is_written(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(5))
    first = alice.ask(alice.start(), "Bonjour")
    first.until("text")
    second = alice.get(f"/api/messages/{first.message_id}/stream")
    third = alice.get(f"/api/messages/{first.message_id}/stream?after=0")
    ollama.release()
    assert second.data == third.data
    assert alice.follow(first.message_id).end().events == first.end().events


def test_the_answer_goes_on_when_its_only_follower_leaves(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(5))
    conversation = alice.start()
    asking = alice.ask(conversation, "Bonjour")
    asking.until("text")
    asking.leave()
    ollama.release()
    back = alice.follow(asking.message_id, asking.numbers[-1]).end()
    assert back.data("done")["status"] == "done"
    assert asking.text() + back.text() == alice.messages(conversation)[1]["content"]


def test_a_page_opened_in_mid_answer_says_where_to_go_on(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(5))
    conversation = alice.start()
    asking = alice.ask(conversation, "Bonjour")
    asking.until("text")
    _, answer = alice.messages(conversation)
    assert answer["status"] == "running"
    assert answer["last_event"] >= asking.numbers[-1]
    assert alice.get("/api/conversations").json["conversations"][0]["state"] == "running"
    ollama.release()
    rest = alice.follow(answer["id"], answer["last_event"]).end()
    whole = alice.follow(answer["id"]).end()
    assert answer["content"] + rest.text() == whole.text() == alice.messages(conversation)[1]["content"]
    assert alice.get("/api/conversations").json["conversations"][0]["state"] is None


def test_events_that_are_forgotten_come_as_a_reset_and_the_end(site: Site, alice: Person, ollama: FakeOllama) -> None:
    site.generation._event_log._kept = 1
    ollama.script(Scenario.answer(LONG))
    conversation = alice.start()
    old = alice.ask(conversation, "Un").end()
    alice.ask(conversation, "Deux").end()
    # The newest run retires a moment after its last event: a third one makes room for sure.
    alice.ask(conversation, "Trois").end()
    late = alice.follow(old.message_id, old.numbers[1]).end()
    assert late.names == ["accepted", "done"]
    assert late.numbers == [1, 2]
    accepted = late.data("accepted")
    assert accepted["reset"] is True
    assert accepted["message"]["content"] == old.text() == LONG
    assert late.data("done") == old.data("done")


def test_a_follower_of_an_earlier_attempt_gets_the_whole_text_again(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    ollama.script(Scenario.cut(6), Scenario.hold(3))
    first = alice.ask(conversation, "Bonjour").end()
    more = alice.go_on(first.message_id)
    more.until("text")
    stale = Stream(alice.get(f"/api/messages/{first.message_id}/stream?after=2&attempt=1").response, lambda: None)
    reset = stale.until("accepted")
    assert reset.data["reset"] is True
    ollama.release()
    assert stale.end().names[-1] == "done"
    _, answer = alice.messages(conversation)
    assert reset.data["message"]["content"] + stale.text() == answer["content"]
    assert first.text() + more.end().text() == answer["content"]


def test_no_database_connection_is_held_while_waiting(site: Site, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(5))
    asking = alice.ask(alice.start(), "Bonjour")
    asking.until("text")
    followers = [alice.follow(asking.message_id) for _ in range(2)]
    assert site.database.pool.checkedout() == 0
    ollama.release()
    for follower in followers:
        assert follower.end().names[-1] == "done"


def test_numbers_never_jump(done: Stream) -> None:
    assert all(after == before + 1 for before, after in itertools.pairwise(done.numbers))
