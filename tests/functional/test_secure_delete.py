"""What is left of erased words in the database's file."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from app import database
from app.models import File
from app.models.passages import best
from app.models.search import INDEXES, SECURE_DELETE_SINCE, search
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.documents import attached, indexed
from tests.support.person import PASSWORD, Person
from tests.support.site import DATABASE, Site

# Also as the index writes them: in small letters, and nothing else begins like them.
QUESTION, ANSWER, TITLE, NOTE = "zwieselquestion", "zwieselreponse", "zwieseltitre", "zwieselconsigne"
MARK = b"zwiesel"


def written(folder: Path) -> bytes:
    """The file and its log."""
    return (folder / DATABASE).read_bytes() + (folder / f"{DATABASE}-wal").read_bytes()


def talk(person: Person, ollama: FakeOllama, question: str, answer: str) -> str:
    # Of several pages, and corrected afterwards.
    ollama.script(Scenario.answer(f"{answer} " * 2000))
    conversation = person.start()
    asking = person.ask(conversation, f"{question} " * 300).end()
    person.api("PATCH", f"/messages/{asking.data('accepted')['user_message']['id']}", {"content": f"{question} " * 20})
    return conversation


def test_nothing_of_what_was_erased_stays_in_the_file(
    instance: Path, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    talk(bob, ollama, "Bonjour", "Rien d’autre")
    kept = talk(alice, ollama, QUESTION, ANSWER)
    alice.api("PATCH", f"/conversations/{kept}", {"title": TITLE})
    alice.api("POST", f"/conversations/{kept}/shares")
    alice.submit("/settings/writing", {"instructions": NOTE, "send_key": "enter"})
    before = written(instance)
    assert all(words.encode() in before for words in (QUESTION, ANSWER, TITLE, NOTE))
    assert alice.submit("/settings/account/erase", {"own_password": PASSWORD}).status_code == 302
    assert MARK not in written(instance)
    assert bob.get("/api/search?q=Bonjour").json["results"]
    assert alice.get("/api/search?q=Bonjour").json["results"] == []


def test_nothing_of_a_file_that_goes_with_its_conversation_stays(instance: Path, alice: Person) -> None:
    text = f"# {TITLE}\n\n" + f"{QUESTION} et {ANSWER}.\n\n" * 150
    file = alice.document(f"{NOTE}.md", text.encode())
    conversation = alice.start()
    alice.ask(conversation, "Que dit-il ?", files=[file["id"]]).end()
    assert MARK in written(instance)
    alice.api("DELETE", f"/conversations/{conversation}")
    assert alice.submit(f"/bin/{conversation}/erase", {}).status_code == 302
    assert MARK not in written(instance)


def test_nothing_of_a_single_conversation_stays_in_the_file(instance: Path, alice: Person, ollama: FakeOllama) -> None:
    talk(alice, ollama, "Bonjour", "Rien d’autre")
    erased = talk(alice, ollama, QUESTION, ANSWER)
    alice.api("DELETE", f"/conversations/{erased}")
    assert MARK in written(instance)
    assert alice.submit(f"/bin/{erased}/erase", {}).status_code == 302
    assert MARK not in written(instance)
    assert alice.get("/api/search?q=Bonjour").json["results"]


def test_nothing_of_a_file_stays_in_the_database(instance: Path, site: Site, alice: Person) -> None:
    kept = indexed(site, attached(site, alice.name, "notice.pdf", "Le palier est en bronze."))
    file = indexed(
        site, attached(site, alice.name, "devis.pdf", *[f"{ANSWER} {QUESTION} {number}" for number in range(300)])
    )
    assert MARK in written(instance)
    with site.rows() as rows:
        rows.delete(rows.get(File, file))
        rows.commit()
        search().compact()
        assert MARK not in written(instance)
        assert best([kept], "palier")


@pytest.mark.parametrize("index", INDEXES)
def test_the_index_is_told_where_it_can_be(site: Site, index: str) -> None:
    asked = text(f"SELECT v FROM {index}_config WHERE k = 'secure-delete'")
    can = sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE
    database.upgrade(site.app)
    with site.rows() as rows:
        assert rows.execute(asked).scalar() == (1 if can else None)
