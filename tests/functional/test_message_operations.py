"""Questions corrected or asked anew, and versions: what is shown, what is stored, what the model is sent."""

from typing import Any

import pytest

from app.models import Message
from app.web import MAX_CONTENT
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site
from tests.support.sse import Stream


@pytest.fixture
def conversation(alice: Person, ollama: FakeOllama) -> str:
    """Two turns: « Un » and « Deux », answered « 1 » and « 2 »."""
    ollama.script(Scenario.answer("1"), Scenario.answer("2"))
    made = alice.start()
    for question in ("Un", "Deux"):
        alice.ask(made, question).end()
    return made


def words(person: Person, conversation: str) -> list[str]:
    return [message["content"] for message in person.messages(conversation)]


def show(person: Person, conversation: str, message: Any) -> Any:
    return person.api("PUT", f"/conversations/{conversation}/head", {"message_id": message})


def correct(person: Person, message: int, content: Any) -> Any:
    return person.api("PATCH", f"/messages/{message}", {"content": content})


def sent(ollama: FakeOllama) -> list[str]:
    """What the engine was sent last, without the system's message."""
    return [message["content"] for message in ollama.received("/api/chat")[-1]["messages"][1:]]


def ask_anew(person: Person, conversation: str, content: str, parent: int | None) -> Stream:
    return person.ask(conversation, content, parent_id=parent).end()


def test_a_message_without_other_versions_is_its_only_one(alice: Person, conversation: str) -> None:
    for message in alice.messages(conversation):
        assert message["siblings"] == [message["id"]]


