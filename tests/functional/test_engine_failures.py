"""Engines that are away, die, or talk nonsense: a plain sentence, the text so far, and a way on."""

import socket
import time
from collections.abc import Callable

import pytest

from app.errors import AppError
from tests.fakes.ollama import FakeOllama
from tests.fakes.ollama_library import FakeModel
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site

AWAY = "Ollama ne répond pas."


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_engine_that_is_away_is_named_at_once_and_used_when_it_comes(make_site: Callable[..., Site]) -> None:
    port = free_port()
    site = make_site(OLLAMA_HOST=f"127.0.0.1:{port}").start()
    alice = Person(site.app)
    alice.register("alice")
    conversation = alice.start()
    started = time.monotonic()
    stream = alice.ask(conversation, "Bonjour").end()
    assert time.monotonic() - started < 3
    done = stream.data("done")
    assert (done["status"], done["error"]["code"]) == ("failed", "engine_unreachable")
    assert done["error"]["message"].startswith(AWAY)
    assert alice.get(f"/c/{conversation}").status_code == 200
    assert alice.messages(conversation)[1]["error"] == done["error"]
    assert alice.get("/api/status").json["state"] == "down"
    assert alice.get("/readyz").status_code == 503
    assert alice.get("/healthz").status_code == 200
    with FakeOllama(port=port):
        again = alice.regenerate(stream.message_id).end()
        assert again.data("done")["status"] == "done"
        assert alice.messages(conversation)[1]["content"] == again.text()


def test_an_engine_that_goes_away_and_comes_back(make_site: Callable[..., Site]) -> None:
    with FakeOllama() as first:
        port = first.port
        alice = Person(make_site(OLLAMA_HOST=first.url).start(first).app)
        alice.register("alice")
        conversation = alice.start()
        alice.ask(conversation, "Un").end()
    away = alice.ask(conversation, "Deux").end()
    assert away.data("done")["error"]["message"].startswith(AWAY)
    with FakeOllama(port=port):
        assert alice.ask(conversation, "Trois").end().data("done")["status"] == "done"


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (Scenario.drop(5), "engine_cut"),
        (Scenario.cut(5), "engine_cut"),
        (Scenario.garbage(5), "engine_garbled"),
        (Scenario.garbage(5, '["not", "an", "object"]'), "engine_garbled"),
        (Scenario.garbage(5, '{"message": {"content": 7}}'), "engine_garbled"),
        (Scenario.mid_stream_error(5), "engine_failed"),
    ],
    ids=lambda value: value.name if isinstance(value, Scenario) else value,
)
def test_what_was_written_before_a_failure_is_kept(
    alice: Person, ollama: FakeOllama, scenario: Scenario, code: str
) -> None:
    ollama.script(scenario, Scenario.answer("Cette fois, oui."))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour").end()
    done = stream.data("done")
    assert (done["status"], done["error"]["code"]) == ("failed", code)
    assert "Ollama" in done["error"]["message"]
    _, answer = alice.messages(conversation)
    assert len(stream.text().split()) == 5
    assert (answer["status"], answer["content"], answer["error"]) == ("failed", stream.text(), done["error"])
    again = alice.regenerate(stream.message_id).end()
    assert again.data("done")["status"] == "done"
    assert alice.messages(conversation)[1]["content"] == "Cette fois, oui."


def test_an_answer_that_loops_is_an_answer(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Le tableau : " + "- " * 99))
    conversation = alice.start()
    stream = alice.ask(conversation, "Fais un tableau").end()
    done = stream.data("done")
    assert (done["status"], done["reason"], done["error"]) == ("done", "loop", None)
    assert stream.text().startswith("Le tableau : - -")
    assert problem(alice.api("POST", f"/messages/{stream.message_id}/continue")) == (409, "nothing_to_continue")
    assert alice.ask(conversation, "Et maintenant ?").end().data("done")["reason"] == "stop"


def test_a_model_too_large_for_the_memory_is_not_to_be_asked_again(
    make_site: Callable[..., Site],
) -> None:
    reason = "model requires more system memory (7.5 GiB) than is available (5.2 GiB)"
    with FakeOllama([FakeModel("grand:70b", load_error=reason)]) as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start().app)
        alice.register("alice")
        error = alice.ask(alice.start(), "Bonjour", model="grand:70b").end().data("done")["error"]
    assert error["code"] == "engine_no_memory"
    assert "grand:70b" in error["message"]
    assert "mémoire" in error["message"]
    assert "égénére" not in error["message"]


