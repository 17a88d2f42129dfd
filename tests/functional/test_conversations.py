"""Conversations: made, listed, searched, renamed, pinned, put away, deleted and taken back."""

import re
from datetime import timedelta
from typing import Any

import pytest

from app.models import Conversation
from app.models.conversations import PAGE_LENGTH
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site

FIELDS = {
    "id", "title", "model", "url", "created_at", "updated_at", "pinned", "archived", "folder_id", "state", "unread",
}  # fmt: skip
NO_CHANGES: tuple[dict[str, Any], ...] = (
    {"title": ""}, {"title": " \n "}, {"title": "\0"}, {"title": "x" * 201}, {"title": 7}, {"pinned": "yes"},
    {"archived": 1}, {"deleted": True}, {"deleted": "no"},
)  # fmt: skip


@pytest.fixture
def conversation(alice: Person) -> str:
    """One with a question in it."""
    made = alice.start()
    alice.ask(made, "Comment réserver une salle ?").end()
    return made


def listed(person: Person, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/conversations{query}").json["conversations"]
    return found


def test_a_new_conversation(alice: Person) -> None:
    answer = alice.api("POST", "/conversations", {"model": "deepseek-r1:1.5b"})
    made = answer.json
    assert set(made) == FIELDS
    assert len(made["id"]) == 16
    int(made["id"], 16)
    assert made["url"] == f"/c/{made['id']}"
    assert made["model"] == "deepseek-r1:1.5b"
    assert made["created_at"].endswith("Z")
    assert alice.api("POST", "/conversations").json["model"] is None


def test_an_empty_conversation_is_not_listed(alice: Person) -> None:
    alice.start()
    assert listed(alice) == []


def test_the_title_is_the_questions_first_words(alice: Person, conversation: str) -> None:
    alice.ask(conversation, "Autre chose").end()
    assert [item["title"] for item in listed(alice)] == ["Comment réserver une salle ?"]


def test_a_conversation_is_read_with_its_messages(alice: Person, conversation: str) -> None:
    read = alice.get(f"/api/conversations/{conversation}").json
    assert set(read) == FIELDS | {"group", "messages"}
    assert [message["role"] for message in read["messages"]] == ["user", "assistant"]


def test_the_page_shows_question_and_answer_without_scripts(alice: Person, conversation: str) -> None:
    page = alice.get(f"/c/{conversation}").text
    assert "Comment réserver une salle ?" in page
    assert alice.messages(conversation)[1]["content"].split()[0] in page


def test_renaming_pinning_and_putting_away(alice: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}"
    changed = alice.api("PATCH", path, {"title": "  Salles \n de  réunion ", "pinned": True}).json
    assert (changed["title"], changed["pinned"], changed["archived"]) == ("Salles de réunion", True, False)
    changed = alice.api("PATCH", path, {"archived": True}).json
    assert (changed["title"], changed["pinned"], changed["archived"]) == ("Salles de réunion", True, True)
    changed = alice.api("PATCH", path, {"pinned": False, "archived": False}).json
    assert (changed["pinned"], changed["archived"]) == (False, False)
    assert alice.api("PATCH", path, {}).json == changed


def test_a_change_that_is_none(alice: Person, conversation: str) -> None:
    before = alice.get(f"/api/conversations/{conversation}").json
    for change in NO_CHANGES:
        answer = alice.api("PATCH", f"/conversations/{conversation}", change)
        assert problem(answer) == (422, "invalid_field"), change
    assert alice.get(f"/api/conversations/{conversation}").json == before


def test_a_deleted_conversation_is_gone_until_it_is_taken_back(alice: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}"
    answer = alice.messages(conversation)[1]["id"]
    assert alice.api("DELETE", path).status_code == 204
    assert listed(alice) == []
    assert alice.get(f"/c/{conversation}").status_code == 404
    for gone in (
        alice.get(f"/api{path}"),
        alice.api("DELETE", path),
        alice.api("PATCH", path, {"title": "x"}),
        alice.post(conversation, "Encore"),
        alice.get(f"/api/messages/{answer}/stream"),
        alice.api("POST", f"/messages/{answer}/regenerate"),
    ):
        assert problem(gone) == (404, "not_found")
    assert alice.api("PATCH", path, {"deleted": False}).status_code == 200
    assert [item["id"] for item in listed(alice)] == [conversation]
    assert len(alice.messages(conversation)) == 2


def test_the_list_is_one_persons_and_the_latest_first(alice: Person, bob: Person, conversation: str) -> None:
    second = alice.start()
    alice.ask(second, "Deux").end()
    assert [item["id"] for item in listed(alice)] == [second, conversation]
    alice.ask(conversation, "Encore").end()
    assert [item["id"] for item in listed(alice)] == [conversation, second]
    assert listed(bob) == []


def test_the_list_goes_on_at_its_cursor(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        first = Conversation(user_id=1, title="0", head_id=1)
        rows.add(first)
        rows.flush()
        for number in range(1, PAGE_LENGTH + 5):
            moment = first.updated_at + timedelta(microseconds=number)
            rows.add(Conversation(user_id=1, title=str(number), head_id=1, updated_at=moment))
        rows.commit()
    page = alice.get("/api/conversations").json
    assert len(page["conversations"]) == PAGE_LENGTH
    rest = alice.get("/api/conversations", query_string={"cursor": page["next_cursor"]}).json
    assert rest["next_cursor"] is None
    titles = [item["title"] for item in page["conversations"] + rest["conversations"]]
    assert titles == [str(number) for number in range(PAGE_LENGTH + 4, -1, -1)]


def test_a_cursor_that_is_none(alice: Person) -> None:
    for cursor in ("x", "nan", "inf", "-inf", "1e400", "1e18", "-1e18"):
        assert problem(alice.get(f"/api/conversations?cursor={cursor}")) == (422, "invalid_field")


def test_searching_titles(alice: Person, conversation: str) -> None:
    second = alice.start()
    alice.ask(second, "Le taux de 100% et _x_").end()
    found = {
        query: [item["id"] for item in listed(alice, f"?q={query}")] for query in ("SALLE", "100%25", "_x_", "%25")
    }
    assert found == {"SALLE": [conversation], "100%25": [second], "_x_": [second], "%25": [second]}
    assert listed(alice, "?q=rien") == []
    assert len(listed(alice, "?q=%20")) == 2
    assert listed(alice, "?q=" + "x" * 5000) == []


def test_searching_accents_in_any_case(alice: Person, conversation: str) -> None:
    assert [item["id"] for item in listed(alice, "?q=RÉSERVER")] == [conversation]


def test_a_page_has_all_of_a_huge_answer_and_draws_its_beginning(alice: Person, ollama: FakeOllama) -> None:
    text = "mot " * 20_000
    ollama.script(Scenario.one_token(text))
    conversation = alice.start()
    alice.ask(conversation, "Tout ?").end()
    link = alice.api("POST", f"/conversations/{conversation}/shares").json["url"]
    for path in (f"/c/{conversation}", link):
        found = re.search(
            r'<div class="raw"[^>]*>([^<]*)<span class="raw__rest">([^<]*)</span></div>', alice.get(path).text
        )
        assert found, path
        assert len(found[1]) == 20_000
        assert (found[1] + found[2]).rstrip() == text.rstrip()
