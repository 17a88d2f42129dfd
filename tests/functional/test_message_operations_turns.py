"""Turns deleted and taken back, and conversations that begin with a copy of another one's branch."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from app.diagnostics.history import last_records
from app.models import Conversation, Message, Rating, Run
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site


@pytest.fixture
def conversation(alice: Person, ollama: FakeOllama) -> str:
    """Three turns: « Un », « Deux », « Trois », answered « 1 », « 2 », « 3 »."""
    ollama.script(*(Scenario.answer(text) for text in "123"))
    made = alice.start()
    for question in ("Un", "Deux", "Trois"):
        alice.ask(made, question).end()
    return made


def words(person: Person, conversation: str) -> list[str]:
    return [message["content"] for message in person.messages(conversation)]


def remove(person: Person, message: int) -> Any:
    return person.api("DELETE", f"/messages/{message}")


def put_back(person: Person, conversation: str, removed: Any) -> Any:
    return person.api("POST", f"/conversations/{conversation}/turns", removed)


def branch_off(person: Person, message: int) -> Any:
    return person.api("POST", f"/messages/{message}/branch")


def test_a_turn_goes_with_all_that_follows_and_comes_back(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    before = alice.messages(conversation)
    answer = remove(alice, before[2]["id"]).json
    assert [message["content"] for message in answer["messages"]] == ["Un", "1"]
    assert answer["messages"] == alice.messages(conversation)
    assert put_back(alice, conversation, answer["removed"]).json["messages"] == before
    assert alice.messages(conversation) == before
    ollama.script(Scenario.answer("4"))
    alice.ask(conversation, "Quatre").end()
    asked = [message["content"] for message in ollama.received("/api/chat")[-1]["messages"][1:]]
    assert asked == ["Un", "1", "Deux", "2", "Trois", "3", "Quatre"]


def test_the_model_is_not_sent_what_was_deleted(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    remove(alice, alice.messages(conversation)[2]["id"])
    alice.ask(conversation, "Autre").end()
    assert [message["content"] for message in ollama.received("/api/chat")[-1]["messages"][1:]] == ["Un", "1", "Autre"]


def test_nobody_finds_what_was_deleted(alice: Person, conversation: str) -> None:
    question, answer = alice.messages(conversation)[2:4]
    remove(alice, question["id"])
    for gone in (
        remove(alice, question["id"]),
        alice.api("PATCH", f"/messages/{question['id']}", {"content": "x"}),
        alice.api("PUT", f"/conversations/{conversation}/head", {"message_id": answer["id"]}),
        alice.get(f"/api/messages/{answer['id']}/stream"),
        alice.api("POST", f"/messages/{answer['id']}/regenerate"),
        branch_off(alice, answer["id"]),
    ):
        assert problem(gone) == (404, "not_found")
    assert [item["id"] for item in alice.get("/api/conversations").json["conversations"]] == [conversation]


def test_other_versions_stay_and_the_newest_is_shown(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    messages = alice.messages(conversation)
    ollama.script(Scenario.answer("deux"))
    alice.ask(conversation, "Deux autrement", parent_id=messages[1]["id"]).end()
    other = alice.messages(conversation)[2]["id"]
    removed = remove(alice, other).json
    assert [message["content"] for message in removed["messages"]] == ["Un", "1", "Deux", "2", "Trois", "3"]
    assert removed["messages"][2]["siblings"] == [messages[2]["id"]]
    back = put_back(alice, conversation, removed["removed"]).json["messages"]
    assert [message["content"] for message in back] == ["Un", "1", "Deux autrement", "deux"]
    assert back[2]["siblings"] == [messages[2]["id"], other]


def test_a_turn_of_another_branch_goes_without_changing_what_is_shown(
    alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    messages = alice.messages(conversation)
    ollama.script(Scenario.answer("deux"))
    alice.ask(conversation, "Deux autrement", parent_id=messages[1]["id"]).end()
    shown = remove(alice, messages[2]["id"]).json["messages"]
    assert [message["content"] for message in shown] == ["Un", "1", "Deux autrement", "deux"]


def test_without_its_first_turn_a_conversation_is_empty(site: Site, alice: Person, conversation: str) -> None:
    before = alice.messages(conversation)
    removed = remove(alice, before[0]["id"]).json
    assert removed["messages"] == []
    assert removed["removed"]["parent_id"] is None
    assert alice.get(f"/c/{conversation}").status_code == 200
    put_back(alice, conversation, removed["removed"])
    assert alice.messages(conversation) == before
    with site.rows() as rows:
        assert rows.query(Conversation).count() == 1


def test_an_emptied_conversation_is_named_by_its_next_question(alice: Person, conversation: str) -> None:
    alice.api("PATCH", f"/conversations/{conversation}", {"title": "Choisi"})
    answer = remove(alice, alice.messages(conversation)[0]["id"]).json
    assert (answer["title"], answer["messages"]) == ("", [])
    assert alice.get("/api/conversations").json["conversations"] == []
    back = put_back(alice, conversation, answer["removed"]).json
    assert (back["title"], back["group"]) == ("Choisi", "Aujourd’hui")
    remove(alice, alice.messages(conversation)[0]["id"])
    alice.ask(conversation, "Tout autre chose").end()
    assert alice.api("GET", f"/conversations/{conversation}").json["title"] == "Tout autre chose"
    found = alice.get("/api/search", query_string={"q": "Choisi"}).json["results"]
    assert found == []


def test_what_was_deleted_is_kept_as_a_deleted_conversation(site: Site, alice: Person, conversation: str) -> None:
    removed = remove(alice, alice.messages(conversation)[2]["id"]).json["removed"]
    with site.rows() as rows:
        kept = rows.get(Conversation, removed["removed"])
        assert (kept.title, kept.user_id) == ("Deux", rows.get(Conversation, conversation).user_id)
        assert kept.deleted_at is not None
        assert [message.content for message in kept.branch()] == ["Deux", "2", "Trois", "3"]


def test_a_place_to_put_back_that_is_none(alice: Person, bob: Person, conversation: str) -> None:
    messages = alice.messages(conversation)
    removed = remove(alice, messages[4]["id"]).json["removed"]
    name = removed["removed"]
    elsewhere = alice.ask(alice.start(), "Ailleurs").end().message_id
    for parent in (messages[0]["id"], elsewhere, 10**9):
        refused = put_back(alice, conversation, {"removed": name, "parent_id": parent})
        assert problem(refused) == (422, "unknown_parent")
    for missing in ("0" * 16, conversation, alice.start()):
        assert problem(put_back(alice, conversation, {"removed": missing})) == (404, "not_found")
    assert problem(put_back(bob, bob.start(), removed)) == (404, "not_found")
    assert problem(put_back(alice, conversation, {})) == (400, "missing_field")
    assert problem(put_back(alice, conversation, {"removed": 7})) == (422, "invalid_field")
    assert put_back(alice, conversation, removed).status_code == 200
    assert problem(put_back(alice, conversation, removed)) == (404, "not_found")
    assert alice.messages(conversation) == messages


def test_only_questions_are_deleted_as_turns(alice: Person, bob: Person, conversation: str) -> None:
    question, answer = alice.messages(conversation)[:2]
    assert problem(remove(alice, answer["id"])) == (404, "not_found")
    assert problem(remove(bob, question["id"])) == (404, "not_found")
    assert words(alice, conversation) == ["Un", "1", "Deux", "2", "Trois", "3"]


def test_a_branch_goes_on_in_a_new_conversation(
    site: Site, alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    messages = alice.messages(conversation)
    alice.api("PATCH", f"/conversations/{conversation}", {"title": "Compter", "pinned": True})
    answer = branch_off(alice, messages[3]["id"])
    assert answer.status_code == 201
    made = answer.json
    assert (made["title"], made["pinned"], made["model"]) == ("Compter", False, "phi3:mini")
    copies = alice.messages(made["id"])
    assert [message["content"] for message in copies] == ["Un", "1", "Deux", "2"]
    assert not {message["id"] for message in copies} & {message["id"] for message in messages}
    assert [message["created_at"] for message in copies] == [message["created_at"] for message in messages[:4]]
    assert [message.get("model") for message in copies] == [None, "phi3:mini", None, "phi3:mini"]
    alice.ask(made["id"], "Et ensuite ?").end()
    asked = [message["content"] for message in ollama.received("/api/chat")[-1]["messages"][1:]]
    assert asked == ["Un", "1", "Deux", "2", "Et ensuite ?"]
    assert alice.messages(conversation) == messages


def test_what_a_copy_begins_with_is_found_by_its_dates(alice: Person, conversation: str, site: Site) -> None:
    with site.rows() as rows:
        rows.execute(update(Message).values(created_at=datetime(2024, 3, 15, tzinfo=UTC)))
        rows.execute(update(Conversation).values(created_at=datetime(2024, 3, 15, tzinfo=UTC)))
        rows.commit()
    copy = branch_off(alice, alice.messages(conversation)[3]["id"]).json["id"]
    found = alice.get("/api/search", query_string={"q": "deux avant:2025"}).json["results"]
    assert {hit["id"] for hit in found} == {conversation, copy}


def test_a_copy_is_the_shown_branch_alone_and_counts_nowhere(
    site: Site, alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    messages = alice.messages(conversation)
    ollama.script(Scenario.answer("3 bis"))
    again = alice.regenerate(messages[5]["id"]).end().message_id
    alice.api("PUT", f"/messages/{again}/rating", {"good": True})
    made = branch_off(alice, again).json["id"]
    copies = alice.messages(made)
    assert [message["content"] for message in copies] == ["Un", "1", "Deux", "2", "Trois", "3 bis"]
    assert copies[-1]["siblings"] == [copies[-1]["id"]]
    assert (copies[-1]["rating"], copies[-1]["metrics"]) == (None, None)
    with site.rows() as rows:
        assert rows.query(Rating).count() == 1
        assert rows.query(Run).count() == 7
        assert len(last_records()) == 4


def test_a_branch_of_others_or_of_a_question(alice: Person, bob: Person, conversation: str, site: Site) -> None:
    question, answer = alice.messages(conversation)[:2]
    assert problem(branch_off(bob, answer["id"])) == (404, "not_found")
    assert problem(branch_off(alice, question["id"])) == (404, "not_found")
    with site.rows() as rows:
        assert (rows.query(Conversation).count(), rows.query(Message).count()) == (1, 6)


def test_a_copy_knows_where_the_model_began_to_read(make_site: Any, ollama: FakeOllama) -> None:
    alice = Person(make_site(CONTEXT_TOKENS=1024, MAX_OUTPUT_TOKENS=128).start(ollama).app)
    alice.register("alice")
    conversation = alice.start()
    for number in range(6):
        ollama.script(Scenario.answer("Entendu."))
        alice.ask(conversation, f"{number} " + "mot " * 200).end()
    answer = alice.messages(conversation)[-1]
    assert answer["left_out"]["count"] > 0
    ids = [message["id"] for message in alice.messages(conversation)]
    made = branch_off(alice, answer["id"]).json["id"]
    copies = alice.messages(made)
    assert copies[-1]["left_out"] == {
        "count": answer["left_out"]["count"],
        "first_read": copies[ids.index(answer["left_out"]["first_read"])]["id"],
        "unread": [],
    }
