"""Reading ahead: one call with the very bytes of the next question, only while nobody waits."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes._server import Exchange
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario
from tests.support.documents import attached
from tests.support.person import Person, problem
from tests.support.program import Program
from tests.support.site import Site

LONG = "Une longue histoire, avec des « guillemets », un emoji 🙂 et\nune ligne\u2028de plus. " * 8
THINKER = "deepseek-r1:1.5b"


@pytest.fixture
def raw(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of the requests for answers, byte for byte."""
    bodies: list[bytes] = []
    take = ollama.take

    def keep(exchange: Exchange) -> None:
        if exchange.path == "/api/chat":
            bodies.append(exchange.raw)
        take(exchange)

    monkeypatch.setattr(ollama, "take", keep)
    return bodies


@pytest.fixture
def talk(alice: Person, ollama: FakeOllama) -> str:
    """A conversation of Alice's with a history, and another one after it: the engine read that one last."""
    conversation = alice.start()
    alice.ask(conversation, LONG).end()
    alice.ask(alice.start(), "Autre chose").end()
    return conversation


def ahead(person: Person, conversation: str) -> str:
    """Say that a question is to be expected there; what came of it."""
    answer = person.api("POST", f"/conversations/{conversation}/prefill")
    assert answer.status_code == 202, answer.text
    return str(answer.json["prefill"])


def idle(person: Person, conversation: str) -> str:
    """The same, once the slot is free again: an answer's last event is told a moment before."""
    deadline = time.monotonic() + 5
    while (found := ahead(person, conversation)) == "busy":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def messages_of(body: bytes) -> bytes:
    """The messages of a request as they were sent, without the bracket that ends them."""
    start = body.index(b'"messages":') + len(b'"messages":')
    text = body[start:].decode().lstrip()
    _, end = json.JSONDecoder().raw_decode(text)
    return text[: end - 1].encode()


def asked(ollama: FakeOllama) -> list[dict[str, Any]]:
    return ollama.received("/api/chat")


def cost(site: Site) -> tuple[int, int]:
    """How often reading ahead began, and how often it was given up."""
    return site.generation.prefill.cost.started, site.generation.prefill.cost.aborted


def ended(site: Site, ollama: FakeOllama, started: int) -> None:
    """Wait until so many readings are over, also in the books."""
    ollama.wait_until(lambda: cost(site)[0] == started)


def test_the_history_is_read_with_the_very_bytes_of_the_next_question(
    talk: str, alice: Person, site: Site, ollama: FakeOllama, raw: list[bytes]
) -> None:
    assert idle(alice, talk) == "started"
    ended(site, ollama, 1)
    assert asked(ollama)[-1]["options"]["num_predict"] == 1
    alice.ask(talk, "Et ensuite ?").end()
    read, question = raw
    assert messages_of(question).startswith(messages_of(read) + b",")
    first, second = (json.loads(body) for body in raw)
    assert second["messages"][:-1] == first["messages"]
    # Nothing that the engine would load the model anew for.
    assert first["options"] | {"num_predict": 0} == second["options"] | {"num_predict": 0}
    assert first.keys() == second.keys()
    assert ollama.generations[-1].cached > len(ollama.generations[-2].prompt) - 5
    assert len(ollama.loads) == 1


def test_nobody_reads_twice_what_the_engine_has_just_read(
    talk: str, alice: Person, site: Site, ollama: FakeOllama
) -> None:
    assert idle(alice, talk) == "started"
    ended(site, ollama, 1)
    assert idle(alice, talk) == "warm"
    alice.ask(talk, "Et ensuite ?").end()
    assert idle(alice, talk) == "warm"
    assert len(asked(ollama)) == 4


@pytest.mark.parametrize("who", ["a person", "a program", "a failure"])
def test_what_the_engine_read_in_between_is_no_longer_what_it_read_last(
    who: str, talk: str, alice: Person, program: Program, site: Site, ollama: FakeOllama
) -> None:
    if who == "a failure":
        ollama.script(Scenario.refused(500, "no"))
    assert idle(alice, talk) == "started"
    ended(site, ollama, 1)
    if who == "a person":
        ollama.script(Scenario.drop(2))
        alice.ask(alice.start(), "Autre chose").end()
    elif who == "a program":
        assert program.ask().status_code == 200
    assert idle(alice, talk) == "started"
    ended(site, ollama, 2)
    assert ollama.generations[-1].outcome is Outcome.DONE


def test_a_question_that_failed_was_not_read(talk: str, alice: Person, site: Site, ollama: FakeOllama) -> None:
    ollama.script(Scenario.refused(500, "no"))
    assert alice.ask(talk, "Et ensuite ?").end().data("done")["status"] == "failed"
    assert idle(alice, talk) == "started"
    ended(site, ollama, 1)


