"""The wait that is foretold, and what it really was: both are stored with the answer."""

from collections.abc import Callable

import pytest

from app.engines.base import Usage
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.documents import attached
from tests.support.person import Person
from tests.support.program import Program
from tests.support.site import Site
from tests.support.sse import Stream

MODEL = "phi3:mini"
USUAL_S = 100.0


@pytest.fixture
def experienced(site: Site, alice: Person) -> Person:
    """Alice, on a server whose answers took so long until now."""
    site.generation.estimates.learn(MODEL, USUAL_S, Usage())
    return alice


def held(person: Person, ollama: FakeOllama) -> Stream:
    """An answer that goes on until `release()`."""
    ollama.script(Scenario.hold(1))
    stream = person.ask(person.start(), "Zéro")
    stream.until("text")
    return stream


def expectations(stream: Stream) -> list[int]:
    return [event.data["eta_s"] for event in stream.events if event.name == "queued"]


def test_an_answer_that_waited_tells_how_long_and_what_was_foretold(
    experienced: Person, site: Site, ollama: FakeOllama
) -> None:
    first = held(experienced, ollama)
    conversation = experienced.start()
    second = experienced.ask(conversation, "Un")
    foretold = second.until("queued").data["eta_s"]
    assert USUAL_S - 5 <= foretold <= USUAL_S
    ollama.release()
    metrics = second.end().data("done")["metrics"]
    assert round(metrics["expected_queue_ms"] / 1000) == foretold
    assert 0 < metrics["queue_ms"] < 5000
    assert experienced.messages(conversation)[1]["metrics"] == metrics
    alone = first.end().data("done")["metrics"]
    assert alone["expected_queue_ms"] is None
    assert alone["queue_ms"] < 1000


def test_whoever_moves_up_waits_for_the_one_who_has_just_begun(experienced: Person, ollama: FakeOllama) -> None:
    held(experienced, ollama)
    ollama.script(Scenario.hold(1))
    streams = [experienced.ask(experienced.start(), question) for question in ("Un", "Deux")]
    ollama.release()
    streams[0].until("text")
    streams[1].until("queued", lambda data: data["position"] == 1)
    before, now = expectations(streams[1])
    # The answer that ended at once has lowered what is expected of one.
    assert USUAL_S <= before <= 2 * USUAL_S
    assert USUAL_S / 2 - 5 <= now <= USUAL_S / 2 + 5
    ollama.release()
    streams[1].end()


def test_documents_that_are_to_be_read_are_foretold_to_those_behind(
    experienced: Person, site: Site, ollama: FakeOllama
) -> None:
    # Ten tokens a second.
    site.generation.estimates.learn_reading(MODEL, Usage(prompt_tokens=500, cached_tokens=0, prefill_ms=50_000.0))
    file = attached(site, "alice", "contrat.txt", "Un contrat. " * 60)
    streams = [held(experienced, ollama)]
    streams.append(experienced.ask(experienced.start(), "Un", files=[file]))
    streams.append(experienced.ask(experienced.start(), "Deux"))
    foretold = [stream.until("queued").data["eta_s"] for stream in streams[1:]]
    assert foretold[0] <= USUAL_S
    tokens = experienced.get(f"/api/conversations/{streams[1].data('accepted')['conversation']['id']}")
    reading_s = tokens.json["messages"][0]["files"][0]["tokens"] / 10
    assert foretold[1] == pytest.approx(2 * USUAL_S + reading_s, abs=5)
    ollama.release()
    for stream in streams:
        stream.end()


def test_the_state_of_the_server_tells_the_wait_that_one_more_question_is_told(
    experienced: Person, ollama: FakeOllama
) -> None:
    streams = [held(experienced, ollama)]
    for question in ("Un", "Deux", "Trois"):
        status = experienced.get("/api/status").json["eta_s"]
        streams.append(experienced.ask(experienced.start(), question))
        assert abs(streams[-1].until("queued").data["eta_s"] - status) <= 1
    ollama.release()
    for stream in streams:
        stream.end()
    assert experienced.get("/api/status").json["eta_s"] == 0


def test_whoever_comes_back_is_told_what_is_left_of_the_wait(
    experienced: Person, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = held(experienced, ollama)
    second = experienced.ask(experienced.start(), "Un")
    second.until("queued")
    address = f"/api/messages/{second.message_id}/stream?wait=0"
    assert experienced.get(address).data.count(b"event: queued") == 1
    monkeypatch.setattr("app.generation.service.OUTDATED_S", 0)
    assert experienced.get(address).data.count(b"event: queued") == 2
    ollama.release()
    first.end()
    second.end()
    assert len(set(expectations(second)[:-1])) <= 2


def test_a_program_at_work_is_waited_for_like_anybody(
    experienced: Person, program: Program, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.hold(1))
    running = program.stream("Zéro")
    running.next()
    waiting = experienced.ask(experienced.start(), "Un")
    assert waiting.until("queued").data["eta_s"] > USUAL_S / 2
    ollama.release()
    running.end()
    waiting.end()


def test_a_server_that_starts_again_remembers_what_answers_take(
    make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    first = make_site().start(ollama)
    alice = Person(first.app)
    alice.register("alice")
    alice.ask(alice.start(), "Avant").end()
    known = first.generation.estimates.expected_duration(MODEL)
    first.stop()
    assert known is not None
    again = make_site().start(ollama)
    assert again.generation.estimates.expected_duration(MODEL) == pytest.approx(known, abs=0.1)
