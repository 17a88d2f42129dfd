"""Instructions: the person's text and the conversation's own reach the model, and stay where they were put."""

from typing import Any

import pytest
from sqlalchemy import event

from app.chat.conversations import MAX_CONVERSATION_INSTRUCTIONS
from app.generation.prompt import OWN, PERSONAL
from app.models import Conversation
from app.models.users import MAX_PERSONAL_INSTRUCTIONS
from tests.fakes.ollama import FakeOllama
from tests.functional.test_prefill import LONG, idle
from tests.support.person import Person, problem
from tests.support.site import Site

ABOUT_ME = "Je suis mécanicienne.\nRéponds en trois phrases."


def about(person: Person, text: str, key: str = "enter") -> Any:
    return person.submit("/settings/writing", {"instructions": text, "send_key": key})


def instruct(person: Person, conversation: str, text: Any) -> Any:
    return person.api("PUT", f"/conversations/{conversation}/instructions", {"instructions": text})


def system(ollama: FakeOllama) -> str:
    """The system message of the last request."""
    first = ollama.received("/api/chat")[-1]["messages"][0]
    assert first["role"] == "system"
    return str(first["content"])


def test_the_text_about_oneself_is_sent_after_everybodys(site: Site, alice: Person, ollama: FakeOllama) -> None:
    general = site.settings["SYSTEM_PROMPT"]
    alice.ask(alice.start(), "Avant").end()
    assert system(ollama) == general
    assert about(alice, f"  {ABOUT_ME}\r\n").status_code == 302
    alice.ask(alice.start(), "Après").end()
    assert system(ollama) == f"{general}\n\n{PERSONAL}\n{ABOUT_ME}"
    assert "Réponds en trois phrases." in alice.get("/settings/writing").text


def test_a_conversation_keeps_the_text_it_began_with(alice: Person, ollama: FakeOllama) -> None:
    about(alice, "Premier texte")
    begun, empty = alice.start(), alice.start()
    alice.ask(begun, "Un").end()
    about(alice, "Second texte")
    alice.ask(begun, "Deux").end()
    assert "Premier texte" in system(ollama)
    alice.ask(empty, "Un").end()
    assert "Second texte" in system(ollama)
    answer = alice.api("GET", f"/conversations/{begun}/instructions")
    assert answer.json == {"instructions": "", "personal": "Premier texte"}


def test_what_was_begun_without_a_text_stays_without(alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    last = alice.ask(conversation, "Un").end()
    before = system(ollama)
    about(alice, "Trop tard")
    alice.regenerate(last.message_id).end()
    assert system(ollama) == before


def test_the_conversations_own_text_comes_last_and_can_be_changed(alice: Person, ollama: FakeOllama) -> None:
    about(alice, "Moi")
    conversation = alice.start()
    assert instruct(alice, conversation, "Réponds en tableau. \r\n").json["instructions"] == "Réponds en tableau."
    alice.ask(conversation, "Un").end()
    assert system(ollama).endswith(f"{PERSONAL}\nMoi\n\n{OWN}\nRéponds en tableau.")
    instruct(alice, conversation, "")
    alice.ask(conversation, "Deux").end()
    assert OWN not in system(ollama)
    assert system(ollama).endswith("\nMoi")


def test_it_may_stand_alone(make_site: Any, ollama: FakeOllama) -> None:
    alice = Person(make_site(SYSTEM_PROMPT=" ").start(ollama).app)
    alice.register("alice")
    conversation = alice.start()
    instruct(alice, conversation, "Seule.")
    alice.ask(conversation, "Un").end()
    assert system(ollama).endswith(f"{OWN}\nSeule.")


def test_reading_ahead_reads_it_too_and_again_after_a_change(alice: Person, site: Site, ollama: FakeOllama) -> None:
    about(alice, ABOUT_ME)
    conversation = alice.start()
    alice.ask(conversation, LONG).end()
    assert idle(alice, conversation) == "warm"
    instruct(alice, conversation, "Autrement.")
    assert idle(alice, conversation) == "started"
    ollama.wait_until(lambda: site.generation.prefill.cost.started == 1)
    ahead = system(ollama)
    alice.ask(conversation, "Deux").end()
    assert system(ollama) == ahead
    assert ahead.endswith("Autrement.")


def test_it_costs_no_statement(site: Site, alice: Person) -> None:
    def asked(conversation: str) -> list[str]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if "conversations" in statement or "users" in statement:
                seen.append(statement.split(maxsplit=1)[0])

        event.listen(site.database, "before_cursor_execute", note)
        alice.ask(conversation, "Combien ?").end()
        event.remove(site.database, "before_cursor_execute", note)
        return seen

    plain = asked(alice.start())
    about(alice, ABOUT_ME)
    conversation = alice.start()
    instruct(alice, conversation, "Aussi.")
    assert asked(conversation) == plain


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (400, "missing_field")),
        ({"instructions": None}, (400, "missing_field")),
        ({"instructions": 7}, (422, "invalid_field")),
        ({"instructions": ["x"]}, (422, "invalid_field")),
        ({"instructions": "é" * (MAX_CONVERSATION_INSTRUCTIONS + 1)}, (413, "too_large")),
    ],
)
def test_bad_instructions_are_refused(alice: Person, body: dict[str, Any], refusal: tuple[int, str]) -> None:
    conversation = alice.start()
    path = f"/conversations/{conversation}/instructions"
    assert problem(alice.api("PUT", path, body)) == refusal
    assert alice.api("GET", path).json["instructions"] == ""
    assert instruct(alice, conversation, "é" * MAX_CONVERSATION_INSTRUCTIONS).status_code == 200


def test_another_persons_conversation_has_none(alice: Person, bob: Person) -> None:
    conversation = bob.start()
    assert problem(instruct(alice, conversation, "x")) == (404, "not_found")
    assert problem(alice.api("GET", f"/conversations/{conversation}/instructions")) == (404, "not_found")


def test_the_text_about_oneself_has_its_length_and_the_key_its_values(alice: Person) -> None:
    for text, key in (("x" * (MAX_PERSONAL_INSTRUCTIONS + 1), "enter"), ("x", "shift"), ("x", "")):
        answer = about(alice, text, key)
        assert answer.status_code == 422
        assert "field__error" in answer.text
    assert about(alice, "x" * MAX_PERSONAL_INSTRUCTIONS, "ctrl-enter").status_code == 302
    assert 'data-composer-key-value="ctrl-enter"' in alice.get("/").text


def test_an_empty_text_is_taken_over_too(alice: Person, bob: Person, site: Site) -> None:
    conversation = bob.start()
    with site.rows() as rows:
        assert rows.get(Conversation, conversation).personal_instructions is None
    bob.ask(conversation, "Un").end()
    with site.rows() as rows:
        assert rows.get(Conversation, conversation).personal_instructions == ""
