"""Folders, the archive, pins and the unread mark: what the lists show of a conversation, and what moves it."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import Conversation
from app.models.conversations import MAX_FOLDERS_EACH, PAGE_LENGTH
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site


@pytest.fixture
def conversation(alice: Person) -> str:
    """One with a question in it."""
    made = alice.start()
    alice.ask(made, "Comment réserver une salle ?").end()
    return made


@pytest.fixture
def folder(alice: Person) -> int:
    return int(alice.api("POST", "/folders", {"name": "Bureau"}).json["id"])


def ids(person: Person, query: str = "") -> list[str]:
    return [item["id"] for item in person.get(f"/api/conversations{query}").json["conversations"]]


def names(person: Person) -> list[str]:
    return [folder["name"] for folder in person.get("/api/folders").json["folders"]]


def test_folders_are_made_renamed_and_sorted(alice: Person, folder: int) -> None:
    answer = alice.api("POST", "/folders", {"name": "  Atelier \n nord "})
    assert (answer.status_code, answer.json["name"]) == (201, "Atelier nord")
    assert names(alice) == ["Atelier nord", "Bureau"]
    assert alice.api("PATCH", f"/folders/{folder}", {"name": "Ancien"}).json == {"id": folder, "name": "Ancien"}
    assert names(alice) == ["Ancien", "Atelier nord"]


@pytest.mark.parametrize("name", ["", "  ", None, 7, "x" * 61, "\0\n", ["x"]])
def test_a_name_that_is_none(alice: Person, folder: int, name: Any) -> None:
    assert problem(alice.api("POST", "/folders", {"name": name})) == (422, "invalid_field")
    assert problem(alice.api("PATCH", f"/folders/{folder}", {"name": name})) == (422, "invalid_field")
    assert names(alice) == ["Bureau"]


def test_a_name_is_taken_once_by_each_person(alice: Person, bob: Person, folder: int) -> None:
    other = alice.api("POST", "/folders", {"name": "Autre"}).json["id"]
    assert problem(alice.api("POST", "/folders", {"name": "BUREAU"})) == (422, "name_taken")
    assert problem(alice.api("PATCH", f"/folders/{other}", {"name": "bureau"})) == (422, "name_taken")
    assert alice.api("PATCH", f"/folders/{folder}", {"name": "BUREAU"}).status_code == 200
    assert bob.api("POST", "/folders", {"name": "Bureau"}).status_code == 201
    assert names(alice) == ["Autre", "BUREAU"]


def test_there_is_an_end_to_folders(alice: Person) -> None:
    for number in range(MAX_FOLDERS_EACH):
        assert alice.api("POST", "/folders", {"name": f"Dossier {number}"}).status_code == 201
    assert problem(alice.api("POST", "/folders", {"name": "Un de trop"})) == (422, "too_many_folders")
    assert len(names(alice)) == MAX_FOLDERS_EACH


def test_a_conversation_is_moved_and_taken_out(alice: Person, conversation: str, folder: int) -> None:
    path = f"/conversations/{conversation}"
    assert alice.api("PATCH", path, {"folder_id": folder}).json["folder_id"] == folder
    assert (ids(alice, f"?folder={folder}"), ids(alice, "?loose=1"), ids(alice)) == ([conversation], [], [conversation])
    assert alice.api("PATCH", path, {"title": "Salles"}).json["folder_id"] == folder
    assert alice.api("PATCH", path, {"folder_id": None}).json["folder_id"] is None
    assert (ids(alice, f"?folder={folder}"), ids(alice, "?loose=1")) == ([], [conversation])


def test_a_folder_goes_and_its_conversations_stay(alice: Person, conversation: str, folder: int) -> None:
    alice.api("PATCH", f"/conversations/{conversation}", {"folder_id": folder})
    assert alice.api("DELETE", f"/folders/{folder}").status_code == 204
    assert names(alice) == []
    assert ids(alice, "?loose=1") == [conversation]
    assert problem(alice.get(f"/api/conversations?folder={folder}")) == (404, "not_found")


def test_the_folders_of_others_are_not_there(alice: Person, bob: Person, conversation: str, folder: int) -> None:
    for wanted in (folder, 999, 10**30):
        for answer in (
            bob.api("PATCH", f"/folders/{wanted}", {"name": "À moi"}),
            bob.api("DELETE", f"/folders/{wanted}"),
            bob.get(f"/api/conversations?folder={wanted}"),
        ):
            assert problem(answer) == (404, "not_found")
    foreign = bob.api("POST", "/folders", {"name": "De Bob"}).json["id"]
    assert problem(alice.api("PATCH", f"/conversations/{conversation}", {"folder_id": foreign})) == (404, "not_found")
    for wrong in ("x", 1.5, [], 10**30):
        answer = alice.api("PATCH", f"/conversations/{conversation}", {"folder_id": wrong})
        assert problem(answer) == (422, "invalid_field"), wrong
    assert names(alice) == ["Bureau"]


def test_the_page_shows_each_conversation_in_one_place(alice: Person, conversation: str, folder: int) -> None:
    second = alice.start()
    alice.ask(second, "Deux").end()
    alice.api("PATCH", f"/conversations/{second}", {"folder_id": folder})
    page = alice.get("/").text
    # The folder is closed, so what is in it comes when it is opened.
    assert (page.count(f'id="conversation-{conversation}"'), page.count(f'id="conversation-{second}"')) == (1, 0)
    page = alice.get(f"/c/{second}").text
    assert (page.count(f'id="conversation-{conversation}"'), page.count(f'id="conversation-{second}"')) == (1, 1)
    alice.api("PATCH", f"/conversations/{second}", {"pinned": True})
    page = alice.get(f"/c/{second}").text
    assert page.count(f'id="conversation-{second}"') == 1
    assert ids(alice, f"?folder={folder}") == []


def test_an_archived_conversation_is_out_of_the_lists_until_it_is_asked_in(alice: Person, conversation: str) -> None:
    alice.api("PATCH", f"/conversations/{conversation}", {"archived": True})
    assert (ids(alice), ids(alice, "?loose=1"), ids(alice, "?archived=1")) == ([], [], [conversation])
    assert alice.get(f"/c/{conversation}").status_code == 200
    alice.ask(conversation, "Encore").end()
    assert (ids(alice), ids(alice, "?archived=1")) == ([conversation], [])


def test_a_list_goes_on_among_equal_dates(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        first = Conversation(user_id=1, title="0", head_id=1)
        rows.add(first)
        rows.flush()
        for number in range(PAGE_LENGTH + 4):
            rows.add(Conversation(user_id=1, title=str(number), head_id=1, updated_at=first.updated_at))
        rows.add(Conversation(user_id=1, title="épinglée", head_id=1, pinned=True))
        rows.commit()
    page = alice.get("/api/conversations?loose=1").json
    rest = alice.get("/api/conversations", query_string={"loose": 1, "cursor": page["next_cursor"]}).json
    both = [item["id"] for item in page["conversations"] + rest["conversations"]]
    assert (len(page["conversations"]), rest["next_cursor"]) == (PAGE_LENGTH, None)
    assert len(both) == len(set(both)) == PAGE_LENGTH + 5


def test_the_groups_go_by_date(site: Site, alice: Person, conversation: str) -> None:
    with site.rows() as rows:
        moment = rows.get(Conversation, conversation).updated_at
        for days in (3, 20, 400):
            rows.add(Conversation(user_id=1, title=str(days), head_id=1, updated_at=moment - timedelta(days=days)))
        rows.commit()
    found = alice.get("/api/conversations", headers={"Accept-Language": "fr"}).json["conversations"]
    assert [item["group"] for item in found[:3]] == ["Aujourd’hui", "7 derniers jours", "30 derniers jours"]
    assert found[3]["group"][0].isupper()


def test_an_answer_is_unread_until_it_was_seen(alice: Person, ollama: FakeOllama, conversation: str) -> None:
    def unread() -> bool:
        (item,) = alice.get("/api/conversations").json["conversations"]
        return bool(item["unread"])

    path = f"/conversations/{conversation}/seen"
    assert unread()
    assert alice.api("POST", path).status_code == 204
    assert not unread()
    ollama.script(Scenario.hold(after=1))
    stream = alice.ask(conversation, "Encore")
    stream.until("text")
    assert not unread()
    ollama.release()
    stream.end()
    assert unread()
    # Opening the page is for the page's own script to tell: a page may be fetched without being seen.
    assert "is-unread" in alice.get("/").text
    alice.api("POST", path)
    assert "is-unread" not in alice.get("/").text