def test_what_is_read_ahead_is_cut_as_the_question_will_be(make_site: Callable[..., Site]) -> None:
    with FakeOpenAI(context=1024) as server:
        alice = Person(make_site(ENGINE="openai", OPENAI_BASE_URL=server.url).start(server).app)
        alice.register("alice")
        conversation = alice.start()
        for _ in range(3):
            server.script(Scenario.answer("Oui."))
            alice.ask(conversation, LONG[:500]).end()
        alice.ask(alice.start(), "Autre chose").end()
        assert idle(alice, conversation) == "started"
        server.reached(Phase.ENDED, 4)
        alice.ask(conversation, "Et ensuite ?").end()
        *_, read, question = (body["messages"] for body in server.received("/v1/chat/completions"))
        assert question[:-1] == read


@pytest.mark.parametrize("question", ["", "Court"])
def test_a_short_history_is_not_worth_a_call(make_site: Callable[..., Site], ollama: FakeOllama, question: str) -> None:
    alice = Person(make_site(SYSTEM_PROMPT="Sois bref.").start(ollama).app)
    alice.register("alice")
    conversation = alice.start()
    if question:
        ollama.script(Scenario.answer("Oui."))
        alice.ask(conversation, question).end()
    assert ahead(alice, conversation) == "short"
    assert len(asked(ollama)) == bool(question)


def test_no_model_is_loaded_only_to_read(talk: str, alice: Person, site: Site, ollama: FakeOllama) -> None:
    ollama.unload_all()
    site.generation.registry.refresh()
    assert ahead(alice, talk) == "cold"
    assert len(asked(ollama)) == 2
    assert len(ollama.loads) == 1


def test_whoever_asks_comes_first(talk: str, alice: Person, bob: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    running = bob.ask(bob.start(), "Moi")
    running.until("text")
    assert ahead(alice, talk) == "busy"
    waiting = bob.ask(bob.start(), "Encore moi")
    waiting.until("queued")
    assert ahead(alice, talk) == "busy"
    ollama.release()
    running.end()
    waiting.end()
    assert [body["messages"][-1]["content"] for body in asked(ollama)[2:]] == ["Moi", "Encore moi"]


@pytest.mark.parametrize("whose", ["hers", "his", "a program's"])
def test_a_question_ends_the_reading_at_once(
    whose: str, talk: str, alice: Person, bob: Person, program: Program, site: Site, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.hold())
    assert idle(alice, talk) == "started"
    ollama.reached(Phase.PREFILL, 2)
    assert alice.get("/api/status").json["running"] == 0
    if whose == "a program's":
        assert program.ask().status_code == 200
    else:
        person, conversation = (alice, talk) if whose == "hers" else (bob, bob.start())
        assert person.ask(conversation, "Et ensuite ?").end().data("done")["status"] == "done"
    assert ollama.reached(Phase.ENDED, 2).outcome is Outcome.CANCELLED
    ended(site, ollama, 1)
    assert cost(site) == (1, 1)


def test_what_it_costs_is_counted(talk: str, alice: Person, site: Site, ollama: FakeOllama) -> None:
    assert idle(alice, talk) == "started"
    ended(site, ollama, 1)
    read = ollama.generations[-1]
    found = site.generation.prefill.cost
    assert (found.started, found.aborted, found.tokens) == (1, 0, len(read.prompt))
    assert found.seconds >= read.prefill_s


def test_a_conversation_of_somebody_else_does_not_exist(talk: str, bob: Person) -> None:
    assert problem(bob.api("POST", f"/conversations/{talk}/prefill")) == (404, "not_found")


def test_after_thinking_the_history_is_read_as_it_will_be_sent(
    alice: Person, site: Site, ollama: FakeOllama, raw: list[bytes]
) -> None:
    # Its first answer loads the model: it is known to be loaded without another look.
    conversation = alice.start()
    ollama.script(Scenario.answer(LONG, thinking="Voyons."))
    alice.ask(conversation, "Raconte", model=THINKER, think=True).end()
    ended(site, ollama, 1)
    _, read = (json.loads(body) for body in raw)
    assert read["messages"][-1] == {"role": "assistant", "content": LONG}
    assert read["options"]["num_predict"] == 1
    assert idle(alice, conversation) == "warm"
    alice.ask(conversation, "Et ensuite ?", model=THINKER).end()
    assert messages_of(raw[2]).startswith(messages_of(raw[1]) + b",")


def test_after_thinking_whoever_waits_comes_first(alice: Person, bob: Person, site: Site, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1).with_thinking("Voyons."))
    thinking = alice.ask(alice.start(), LONG, model=THINKER, think=True)
    thinking.until("thinking")
    waiting = bob.ask(bob.start(), "Moi")
    waiting.until("queued")
    ollama.release()
    thinking.end()
    waiting.end()
    assert len(asked(ollama)) == 2
    assert cost(site) == (0, 0)


