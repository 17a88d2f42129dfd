"""A question and its answer: what is stored, what streams, what the engine is asked."""

import threading
from collections.abc import Callable

from app.models import Message, Run
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site

FIGURES = {
    "queue_ms", "expected_queue_ms", "load_ms", "prompt_tokens", "cached_tokens", "prefill_ms",
    "output_tokens", "decode_ms", "first_token_ms", "total_ms", "overhead_ms",
}  # fmt: skip


def test_an_answer_streams_from_acceptance_to_its_figures(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Bonjour à vous 🙂."))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour !", client_id="abc-1").end()
    assert stream.names == ["accepted", "text", "done"]
    assert stream.numbers == list(range(1, len(stream.events) + 1))
    assert stream.text() == "Bonjour à vous 🙂."
    accepted = stream.data("accepted")
    assert accepted["conversation"]["title"] == "Bonjour !"
    assert accepted["user_message"]["content"] == "Bonjour !"
    assert accepted["stream"] == f"/api/messages/{stream.message_id}/stream"
    done = stream.data("done")
    assert (done["status"], done["reason"], done["error"]) == ("done", "stop", None)
    assert set(done["metrics"]) == FIGURES
    assert done["metrics"]["output_tokens"] == 4
    question, answer = alice.messages(conversation)
    assert (question["role"], question["content"], question["parent_id"]) == ("user", "Bonjour !", None)
    assert (answer["role"], answer["content"], answer["parent_id"]) == ("assistant", stream.text(), question["id"])
    assert (answer["status"], answer["model"], answer["think"]) == ("done", "phi3:mini", False)
    assert answer["metrics"] == done["metrics"]


def test_the_stream_is_not_kept_nor_held_back_by_proxies(alice: Person) -> None:
    answer = alice.post(alice.start(), "Bonjour")
    assert answer.headers["Cache-Control"] == "no-cache, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"
    answer.close()


