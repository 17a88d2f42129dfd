"""The queue in front of the engine, seen by several people."""

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site
from tests.support.sse import Stream


@pytest.fixture
def busy(alice: Person, ollama: FakeOllama) -> Stream:
    """An answer of Alice that holds the only slot until `release()`."""
    ollama.script(Scenario.hold(1))
    stream = alice.ask(alice.start(), "Zéro")
    stream.until("text")
    return stream


def positions(stream: Stream) -> list[int]:
    return [event.data["position"] for event in stream.events if event.name == "queued"]


def asked(ollama: FakeOllama) -> list[str]:
    """The questions in the order in which the engine got them."""
    return [body["messages"][-1]["content"] for body in ollama.received("/api/chat")]


def test_places_in_the_queue_are_told_and_count_down(busy: Stream, alice: Person, ollama: FakeOllama) -> None:
    streams = [alice.ask(alice.start(), question) for question in ("Un", "Deux", "Trois")]
    for place, stream in enumerate(streams, start=1):
        assert stream.until("queued").data == {"position": place, "ahead": place, "own": place, "eta_s": None}
    ollama.release()
    for stream in (busy, *streams):
        assert stream.end().data("done")["status"] == "done"
    assert [positions(stream) for stream in streams] == [[1, 0], [2, 1, 0], [3, 2, 1, 0]]
    assert asked(ollama) == ["Zéro", "Un", "Deux", "Trois"]
    assert ollama.max_running == 1


def test_ones_own_answers_ahead_are_told_apart(busy: Stream, alice: Person, bob: Person, ollama: FakeOllama) -> None:
    """Alice's answer is being written; Bob's is next, as he was served less lately."""
    his, hers = bob.ask(bob.start(), "De Bob"), alice.ask(alice.start(), "D’Alice")
    for stream, place in ((his, (1, 1, 0)), (hers, (2, 2, 1))):
        told = stream.until("queued").data
        assert (told["position"], told["ahead"], told["own"]) == place
    assert bob.stop(his.message_id) == "stopped"
    told = hers.until("queued", lambda data: data["position"] == 1).data
    assert (told["ahead"], told["own"]) == (1, 1)
    ollama.release()
    for stream in (busy, hers):
        stream.end()


def test_the_wait_is_estimated_from_earlier_answers(alice: Person, ollama: FakeOllama) -> None:
    alice.ask(alice.start(), "Avant").end()
    ollama.script(Scenario.hold(1))
    first = alice.ask(alice.start(), "Un")
    first.until("text")
    second = alice.ask(alice.start(), "Deux")
    assert isinstance(second.until("queued").data["eta_s"], int)
    ollama.release()
    second.end()


def test_a_second_person_does_not_wait_for_all_questions_of_the_first(
    busy: Stream, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    hers = [alice.ask(alice.start(), f"A{number}") for number in range(4)]
    his = [bob.ask(bob.start(), f"B{number}") for number in range(2)]
    ollama.release()
    for stream in (*hers, *his):
        stream.end()
    assert asked(ollama) == ["Zéro", "B0", "A0", "B1", "A1", "A2", "A3"]


def test_several_conversations_of_one_person_are_answered_each(busy: Stream, alice: Person, ollama: FakeOllama) -> None:
    conversations = [alice.start() for _ in range(3)]
    streams = [alice.ask(conversation, f"Dans {conversation}") for conversation in conversations]
    ollama.release()
    for stream in streams:
        stream.end()
    for conversation, stream in zip(conversations, streams, strict=True):
        question, answer = alice.messages(conversation)
        assert question["content"] == f"Dans {conversation}"
        assert answer["content"] == stream.text()


@pytest.fixture
def two_slots(make_site: Callable[..., Site]) -> Iterator[tuple[Person, FakeOllama]]:
    """A person, and an engine that writes two answers at once."""
    with FakeOllama(parallel=2) as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url, ENGINE_SLOTS=2).start(ollama).app)
        alice.register("alice")
        yield alice, ollama


def test_questions_of_one_conversation_are_answered_in_their_order(two_slots: tuple[Person, FakeOllama]) -> None:
    alice, ollama = two_slots
    ollama.script(Scenario.hold(1))
    conversation = alice.start()
    first = alice.ask(conversation, "Un")
    first.until("text")
    second = alice.ask(conversation, "Deux")
    assert second.until("queued").data["position"] == 1
    other = alice.ask(alice.start(), "Ailleurs").end()
    assert other.data("done")["status"] == "done"
    ollama.release()
    second.end()
    assert asked(ollama) == ["Un", "Ailleurs", "Deux"]
    # The second question's prompt has the first one's answer in it.
    assert ollama.received("/api/chat")[2]["messages"][-2]["content"] == first.end().text()


def test_as_many_answers_at_once_as_the_engine_has_slots(two_slots: tuple[Person, FakeOllama]) -> None:
    alice, ollama = two_slots
    ollama.script(*[Scenario.hold(1)] * 3)
    streams = [alice.ask(alice.start(), question) for question in ("Un", "Deux", "Trois")]
    ollama.reached(Phase.DECODING, 1)
    assert streams[2].until("queued").data["ahead"] == 2
    for _ in streams:
        ollama.release()
    for stream in streams:
        assert stream.end().data("done")["status"] == "done"
    assert ollama.max_running == 2


def test_a_full_queue_refuses_the_next_question_and_stores_nothing(
    make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    alice = Person(make_site(QUEUE_MAX=1).start(ollama).app)
    alice.register("alice")
    ollama.script(Scenario.hold(1))
    running = alice.ask(alice.start(), "Avant")
    running.until("text")
    waiting = alice.ask(alice.start(), "Un")
    conversation = alice.start()
    refused = alice.post(conversation, "Deux")
    assert problem(refused) == (503, "queue_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert alice.messages(conversation) == []
    ollama.release()
    waiting.end()
    assert alice.ask(conversation, "Deux").end().data("done")["status"] == "done"


def test_one_person_leaves_room_for_the_others(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    site = make_site(QUEUE_MAX=8).start(ollama)
    alice, bob = Person(site.app, "alice"), Person(site.app, "bob")
    for person in (alice, bob):
        person.register()
    ollama.script(Scenario.hold(1))
    streams = [alice.ask(alice.start(), "Avant")]
    streams[0].until("text")
    # A question waits, also when nobody looks at it.
    streams += [alice.ask(alice.start(), str(number)) for number in range(2)]
    conversation = alice.start()
    refused = alice.post(conversation, "Une de trop")
    assert problem(refused) == (429, "too_many_waiting")
    assert "2 questions" in refused.json["detail"]
    assert alice.messages(conversation) == []
    streams.append(bob.ask(bob.start(), "Et moi ?"))
    ollama.release()
    for stream in streams:
        assert stream.end().data("done")["status"] == "done"


def test_the_state_of_the_machine(busy: Stream, alice: Person, ollama: FakeOllama) -> None:
    status = alice.get("/api/status").json
    assert set(status) == {"state", "running", "waiting", "slots", "model", "loaded", "eta_s", "usual_s", "careful"}
    assert (status["state"], status["running"], status["waiting"], status["slots"]) == ("busy", 1, 0, 1)
    streams = [alice.ask(alice.start(), str(number)) for number in range(3)]
    assert alice.get("/api/status").json["state"] == "saturated"
    ollama.release()
    for stream in streams:
        stream.end()