# Documents

DOCUMENT = "Le bateau a été livré avec son annexe, deux ancres et un jeu de voiles. " * 20


def about(person: Person, conversation: str, *files: str, **more: str) -> str:
    """Say that a question about these files is to be expected there; what came of it."""
    answer = person.api("POST", f"/conversations/{conversation}/prefill", {"files": files, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json["prefill"])


def warm(person: Person, conversation: str, *files: str, **more: str) -> None:
    """Ask as a page does until the documents are read."""
    deadline = time.monotonic() + 5
    while about(person, conversation, *files, **more) != "warm":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_documents_are_read_with_the_very_bytes_of_the_question_before_any_message(
    alice: Person, site: Site, ollama: FakeOllama, raw: list[bytes]
) -> None:
    file = attached(site, "alice", "livraison.txt", DOCUMENT)
    # They are part of the system message from the first question on.
    alice.submit("/settings/writing", {"instructions": "Je travaille au chantier.", "send_key": "enter"})
    conversation = alice.start()
    ollama.script(Scenario.hold())
    assert about(alice, conversation, file) == "started"
    ollama.reached(Phase.PREFILL, 0)
    assert about(alice, conversation, file) == "reading"
    # Other documents wait until these are read, whose text may be how theirs begins.
    assert about(alice, conversation, file, attached(site, "alice", "b.txt", "Un mot.")) == "busy"
    ollama.release()
    warm(alice, conversation, file)
    alice.ask(conversation, "Combien d’ancres ?", files=[file]).end()
    read, question = (json.loads(body)["messages"] for body in raw)
    assert read[:-1] == question[:-1]
    assert "Je travaille au chantier." in read[0]["content"]
    assert question[-1]["content"] == f"{read[-1]['content']}\n\nCombien d’ancres ?"
    # Nothing but the words of the question was left to read.
    assert len(ollama.generations[-1].prompt) - ollama.generations[-1].cached < 30


def test_documents_are_read_after_the_history_and_with_the_model_that_will_be_asked(
    talk: str, alice: Person, site: Site, ollama: FakeOllama, raw: list[bytes]
) -> None:
    file = attached(site, "alice", "livraison.txt", DOCUMENT)
    warm(alice, talk, file)
    alice.ask(talk, "Combien d’ancres ?", files=[file]).end()
    read, question = raw[-2:]
    sent = [json.loads(body)["messages"] for body in (read, question)]
    assert sent[0][:-1] == sent[1][:-1]
    assert len(sent[0]) == 4
    # That model is not loaded, and it is not what the page says it will ask.
    assert about(alice, talk, file, model=THINKER) == "cold"


def test_documents_are_read_again_after_somebody_else_was_answered(
    alice: Person, bob: Person, site: Site, ollama: FakeOllama
) -> None:
    file, conversation = attached(site, "alice", "livraison.txt", DOCUMENT), alice.start()
    ollama.script(Scenario.hold())
    assert about(alice, conversation, file) == "started"
    ollama.reached(Phase.PREFILL, 0)
    assert bob.ask(bob.start(), "Moi d’abord").end().data("done")["status"] == "done"
    assert ollama.generations[0].outcome is Outcome.CANCELLED
    warm(alice, conversation, file)
    bob.ask(bob.start(), "Encore moi").end()
    ollama.wait_until(lambda: about(alice, conversation, file) in {"started", "reading"})


def test_a_file_that_is_taken_back_leaves_nothing_in_the_engine(
    alice: Person, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(site.generation.engine, "forget", forgotten.append)
    file, conversation = attached(site, "alice", "livraison.txt", DOCUMENT), alice.start()
    warm(alice, conversation, file)
    assert alice.api("DELETE", f"/files/{file}").status_code == 204
    assert forgotten == [conversation]


def test_a_file_that_is_taken_back_is_read_no_further(alice: Person, site: Site, ollama: FakeOllama) -> None:
    file, conversation = attached(site, "alice", "livraison.txt", DOCUMENT), alice.start()
    ollama.script(Scenario.hold())
    assert about(alice, conversation, file) == "started"
    ollama.reached(Phase.PREFILL, 0)
    assert alice.api("DELETE", f"/files/{file}").status_code == 204
    assert ollama.reached(Phase.ENDED, 0).outcome is Outcome.CANCELLED


def test_what_cannot_be_asked_is_not_read(site: Site, alice: Person, bob: Person, ollama: FakeOllama) -> None:
    foreign = attached(site, "bob", "paie.pdf", "2 300 €")
    long = attached(site, "alice", "long.pdf", "mot " * 12_000)
    conversation = alice.start()
    for files, refusal in (([foreign], (404, "not_found")), ([long], (422, "files_too_long"))):
        assert problem(alice.api("POST", f"/conversations/{conversation}/prefill", {"files": files})) == refusal
    assert asked(ollama) == []