def test_regenerated_answers_are_versions_and_the_model_is_sent_the_one_that_is_shown(
    alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    first = alice.messages(conversation)[3]["id"]
    ollama.script(Scenario.answer("2 bis"), Scenario.answer("3"), Scenario.answer("3 bis"))
    accepted = alice.regenerate(first).end().data("accepted")["message"]
    second = accepted["id"]
    assert accepted["siblings"] == [first, second]
    assert [message["siblings"] for message in alice.messages(conversation)[2:]] == [
        [alice.messages(conversation)[2]["id"]],
        [first, second],
    ]
    alice.ask(conversation, "Trois").end()
    assert sent(ollama) == ["Un", "1", "Deux", "2 bis", "Trois"]
    shown = show(alice, conversation, first)
    assert [message["content"] for message in shown.json["messages"]] == ["Un", "1", "Deux", "2"]
    assert shown.json["messages"] == alice.messages(conversation)
    alice.ask(conversation, "Trois autrement").end()
    assert sent(ollama) == ["Un", "1", "Deux", "2", "Trois autrement"]


def test_a_version_is_shown_down_to_its_newest_end(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    messages = alice.messages(conversation)
    ollama.script(*(Scenario.answer(text) for text in ("un autre", "deux autre", "deux encore")))
    ask_anew(alice, conversation, "Un autre", None)
    alice.ask(conversation, "Deux autre").end()
    other = alice.messages(conversation)
    ask_anew(alice, conversation, "Deux encore", other[1]["id"])
    whole = ["Un autre", "un autre", "Deux encore", "deux encore"]
    assert words(alice, conversation) == whole
    show(alice, conversation, messages[0]["id"])
    assert words(alice, conversation) == ["Un", "1", "Deux", "2"]
    assert alice.messages(conversation)[0]["siblings"] == [messages[0]["id"], other[0]["id"]]
    show(alice, conversation, other[0]["id"])
    assert words(alice, conversation) == whole
    show(alice, conversation, other[2]["id"])
    assert words(alice, conversation) == ["Un autre", "un autre", "Deux autre", "deux autre"]


def test_the_very_first_question_is_asked_anew_beside_the_first(
    alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    first = alice.messages(conversation)[0]["id"]
    ollama.script(Scenario.answer("Autrement."))
    stream = ask_anew(alice, conversation, "Un, mieux dit", None)
    assert sent(ollama) == ["Un, mieux dit"]
    question = stream.data("accepted")["user_message"]
    assert question["parent_id"] is None
    assert question["siblings"] == [first, question["id"]]
    assert words(alice, conversation) == ["Un, mieux dit", "Autrement."]


def test_without_a_parent_a_question_follows_the_end(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    alice.ask(conversation, "Trois").end()
    assert sent(ollama) == ["Un", "1", "Deux", "2", "Trois"]


def test_what_is_shown_stays_shown_on_the_page(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    first = alice.messages(conversation)[3]["id"]
    ollama.script(Scenario.answer("Une réponse refaite."))
    alice.regenerate(first).end()
    show(alice, conversation, first)
    page = alice.get(f"/c/{conversation}").text
    assert "Une réponse refaite." not in page
    assert 'data-versions="' in page


def test_a_head_that_is_none(alice: Person, bob: Person, conversation: str) -> None:
    elsewhere = bob.ask(bob.start(), "Ailleurs").end().message_id
    for message in (elsewhere, 10**9, -1, 0):
        assert problem(show(alice, conversation, message)) == (404, "not_found")
    for message in ("1", 1.5, True):
        assert problem(show(alice, conversation, message)) == (422, "invalid_field")
    assert problem(show(alice, conversation, None)) == (400, "missing_field")
    assert words(alice, conversation) == ["Un", "1", "Deux", "2"]


def test_nothing_is_switched_or_corrected_while_an_answer_is_being_written(
    alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    messages, nth = alice.messages(conversation), len(ollama.generations)
    ollama.script(Scenario.hold(after=2))
    stream = alice.ask(conversation, "Trois")
    ollama.reached(Phase.DECODING, nth)
    for refused in (
        show(alice, conversation, messages[0]["id"]),
        correct(alice, messages[0]["id"], "Autre"),
        alice.api("DELETE", f"/messages/{messages[2]['id']}"),
        alice.api("POST", f"/messages/{messages[1]['id']}/branch"),
    ):
        assert problem(refused) == (409, "run_active")
    ollama.release()
    stream.end()
    assert words(alice, conversation)[:5] == ["Un", "1", "Deux", "2", "Trois"]
    assert show(alice, conversation, messages[0]["id"]).status_code == 200


def test_a_correction_asks_nothing_and_is_noted(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    question = alice.messages(conversation)[2]
    assert question["edited_at"] is None
    asked = len(ollama.received("/api/chat"))
    corrected = correct(alice, question["id"], "Deux, corrigé").json
    assert corrected["content"] == "Deux, corrigé"
    assert corrected["edited_at"].endswith("Z")
    assert len(ollama.received("/api/chat")) == asked
    assert words(alice, conversation) == ["Un", "1", "Deux, corrigé", "2"]
    alice.ask(conversation, "Trois").end()
    assert sent(ollama) == ["Un", "1", "Deux, corrigé", "2", "Trois"]


def test_a_correction_of_what_nobody_answered_is_not_worth_noting(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    ollama.script(Scenario.cut(0))
    alice.ask(conversation, "Bonjuor").end()
    question, answer = alice.messages(conversation)
    assert (answer["status"], answer["content"]) == ("failed", "")
    assert correct(alice, question["id"], "Bonjour").json["edited_at"] is None
    ollama.script(Scenario.answer("Bonjour à vous."))
    alice.regenerate(answer["id"]).end()
    assert sent(ollama) == ["Bonjour"]


def test_the_same_words_again_are_no_correction(alice: Person, conversation: str) -> None:
    question = alice.messages(conversation)[0]
    assert correct(alice, question["id"], "Un").json["edited_at"] is None


def test_a_correction_that_is_none(site: Site, alice: Person, bob: Person, conversation: str) -> None:
    question, answer = alice.messages(conversation)[:2]
    assert problem(correct(alice, question["id"], " \n")) == (422, "blank_message")
    assert problem(correct(alice, question["id"], 7)) == (422, "invalid_field")
    assert problem(correct(alice, question["id"], "é" * (MAX_CONTENT + 1))) == (413, "too_large")
    assert problem(correct(alice, answer["id"], "Je dis autre chose")) == (404, "not_found")
    assert problem(correct(bob, question["id"], "À moi")) == (404, "not_found")
    with site.rows() as rows:
        assert [row.content for row in rows.query(Message).order_by(Message.id)] == ["Un", "1", "Deux", "2"]