def test_a_model_of_ollamas_cloud_gets_no_question(make_site: Callable[..., Site]) -> None:
    cloud = FakeModel("gpt-oss:120b-cloud", remote_host="https://ollama.com:443")
    with FakeOllama(["phi3:mini", cloud]) as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start(ollama).app)
        alice.register("alice")
        assert [model["name"] for model in alice.get("/api/models").json["models"]] == ["phi3:mini"]
        assert problem(alice.post(alice.start(), "Un secret", model=cloud.name)) == (422, "unknown_model")
        assert not [body for body in ollama.received("/api/chat") if body["model"] == cloud.name]


def test_a_failed_answer_can_go_on(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.drop(3), Scenario.answer(" et la fin."))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour").end()
    assert alice.go_on(stream.message_id).end().data("done")["error"] is None
    _, answer = alice.messages(conversation)
    assert (answer["content"], answer["status"], answer["error"]) == (stream.text() + " et la fin.", "done", None)


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (Scenario.refused(503, "server busy, please try again"), "engine_busy"),
        (Scenario.refused(500, "model requires more system memory"), "engine_no_memory"),
        (Scenario.proxy_page(502), "engine_failed"),
        (Scenario.refused(404, "model 'phi3:mini' not found"), "unknown_model"),
    ],
    ids=["busy", "memory", "proxy", "removed"],
)
def test_a_refusal_is_said_in_a_sentence(alice: Person, ollama: FakeOllama, scenario: Scenario, code: str) -> None:
    ollama.script(scenario)
    done = alice.ask(alice.start(), "Bonjour").end().data("done")
    assert (done["status"], done["error"]["code"]) == ("failed", code)
    # The engine's own words are for the administrator's log.
    assert scenario.message not in done["error"]["message"]


def test_a_silent_engine_is_given_up(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(ENGINE_TIMEOUT=1).start(ollama).app)
    alice.register("alice")
    ollama.script(Scenario.hold(2))
    stream = alice.ask(alice.start(), "Bonjour").end()
    assert stream.data("done")["error"]["code"] == "engine_silent"
    assert len(stream.text().split()) == 2


def test_the_sentence_is_in_the_readers_language(alice: Person, ollama: FakeOllama) -> None:
    alice.submit("/preferences", {"locale": "en"})
    ollama.script(Scenario.drop(2))
    stream = alice.ask(alice.start(), "Hello").end()
    assert stream.data("done")["error"]["message"] == (
        "Ollama stopped before the end of the answer. The text so far is kept: use Resume."
    )


def test_every_failure_has_a_status_and_a_sentence() -> None:
    with pytest.raises(KeyError):
        AppError("no such code")


def test_a_history_longer_than_the_context_is_cut_and_said_so(
    make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    alice = Person(make_site(CONTEXT_TOKENS=600, MAX_OUTPUT_TOKENS=200).start(ollama).app)
    alice.register("alice")
    conversation = alice.start()
    question = "Une question assez longue pour remplir le contexte. " * 8
    for _ in range(2):
        ollama.script(Scenario.answer("Oui."))
        assert "context" not in alice.ask(conversation, question).end().names
    stream = alice.ask(conversation, question).end()
    assert stream.names == ["accepted", "context", "text", "done"]
    context = stream.data("context")
    messages = alice.messages(conversation)
    assert context["left_out"] > 0
    assert context["first_read"] == messages[context["left_out"]]["id"]
    expected = {"count": context["left_out"], "first_read": context["first_read"], "unread": []}
    assert messages[-1]["left_out"] == expected
    assert messages[1]["left_out"] is None
    sent = ollama.received("/api/chat")[-1]["messages"]
    assert [turn["content"] for turn in sent[1:]] == [m["content"] for m in messages[context["left_out"] : -1]]


def test_a_prompt_that_the_engine_finds_too_long_is_cut_again(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    for question in ("Un " * 800, "Deux " * 800):
        alice.ask(conversation, question).end()
    too_long = '{"error":{"message":"request (5000 tokens) exceeds the available context size (4096 tokens)"}}'
    ollama.script(Scenario.refused(400, too_long))
    stream = alice.ask(conversation, "Trois").end()
    assert [name for name in stream.names if name != "loading"] == ["accepted", "context", "text", "done"]
    assert stream.data("done")["status"] == "done"


def test_a_question_that_no_context_can_hold_fails_in_words(alice: Person, ollama: FakeOllama) -> None:
    stream = alice.ask(alice.start(), "mot " * 20_000).end()
    assert stream.data("done")["error"]["code"] == "context_exceeded"
    assert len(ollama.received("/api/chat")) == 4
