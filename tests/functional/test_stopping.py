"""Stopping an answer: the engine's work ends, the text stays, and the answer can go on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem, streamed
from tests.support.site import Site


def test_stopping_a_running_answer_ends_the_engines_work_and_keeps_the_text(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless())
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour")
    stream.until("text")
    # It may have ended before the answer to the request was made.
    assert alice.stop(stream.message_id) in {"running", "stopped"}
    done = stream.until("done").data
    assert (done["status"], done["reason"], done["error"]) == ("stopped", None, None)
    assert ollama.reached(Phase.ENDED).outcome is Outcome.CANCELLED
    _, answer = alice.messages(conversation)
    assert (answer["status"], answer["content"]) == ("stopped", stream.end().text())


def test_stopping_while_the_engine_reads_the_prompt(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold())
    stream = alice.ask(alice.start(), "Bonjour")
    ollama.reached(Phase.PREFILL)
    stream.until("accepted")
    alice.stop(stream.message_id)
    assert stream.end().data("done")["status"] == "stopped"
    assert stream.text() == ""
    assert ollama.reached(Phase.ENDED).outcome is Outcome.CANCELLED


def test_stopping_a_queued_answer_never_asks_the_engine(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    running = alice.ask(alice.start(), "Un")
    running.until("text")
    waiting = alice.ask(alice.start(), "Deux")
    waiting.until("queued")
    assert alice.stop(waiting.message_id) == "stopped"
    assert waiting.end().data("done")["status"] == "stopped"
    ollama.release()
    running.end()
    assert len(ollama.received("/api/chat")) == 1


def test_stopping_twice_and_after_the_end_changes_nothing(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless())
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour")
    stream.until("text")
    alice.stop(stream.message_id)
    alice.stop(stream.message_id)
    assert stream.end().names.count("done") == 1
    assert alice.stop(stream.message_id) == "stopped"
    ended = alice.ask(conversation, "Encore").end()
    assert alice.stop(ended.message_id) == "done"
    assert alice.messages(conversation)[3]["status"] == "done"


def test_a_stopped_answer_goes_on_in_the_same_message(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless(), Scenario.answer(" et la suite."))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour")
    stream.until("text")
    alice.stop(stream.message_id)
    first = stream.end().text()
    more = alice.go_on(stream.message_id).end()
    assert more.data("accepted")["message"]["content"] == first
    _, answer = alice.messages(conversation)
    assert answer["content"] == first + " et la suite."
    assert answer["status"] == "done"


@pytest.mark.parametrize("verb", ["regenerate", "continue"])
def test_an_answer_being_written_is_neither_made_again_nor_gone_on_with(
    alice: Person, ollama: FakeOllama, verb: str
) -> None:
    ollama.script(Scenario.hold(1))
    stream = alice.ask(alice.start(), "Bonjour")
    stream.until("text")
    assert problem(alice.api("POST", f"/messages/{stream.message_id}/{verb}")) == (409, "run_active")
    ollama.release()
    assert stream.end().data("done")["status"] == "done"


def test_deleting_a_conversation_stops_what_is_written_in_it(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    conversation, other = alice.start(), alice.start()
    running = alice.ask(conversation, "Un")
    running.until("text")
    queued = alice.ask(conversation, "Deux")
    queued.until("queued")
    kept = alice.ask(other, "Trois")
    assert alice.api("DELETE", f"/conversations/{conversation}").status_code == 204
    assert running.end().data("done")["status"] == "stopped"
    assert queued.end().data("done")["status"] == "stopped"
    assert kept.end().data("done")["status"] == "done"
    assert ollama.generations[0].outcome is Outcome.CANCELLED


def test_going_on_many_times_at_once_writes_once(site: Site, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    stream = alice.ask(alice.start(), "Bonjour")
    stream.until("text")
    alice.stop(stream.message_id)
    stream.end()
    tabs = [Person(site.app, alice.name) for _ in range(8)]
    for tab in tabs:
        tab.sign_in()
        assert tab.token
    for verb in ("continue", "regenerate"):
        ollama.script(Scenario.hold(1))
        with ThreadPoolExecutor(len(tabs)) as pool:
            answers = list(
                pool.map(lambda tab, verb=verb: tab.api("POST", f"/messages/{stream.message_id}/{verb}"), tabs)
            )
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7, verb
        ollama.release()
        (begun,) = [answer for answer in answers if answer.status_code == 200]
        assert streamed(begun).end().data("done")["status"] == "done"