def test_the_engine_gets_the_history_and_every_option(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    first = alice.ask(conversation, "Un").end()
    alice.ask(conversation, "Deux").end()
    asked = ollama.received("/api/chat")
    assert [message["role"] for message in asked[0]["messages"]] == ["system", "user"]
    assert asked[1]["messages"][:2] == asked[0]["messages"]
    assert asked[1]["messages"][2:] == [
        {"role": "assistant", "content": first.text()},
        {"role": "user", "content": "Deux"},
    ]
    assert all(body["think"] is False and body["truncate"] is False for body in asked)
    assert all(body["options"] == {"num_ctx": 4096, "num_predict": 1024} for body in asked)


def test_the_default_model_is_loaded_once_and_never_reloaded(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    for question in ("Un", "Deux"):
        alice.ask(conversation, question).end()
    assert [load.model for load in ollama.loads] == ["phi3:mini"]


def test_another_model_says_that_it_is_loading(alice: Person) -> None:
    stream = alice.ask(alice.start(), "Bonjour", model="deepseek-r1:1.5b").end()
    assert stream.names == ["accepted", "loading", "text", "done"]
    assert {event.data["model"] for event in stream.events if event.name == "loading"} == {"deepseek-r1:1.5b"}


def test_a_conversation_keeps_its_model(alice: Person) -> None:
    conversation = alice.start(model="deepseek-r1:1.5b")
    alice.ask(conversation, "Un").end()
    assert alice.messages(conversation)[1]["model"] == "deepseek-r1:1.5b"
    alice.ask(conversation, "Deux", model="phi3:mini").end()
    alice.ask(conversation, "Trois").end()
    assert [message["model"] for message in alice.messages(conversation)[3::2]] == ["phi3:mini", "phi3:mini"]


def test_thinking_streams_apart_and_only_when_asked(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start(model="deepseek-r1:1.5b")
    ollama.script(Scenario.answer("Quatre.").with_thinking("Deux et deux."), Scenario.answer("Cinq."))
    thought = alice.ask(conversation, "2 + 2 ?", think=True).end()
    assert thought.names == ["accepted", "loading", "thinking", "text", "done"]
    assert (thought.text("thinking"), thought.text()) == ("Deux et deux.", "Quatre.")
    plain = alice.ask(conversation, "2 + 3 ?").end()
    assert plain.names == ["accepted", "text", "done"]
    assert [message.get("thinking") for message in alice.messages(conversation)[1::2]] == ["Deux et deux.", ""]
    # What the model thought is not part of the history that it reads.
    assert "Deux et deux." not in str(ollama.received("/api/chat")[1])


def test_the_same_client_id_again_makes_one_message(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    first = alice.ask(conversation, "Bonjour", client_id="one").end()
    second = alice.ask(conversation, "Bonjour", client_id="one").end()
    assert second.events == first.events
    assert len(alice.messages(conversation)) == 2
    assert len(ollama.received("/api/chat")) == 1


def test_the_same_client_id_at_the_same_moment_makes_one_message(site: Site, alice: Person, ollama: FakeOllama) -> None:
    conversation, token = alice.start(), alice.token
    streams, together = [], threading.Barrier(6)

    def ask() -> None:
        twin = Person(site.app, "alice")
        twin.client._cookies = dict(alice.client._cookies)
        twin._token = token
        together.wait()
        streams.append(twin.ask(conversation, "Bonjour", client_id="one").end())

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({stream.message_id for stream in streams}) == 1
    assert len({stream.text() for stream in streams}) == 1
    assert len(ollama.received("/api/chat")) == 1
    with site.rows() as rows:
        assert (rows.query(Message).count(), rows.query(Run).count()) == (2, 1)


def test_the_same_client_id_in_another_conversation_is_another_question(alice: Person) -> None:
    for conversation in (alice.start(), alice.start()):
        alice.ask(conversation, "Bonjour", client_id="one").end()
        assert len(alice.messages(conversation)) == 2


def test_a_question_can_answer_an_earlier_message(alice: Person) -> None:
    conversation = alice.start()
    first = alice.ask(conversation, "Un").end().message_id
    alice.ask(conversation, "Deux").end()
    alice.ask(conversation, "Autre", parent_id=first).end()
    assert [message["content"] for message in alice.messages(conversation)[::2]] == ["Un", "Autre"]


def test_a_parent_in_another_conversation_is_refused_and_nothing_is_stored(site: Site, alice: Person) -> None:
    elsewhere = alice.ask(alice.start(), "Un").end()
    conversation = alice.start()
    question = elsewhere.data("accepted")["user_message"]["id"]
    for parent in (elsewhere.message_id, question, 10**9, -1):
        assert problem(alice.post(conversation, "Deux", parent_id=parent)) == (422, "unknown_parent")
    with site.rows() as rows:
        assert rows.query(Message).count() == 2


def test_regenerating_makes_a_sibling_that_is_shown_instead(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    first = alice.ask(conversation, "Bonjour").end()
    ollama.script(Scenario.answer("Autrement."))
    second = alice.regenerate(first.message_id, model="deepseek-r1:1.5b", think=True).end()
    assert second.message_id != first.message_id
    assert second.data("accepted")["user_message"]["id"] == first.data("accepted")["user_message"]["id"]
    _, answer = alice.messages(conversation)
    assert (answer["id"], answer["content"], answer["model"]) == (
        second.message_id,
        "Autrement.",
        "deepseek-r1:1.5b",
    )
    assert answer["think"]
    assert ollama.received("/api/chat")[1]["messages"] == ollama.received("/api/chat")[0]["messages"]


def test_an_answer_cut_by_its_length_goes_on_in_the_same_message(
    make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    alice = Person(make_site(MAX_OUTPUT_TOKENS=3).start(ollama).app)
    alice.register("alice")
    conversation = alice.start()
    ollama.script(Scenario.answer("un deux trois quatre"), Scenario.answer(" quatre cinq"))
    first = alice.ask(conversation, "Compte").end()
    assert (first.text(), first.data("done")["reason"]) == ("un deux trois", "length")
    more = alice.go_on(first.message_id).end()
    assert more.numbers[0] == 1
    assert more.message_id == first.message_id
    assert more.data("accepted")["message"]["content"] == "un deux trois"
    assert ollama.received("/api/chat")[1]["messages"][-1] == {"role": "assistant", "content": "un deux trois"}
    _, answer = alice.messages(conversation)
    assert answer["content"] == "un deux trois quatre cinq"
    assert (answer["status"], answer["reason"]) == ("done", "stop")


def test_a_complete_answer_does_not_go_on(alice: Person) -> None:
    stream = alice.ask(alice.start(), "Bonjour").end()
    assert problem(alice.api("POST", f"/messages/{stream.message_id}/continue")) == (409, "nothing_to_continue")
