"""When files go: with the last question asked with them, after days without one, with everything else; what stays."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.documents.extractor import Extractor
from app.errors import AppError
from app.extensions import db
from app.models import Conversation, File, FilePage, FileState, MessageFile, ParentRef, Passage, User, file_erasure
from app.models.base import utcnow
from tests.fakes.ollama import FakeOllama
from tests.support.person import PASSWORD, Person, problem
from tests.support.processes import wait_until
from tests.support.site import Site

NOTICE = "Notice du treuil\n\nLe câble zwiesel se graisse tous les six mois.\n".encode()
INDEXED = "SELECT count(*) FROM passage_search"


def rows_of(site: Site) -> tuple[int, ...]:
    """Files, pages, passages, rows of the index."""
    with site.rows() as rows:
        return (*(rows.query(kind).count() for kind in (File, FilePage, Passage)), rows.scalar(text(INDEXED)))


def on_disk(instance: Path) -> list[str]:
    return sorted(path.name for path in (instance / "files").rglob("*") if path.is_file() and path.name != ".lock")


def asked(person: Person, file: dict[str, Any], conversation: str = "") -> str:
    """A conversation with a question that was asked with the file."""
    place = conversation or person.start()
    person.ask(place, "Quand graisser ?", files=[file["id"]]).end()
    return place


def erase(person: Person, conversation: str) -> None:
    person.api("DELETE", f"/conversations/{conversation}")
    person.submit(f"/bin/{conversation}/erase", {})


def age(site: Site, file: str, days: float) -> None:
    with site.rows() as rows:
        rows.get(File, file).created_at = utcnow() - timedelta(days=days)
        rows.commit()


def purge(site: Site) -> None:
    with site.app.app_context():
        file_erasure.purge()


def test_a_file_goes_with_the_last_conversation_that_uses_it(site: Site, alice: Person, instance: Path) -> None:
    file = alice.document("treuil.txt", NOTICE)
    one, other = asked(alice, file), asked(alice, file)
    erase(alice, one)
    assert rows_of(site) == (1, 1, 1, 1)
    assert alice.messages(other)[0]["files"][0]["name"] == "treuil.txt"
    alice.api("DELETE", f"/conversations/{other}")
    assert rows_of(site) == (1, 1, 1, 1)
    erase(alice, other)
    assert rows_of(site) == (0, 0, 0, 0)
    assert on_disk(instance) == []


def test_what_a_question_uses_is_only_let_go_of(alice: Person, site: Site) -> None:
    file = alice.document("treuil.txt", NOTICE)
    conversation = asked(alice, file)
    assert alice.api("DELETE", f"/files/{file['id']}").status_code == 204
    assert alice.api("GET", f"/files/{file['id']}").json["state"] == "ready"
    assert alice.submit(f"/settings/files/{file['id']}/delete", {}).status_code == 302
    purge(site)
    age(site, file["id"], 30)
    purge(site)
    assert alice.messages(conversation)[0]["files"][0]["id"] == file["id"]


def test_a_file_that_no_question_used_goes_after_a_week(site: Site, alice: Person, instance: Path) -> None:
    file = alice.document("treuil.txt", NOTICE)
    age(site, file["id"], 6.9)
    purge(site)
    assert rows_of(site) == (1, 1, 1, 1)
    age(site, file["id"], 7.1)
    # Sent again, it is as new.
    alice.attach("treuil.txt", NOTICE)
    purge(site)
    assert rows_of(site) == (1, 1, 1, 1)
    age(site, file["id"], 7.1)
    purge(site)
    assert rows_of(site) == (0, 0, 0, 0)
    assert on_disk(instance) == []


def test_a_question_is_not_asked_with_a_file_that_is_erased_meanwhile(site: Site, alice: Person) -> None:
    file, place = alice.document("treuil.txt", NOTICE)["id"], alice.start()
    with site.app.app_context():
        conversation = db.session.get_one(Conversation, place)
        user = db.session.get_one(User, conversation.user_id)
        with_file = site.generation.attachment(user, [file], "phi3:mini")
        assert file_erasure.mark_unused(File.id == file) == [file]
        with pytest.raises(AppError) as refused:
            conversation.ask(
                "Quand ?", model="phi3:mini", think=False, client_id="1", follows=ParentRef(), attachment=with_file
            )
        assert refused.value.code == "not_found"
    assert alice.messages(place) == []


def test_a_removed_turn_takes_its_file_along_when_it_is_erased(site: Site, alice: Person) -> None:
    conversation = alice.start()
    alice.ask(conversation, "Bonjour").end()
    file = alice.document("treuil.txt", NOTICE)
    asked(alice, file, conversation)
    removed = alice.api("DELETE", f"/messages/{alice.messages(conversation)[2]['id']}").json["removed"]["removed"]
    assert rows_of(site)[0] == 1
    assert alice.submit(f"/bin/{removed}/erase", {}).status_code == 302
    assert rows_of(site) == (0, 0, 0, 0)


def test_everything_of_a_person_goes_and_nothing_of_others(
    site: Site, alice: Person, bob: Person, instance: Path
) -> None:
    asked(alice, alice.document("treuil.txt", NOTICE))
    alice.document("seul.txt", b"Autre chose")
    kept = bob.document("treuil.txt", NOTICE)
    asked(bob, kept)
    assert alice.submit("/settings/account/erase", {"own_password": PASSWORD}).status_code == 302
    assert rows_of(site) == (1, 1, 1, 1)
    assert len(on_disk(instance)) == 1
    assert bob.api("GET", f"/files/{kept['id']}").json["state"] == "ready"
    assert "treuil.txt" not in alice.get("/settings/files").text


def test_a_copied_branch_keeps_the_file(site: Site, alice: Person) -> None:
    file = alice.document("treuil.txt", NOTICE)
    conversation = asked(alice, file)
    answer = alice.messages(conversation)[1]["id"]
    copy = alice.api("POST", f"/messages/{answer}/branch").json["id"]
    erase(alice, conversation)
    assert alice.messages(copy)[0]["files"][0]["id"] == file["id"]
    with site.rows() as rows:
        assert rows.query(MessageFile).count() == 1


def test_the_page_says_what_is_used_where(alice: Person) -> None:
    used, unused = alice.document("treuil.txt", NOTICE), alice.document("seul.txt", b"Autre chose")
    conversation = asked(alice, used)
    refused = alice.document("vide.txt", b"")["error"]["message"]
    page = alice.get("/settings/files").text
    assert all(
        name in page for name in ("treuil.txt", "seul.txt", "vide.txt", "Quand graisser ?", f"/c/{conversation}")
    )
    assert refused in page
    assert f"/settings/files/{used['id']}/delete" not in page
    assert alice.submit(f"/settings/files/{unused['id']}/delete", {}).location == "/settings/files"
    assert "seul.txt" in alice.get("/settings/files").text.split("page__stack")[1].split("card")[0]
    assert problem(alice.api("GET", f"/files/{unused['id']}")) == (404, "not_found")
    alice.api("DELETE", f"/conversations/{conversation}")
    assert "dans la corbeille" in alice.get("/settings/files").text


def stopped(site: Site) -> None:
    """The extractor, as when the server ends."""
    site.app.extensions["extractor"].stop()
    for thread in threading.enumerate():
        if thread.name == "extractor":
            thread.join(5)


@contextmanager
def started_again(site: Site) -> Iterator[None]:
    """Another one, until the end of the block."""
    stopped(site)
    site.app.extensions["extractor"] = again = Extractor(site.app.app_context)
    again.start()
    yield
    stopped(site)


@pytest.fixture
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reading that lasts until it is cancelled; the names of what was read."""
    names = []

    def read(_path: Path, name: str, progress: Any, cancel: Any) -> None:
        names.append(name)
        progress(3, 40)
        assert cancel.wait(10)
        raise AppError("file_cancelled")

    monkeypatch.setattr("app.documents.extractor.read_document", read)
    return names


