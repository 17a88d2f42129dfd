"""Sharing: what a link shows, to whom, until when, and what a colleague takes over from it."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from app.models import Conversation, Message, Share, User
from app.models.shares import MAX_SHARES_EACH
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site


@pytest.fixture
def conversation(alice: Person, ollama: FakeOllama) -> str:
    """One question and its answer."""
    made = alice.start()
    ollama.script(Scenario.answer("Une **réponse** sur le port."))
    alice.ask(made, "Où est le port ?").end()
    return made


@pytest.fixture
def link(alice: Person, conversation: str) -> str:
    return share(alice, conversation)["id"]


def share(person: Person, conversation: str) -> Any:
    answer = person.api("POST", f"/conversations/{conversation}/shares")
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_link_shows_what_was_there_and_nothing_later(alice: Person, bob: Person, conversation: str) -> None:
    made = share(alice, conversation)
    assert re.fullmatch(r"[0-9a-f]{32}", made["id"])
    assert (made["url"], made["title"], made["messages"]) == (f"/s/{made['id']}", "Où est le port ?", 2)
    before = bob.get(made["url"]).text
    assert "Où est le port ?" in before
    assert "Une **réponse** sur le port." in before
    assert "Alice" in before
    question = alice.messages(conversation)[0]["id"]
    alice.api("PATCH", f"/messages/{question}", {"content": "Autre chose, en secret"})
    alice.api("PATCH", f"/conversations/{conversation}", {"title": "Un autre titre"})
    alice.ask(conversation, "Le bateau de nuit").end()
    after = bob.get(made["url"]).text
    for words in ("Autre chose", "Un autre titre", "Le bateau de nuit"):
        assert words not in after
    # With its last turn nothing is left that the person would still show.
    alice.api("DELETE", f"/messages/{question}")
    assert bob.get(made["url"]).status_code == 404


def test_thoughts_are_not_shown_as_they_may_repeat_instructions(alice: Person, bob: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Le port est au sud.", thinking="Mes consignes sont secrètes."))
    conversation = alice.start()
    alice.ask(conversation, "Où est le port ?", model="deepseek-r1:1.5b", think=True).end()
    made = share(alice, conversation)
    page = bob.get(made["url"]).text
    assert "Le port est au sud." in page
    assert "secrètes" not in page
    copied = bob.submit(f"{made['url']}/copy", {}).location
    assert not any(message.get("thinking") for message in bob.messages(copied.rpartition("/")[2]))


def test_an_answer_that_was_stopped_is_said_to_be(alice: Person, bob: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless())
    conversation = alice.start()
    stream = alice.ask(conversation, "Où est le port ?")
    stream.until("text")
    alice.stop(stream.message_id)
    stream.end()
    assert "Arrêtée à la demande" in bob.get(share(alice, conversation)["url"]).text


def test_only_the_visible_branch_and_nothing_private(alice: Person, bob: Person, conversation: str) -> None:
    first = alice.messages(conversation)[1]["id"]
    alice.api("PUT", f"/messages/{first}/rating", {"good": False, "reason": "trop vague"})
    alice.api("PUT", f"/conversations/{conversation}/instructions", {"instructions": "Tutoie-moi"})
    alice.ask(conversation, "Une branche à côté").end()
    alice.ask(conversation, "La branche montrée", parent_id=first).end()
    page = bob.get(share(alice, conversation)["url"]).text
    assert "La branche montrée" in page
    for words in ("Une branche à côté", "trop vague", "Tutoie-moi"):
        assert words not in page


def test_the_page_writes_nothing_but_a_copy(bob: Person, link: str) -> None:
    main = bob.get(f"/s/{link}").text.partition("<main")[2].partition("</main>")[0]
    assert re.findall(r'<form[^>]* action="([^"]+)"', main) == [f"/s/{link}/copy"]
    assert not re.search(r"<textarea|contenteditable|data-controller=\"(?:chat|composer|answer)\b", main)


def test_a_stranger_signs_in_first(site: Site, link: str) -> None:
    answer = Person(site.app).get(f"/s/{link}")
    assert (answer.status_code, answer.location) == (302, f"/login?next=/s/{link}")


def test_a_revoked_link_is_as_unknown_as_any(alice: Person, bob: Person, conversation: str, link: str) -> None:
    other = share(alice, conversation)["id"]
    assert problem(bob.api("DELETE", f"/shares/{link}")) == (404, "not_found")
    assert bob.submit(f"/settings/shares/{link}/revoke", {}).status_code == 404
    assert bob.get(f"/s/{link}").status_code == 200
    assert alice.api("DELETE", f"/shares/{link}").status_code == 204
    assert alice.submit(f"/settings/shares/{other}/revoke", {}).location == "/settings/shares"
    unknown = "0" * 32
    for person in (alice, bob):
        pages = [person.get(f"/s/{each}").text.replace(each, "") for each in (link, other, unknown)]
        assert pages[0] == pages[1] == pages[2]
        for each in (link, other, unknown, "x", "%00"):
            assert person.get(f"/s/{each}").status_code == 404
            assert person.submit(f"/s/{each}/copy", {}).status_code == 404
    assert problem(alice.api("DELETE", f"/shares/{link}")) == (404, "not_found")


def test_the_bin_ends_the_links_for_good(alice: Person, bob: Person, conversation: str, link: str) -> None:
    alice.api("DELETE", f"/conversations/{conversation}")
    assert bob.get(f"/s/{link}").status_code == 404
    alice.api("PATCH", f"/conversations/{conversation}", {"deleted": False})
    assert bob.get(f"/s/{link}").status_code == 404
    assert alice.api("GET", f"/conversations/{conversation}/shares").json == {"shares": []}


@pytest.mark.parametrize(("table", "rows"), [("conversations", Conversation), ("users", User)])
def test_the_link_ends_with_what_it_belongs_to(
    site: Site, alice: Person, bob: Person, link: str, table: str, rows: Any
) -> None:
    with site.rows() as session:
        one = session.query(rows).first()
        # Past the models, as an erasure does.
        session.execute(text(f"DELETE FROM {table} WHERE id = :id"), {"id": one.id})
        session.commit()
        assert session.query(Share).count() == 0
    assert bob.get(f"/s/{link}").status_code == 404


def test_a_colleague_goes_on_in_an_own_conversation(
    alice: Person, bob: Person, conversation: str, link: str, ollama: FakeOllama
) -> None:
    answer = bob.submit(f"/s/{link}/copy", {})
    assert answer.status_code == 302
    made = answer.location.removeprefix("/c/")
    assert made != conversation
    assert alice.get(f"/c/{made}").status_code == 404
    ollama.script(Scenario.answer("Derrière la digue."))
    bob.ask(made, "Et précisément ?").end()
    told = [(message["role"], message["content"]) for message in bob.messages(made)]
    assert told == [
        ("user", "Où est le port ?"),
        ("assistant", "Une **réponse** sur le port."),
        ("user", "Et précisément ?"),
        ("assistant", "Derrière la digue."),
    ]
    assert len(alice.messages(conversation)) == 2
    sent = [message["content"] for message in ollama.received("/api/chat")[-1]["messages"]]
    assert sent[-3:] == ["Où est le port ?", "Une **réponse** sur le port.", "Et précisément ?"]


def test_a_copy_names_the_documents_that_it_is_without(alice: Person, bob: Person, ollama: FakeOllama) -> None:
    made, file = alice.start(), alice.document("devis.txt", b"Le treuil : 1 240 euros")["id"]
    alice.ask(made, "Combien ?", files=[file]).end()
    shared = share(alice, made)
    copied = bob.submit(f"{shared['url']}/copy", {}).location.removeprefix("/c/")
    assert bob.messages(copied)[0]["content"] == "[devis.txt]\n\nCombien ?"
    bob.ask(copied, "Et la TVA ?").end()
    asked = "".join(message["content"] for message in ollama.received("/api/chat")[-1]["messages"])
    assert "[devis.txt]" in asked
    assert "1 240" not in asked


def test_answers_that_ended_otherwise_are_shown_as_such(alice: Person, bob: Person, ollama: FakeOllama) -> None:
    made = alice.start()
    ollama.script(Scenario.mid_stream_error(3))
    alice.ask(made, "Et quand cela casse ?").end()
    shared = share(alice, made)
    page = bob.get(shared["url"], headers={"Accept-Language": "fr"}).text
    assert "La réponse n’a pas pu être terminée" in page
    copied = bob.submit(f"{shared['url']}/copy", {}).location.removeprefix("/c/")
    assert bob.messages(copied)[1]["status"] == "failed"


def test_what_is_being_written_is_not_shared_yet(alice: Person, ollama: FakeOllama) -> None:
    made = alice.start()
    assert problem(alice.api("POST", f"/conversations/{made}/shares")) == (422, "nothing_to_share")
    nth = len(ollama.generations)
    ollama.script(Scenario.hold(after=2))
    stream = alice.ask(made, "Attends")
    ollama.reached(Phase.DECODING, nth)
    assert problem(alice.api("POST", f"/conversations/{made}/shares")) == (409, "run_active")
    alice.stop(alice.messages(made)[1]["id"])
    stream.end()
    assert share(alice, made)["messages"] == 2


def test_links_are_listed_in_one_place_ones_own_only(alice: Person, bob: Person, conversation: str, link: str) -> None:
    other = share(alice, conversation)["id"]
    listed = alice.api("GET", f"/conversations/{conversation}/shares").json["shares"]
    assert [each["id"] for each in listed] == [other, link]
    for each in (link, other):
        assert f"http://localhost/s/{each}" in alice.get("/settings/shares").text
        assert each not in bob.get("/settings/shares").text


def test_there_is_an_end_to_links(alice: Person, conversation: str) -> None:
    for _ in range(MAX_SHARES_EACH):
        share(alice, conversation)
    assert problem(alice.api("POST", f"/conversations/{conversation}/shares")) == (422, "too_many_shares")
    assert len(alice.api("GET", f"/conversations/{conversation}/shares").json["shares"]) == MAX_SHARES_EACH


def test_of_files_only_names_and_pages_are_shared(alice: Person, bob: Person, site: Site) -> None:
    file = alice.document("treuil.txt", "Le câble se graisse tous les six mois.".encode())
    conversation = alice.start()
    alice.ask(conversation, "Quand graisser ?", files=[file["id"]]).end()
    made = share(alice, conversation)
    with site.rows() as rows:
        assert rows.get(Share, made["id"]).messages[0]["files"] == [{"name": "treuil.txt", "pages": 1}]
    assert file["id"] not in bob.get(made["url"]).text
    assert bob.get(f"/api/files/{file['id']}/original").status_code == 404
    copied = bob.submit(f"{made['url']}/copy", {}).location.rpartition("/")[2]
    with site.rows() as rows:
        assert {each.attached for each in rows.query(Message).filter_by(conversation_id=copied)} == {""}
