"""Whatever changes or erases words of a conversation tells the engine, which may keep them in another form."""

from collections.abc import Callable

import pytest

from tests.support.person import PASSWORD, Person
from tests.support.site import Site

LONG = "Une longue histoire, que le moteur lit avant la question suivante. " * 8


@pytest.fixture
def forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The conversations that the engine was told to forget."""
    told: list[str] = []
    forget = site.generation.engine.forget

    def keep(conversation_id: str) -> None:
        told.append(conversation_id)
        forget(conversation_id)

    monkeypatch.setattr(site.generation.engine, "forget", keep)
    return told


def correct(alice: Person, conversation: str) -> None:
    question = alice.messages(conversation)[0]["id"]
    assert alice.api("PATCH", f"/messages/{question}", {"content": LONG + "Fin."}).status_code == 200


def instruct(alice: Person, conversation: str) -> None:
    body = {"instructions": "Réponds en une phrase."}
    assert alice.api("PUT", f"/conversations/{conversation}/instructions", body).status_code == 200


def delete_turn(alice: Person, conversation: str) -> None:
    question = alice.messages(conversation)[2]["id"]
    assert alice.api("DELETE", f"/messages/{question}").status_code == 200


def delete(alice: Person, conversation: str) -> None:
    assert alice.api("DELETE", f"/conversations/{conversation}").status_code == 204


@pytest.fixture
def talk(alice: Person) -> str:
    """A conversation of two questions, which the engine read last; and one that stays as it is."""
    alice.ask(alice.start(), "Autre chose").end()
    conversation = alice.start()
    alice.ask(conversation, LONG).end()
    alice.ask(conversation, "Et ensuite ?").end()
    return conversation


@pytest.mark.parametrize("change", [correct, instruct, delete_turn, delete])
def test_a_change_makes_the_engine_forget_the_conversation(
    alice: Person, talk: str, forgotten: list[str], change: Callable[[Person, str], None]
) -> None:
    change(alice, talk)
    assert forgotten == [talk]


@pytest.mark.parametrize("path", ["/bin/{}/erase", "/bin/empty"])
def test_erasing_what_is_in_the_bin_does_too(alice: Person, talk: str, forgotten: list[str], path: str) -> None:
    delete(alice, talk)
    forgotten.clear()
    assert alice.submit(path.format(talk), {}).status_code == 302
    assert forgotten == [talk]


def test_erasing_everything_forgets_each_conversation(alice: Person, talk: str, forgotten: list[str]) -> None:
    assert alice.submit("/settings/account/erase", {"own_password": PASSWORD}).status_code == 302
    assert talk in forgotten
    assert len(set(forgotten)) == len(forgotten) == 2


def test_a_new_title_or_folder_changes_nothing_that_was_read(alice: Person, talk: str, forgotten: list[str]) -> None:
    folder = alice.api("POST", "/folders", {"name": "Bureau"}).json["id"]
    alice.api("PATCH", f"/conversations/{talk}", {"title": "Autre titre", "folder_id": folder, "pinned": True})
    assert forgotten == []