def test_a_reading_tells_how_far_it_is_and_can_be_ended(alice: Person, slow_reading: list[str]) -> None:
    file = alice.attach("long.pdf", NOTICE).json["id"]
    waiting = alice.attach("autre.pdf", NOTICE).json["id"]
    wait_until(lambda: alice.api("GET", f"/files/{file}").json["progress"] == {"done": 3, "total": 40})
    assert alice.api("GET", f"/files/{waiting}").json["progress"] is None
    assert alice.api("POST", f"/files/{waiting}/cancel").status_code == 202
    assert alice.read(waiting)["error"]["code"] == "file_cancelled"
    ended = alice.api("POST", f"/files/{file}/cancel")
    assert (ended.status_code, ended.json["state"]) == (202, "failed")
    assert alice.read(file)["error"]["code"] == "file_cancelled"
    assert alice.attach("long.pdf", NOTICE).status_code == 201
    wait_until(lambda: slow_reading == ["long.pdf", "long.pdf"])


def stored(person: Person, file: str) -> int:
    """How many pages of a file are stored; 0 while it is only being read."""
    return int((person.api("GET", f"/files/{file}").json["progress"] or {"done": 0})["done"])


def test_what_is_being_stored_can_be_ended_too(
    site: Site, alice: Person, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.documents.extractor.PAGES_TOGETHER", 1)
    monkeypatch.setattr("app.documents.extractor.PAUSE_S", 5)
    text = "\n\n".join(f"# Partie {number}\n\n" + "Une phrase. " * 300 for number in range(9)).encode()
    cancelled, erased = (alice.attach(name, text).json["id"] for name in ("a.md", "b.md"))
    wait_until(lambda: stored(alice, cancelled) == 1)
    assert alice.api("POST", f"/files/{cancelled}/cancel").json["state"] == "failed"
    wait_until(lambda: stored(alice, erased) == 1)
    assert rows_of(site)[:2] == (2, 1)
    assert alice.api("DELETE", f"/files/{erased}").status_code == 204
    wait_until(lambda: rows_of(site) == (1, 0, 0, 0))
    assert len(on_disk(instance)) == 1


def test_a_file_can_be_erased_while_it_is_read(
    site: Site, alice: Person, slow_reading: list[str], instance: Path
) -> None:
    file = alice.attach("long.pdf", NOTICE).json["id"]
    wait_until(lambda: slow_reading == ["long.pdf"])
    assert alice.api("DELETE", f"/files/{file}").status_code == 204
    wait_until(lambda: rows_of(site) == (0, 0, 0, 0))
    wait_until(lambda: on_disk(instance) == [])


def test_people_take_turns(alice: Person, bob: Person, slow_reading: list[str]) -> None:
    files = [(alice, alice.attach(f"a{number}.pdf", NOTICE).json["id"]) for number in range(3)]
    files.append((bob, bob.attach("b.pdf", NOTICE).json["id"]))
    for _ in files:
        wait_until(lambda: any(person.api("GET", f"/files/{file}").json["progress"] for person, file in files))
        (current,) = [each for each in files if each[0].api("GET", f"/files/{each[1]}").json["progress"]]
        current[0].api("POST", f"/files/{current[1]}/cancel")
        wait_until(lambda now=current: not now[0].api("GET", f"/files/{now[1]}").json["progress"])
    assert slow_reading == ["a0.pdf", "a1.pdf", "b.pdf", "a2.pdf"]


def test_what_a_stop_ends_is_read_at_the_next_start(
    site: Site, alice: Person, monkeypatch: pytest.MonkeyPatch, slow_reading: list[str]
) -> None:
    file = alice.attach("treuil.txt", NOTICE).json["id"]
    wait_until(lambda: bool(slow_reading))
    stopped(site)
    monkeypatch.undo()
    assert alice.api("GET", f"/files/{file}").json["state"] == "extracting"
    with started_again(site):
        assert alice.read(file)["state"] == "ready"
        assert rows_of(site) == (1, 1, 1, 1)


def test_a_start_removes_what_belongs_to_nobody(site: Site, alice: Person, instance: Path) -> None:
    kept = alice.document("treuil.txt", NOTICE)
    folder = instance / "files"
    (folder / ".arriving-x").write_bytes(b"half")
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / ("ab" * 32)).write_bytes(b"nobody's")
    with site.rows() as rows:
        rows.add(File(user_id=1, sha256="0" * 64, name="a", size=1, state=FileState.ERASED))
        rows.commit()
    with started_again(site):
        wait_until(lambda: len(on_disk(instance)) == 1)
        wait_until(lambda: rows_of(site) == (1, 1, 1, 1))
    assert alice.api("GET", f"/files/{kept['id']}").json["state"] == "ready"


def test_a_question_sent_while_its_file_goes_is_refused_or_whole(
    alice: Person, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = alice.document("treuil.txt", NOTICE)
    conversation = alice.start()
    ready_ones = File.ready_ones

    def gone_meanwhile(user: Any, ids: Any) -> Any:
        found = ready_ones(user, ids)
        with alice.app.app_context():
            file_erasure.erase(file_erasure.mark_unused(File.id == file["id"]))
        return found

    monkeypatch.setattr(File, "ready_ones", gone_meanwhile)
    assert problem(alice.post(conversation, "Quand graisser ?", files=[file["id"]])) == (404, "not_found")
    assert alice.messages(conversation) == []
