"""OpenAI's API in the queue: fair, bounded, left by whoever has gone, and holding nothing while it waits."""

import socket
import threading
from collections.abc import Callable

import pytest

from app import openai_api
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Chunks, Program, refusal, token_of
from tests.support.site import Site

ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 2}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams begin at once, so that a test can open several that wait."""
    monkeypatch.setattr(openai_api, "SILENCE_S", 0.05)
    monkeypatch.setattr(openai_api, "OPENING_S", 0.0)


def held(program: Program, ollama: FakeOllama) -> Chunks:
    """An answer that holds the only slot until `release()`."""
    ollama.script(Scenario.hold(1))
    chunks = program.stream("Zéro")
    chunks.next()
    return chunks


@pytest.mark.usefixtures("hasty")
def test_a_silent_stream_says_that_it_waits(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold())
    chunks = program.stream()
    assert [chunks.next() for _ in range(3)] == [b": waiting"] * 3
    ollama.release()
    assert chunks.end().text() == "".join(ollama.generations[-1].said)


@pytest.mark.usefixtures("hasty")
def test_the_queue_is_the_chats_and_the_chat_goes_first(
    program: Program, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    first = held(program, ollama)
    waiting = [program.stream(content) for content in ("Un", "Deux")]
    his = Program(bob.app, token_of(bob)).stream("Trois")
    chat = alice.ask(alice.start(), "Quatre")
    assert chat.until("queued").data["ahead"] == 1
    ollama.release()
    chat.end()
    for chunks in (first, *waiting, his):
        assert chunks.end().choices[-1]["finish_reason"] == "stop"
    asked = [body["messages"][-1]["content"] for body in ollama.received("/api/chat")]
    assert asked == ["Zéro", "Quatre", "Trois", "Un", "Deux"]
    assert ollama.max_running == 1


def test_a_full_queue(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(QUEUE_MAX=1).start(ollama).app)
    alice.register("alice")
    program = Program(alice.app, token_of(alice))
    running = held(program, ollama)
    waiting = alice.ask(alice.start(), "Un")
    for stream in (False, True):
        refused = program.ask(stream=stream)
        assert refusal(refused) == (503, "queue_full", None)
        assert int(refused.headers["Retry-After"]) > 0
    ollama.release()
    running.end()
    waiting.end()
    assert program.ask().status_code == 200


@pytest.mark.usefixtures("hasty")
def test_too_many_at_once(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(THREADS=8).start(ollama).app)
    alice.register("alice")
    program = Program(alice.app, token_of(alice))
    running = [held(program, ollama), *(program.stream() for _ in range(3))]
    refused = program.ask()
    assert refusal(refused) == (429, "rate_limit_exceeded", None)
    assert "Retry-After" in refused.headers
    running.pop().leave()
    ollama.release()
    assert program.ask().status_code == 200
    for chunks in running:
        chunks.end()
        chunks.leave()


def test_leaving_a_stream_stops_the_engine(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless())
    chunks = program.stream()
    chunks.next()
    chunks.leave()
    assert ollama.reached(Phase.ENDED).outcome is Outcome.CANCELLED


@pytest.mark.usefixtures("hasty")
def test_leaving_the_queue_asks_the_engine_nothing(program: Program, ollama: FakeOllama) -> None:
    running = held(program, ollama)
    program.stream("Perdu").leave()
    last = program.stream("Gardé")
    ollama.release()
    running.end()
    last.end()
    assert [body["messages"][-1]["content"] for body in ollama.received("/api/chat")] == ["Zéro", "Gardé"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_closes_during_the_silence_stops_the_engine(
    monkeypatch: pytest.MonkeyPatch, program: Program, ollama: FakeOllama, stream: bool
) -> None:
    monkeypatch.setattr(openai_api, "SILENCE_S", 0.05)
    ollama.script(Scenario.hold())
    server, client = socket.socketpair()
    with server, client:
        # Something more that was sent is not the end.
        client.send(b"GET /v1/models")
        statuses: list[int] = []

        def ask() -> None:
            body = {"messages": [{"role": "user", "content": "Bonjour"}], "stream": stream}
            answer = program.complete(body, environ_overrides={"gunicorn.socket": server})
            statuses.append(answer.status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        ollama.reached(Phase.PREFILL)
        server.recv(100)
        client.close()
        made = ollama.reached(Phase.ENDED)
        asking.join(5)
    assert made.outcome is Outcome.CANCELLED
    assert statuses == [499]


@pytest.mark.parametrize("stream", [False, True])
def test_who_waits_holds_no_database_connection(
    make_site: Callable[..., Site], ollama: FakeOllama, stream: bool
) -> None:
    alice = Person(make_site(pool=ONE).start(ollama).app)
    alice.register("alice")
    program = Program(alice.app, token_of(alice))
    ollama.script(Scenario.hold())
    asking = threading.Thread(target=lambda: program.ask(stream=stream).get_data())
    asking.start()
    ollama.reached(Phase.PREFILL)
    assert alice.get("/").status_code == 200
    assert program.get("/models").status_code == 200
    ollama.release()
    asking.join(5)
    assert not asking.is_alive()
