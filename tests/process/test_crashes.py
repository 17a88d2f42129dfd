"""kill -9, a queue that survives it, and a disk without room: nothing is lost, nothing half-written."""

import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.models.lab import LabLabel
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.documents import attached, indexed
from tests.support.person import problem
from tests.support.processes import alive as runs
from tests.support.processes import wait_until
from tests.support.server import RemotePerson, ServerProcess
from tests.support.site import DATABASE, Site

pytestmark = pytest.mark.slow

# Half a second more than the text is stored after.
STORED_S = 2.5


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """An engine that writes at a human pace."""
    with FakeOllama(tokens_per_second=40) as running:
        yield running


@pytest.fixture
def server(instance: Path, ollama: FakeOllama) -> Iterator[ServerProcess]:
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as running:
        yield running


@pytest.fixture
def alice(server: ServerProcess) -> RemotePerson:
    person = RemotePerson(server, "alice")
    assert person.register().status_code == 302
    return person


def test_a_killed_worker_loses_two_seconds_at_most_and_the_queue_goes_on(
    server: ServerProcess, alice: RemotePerson, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.endless(), Scenario.answer("Me voici."), Scenario.answer(" et la suite."))
    conversation, other = alice.start(), alice.start()
    running = alice.ask(conversation, "Un")
    running.until("text")
    queued = alice.ask(other, "Deux")
    queued.until("queued")
    begun = time.monotonic()
    while time.monotonic() - begun < STORED_S:
        running.until("text")
    server.kill_worker()
    question, answer = alice.messages(conversation)
    assert question["content"] == "Un"
    assert (answer["status"], answer["error"]["code"]) == ("interrupted", "interrupted")
    kept = answer["content"]
    assert kept
    assert running.text().startswith(kept) or kept.startswith(running.text())
    # The question that waited is answered without anybody asking again.
    assert alice.follow(queued.message_id).end().data("done")["status"] == "done"
    assert alice.messages(other)[1]["content"] == "Me voici."
    more = alice.go_on(running.message_id).end()
    assert more.data("accepted")["message"]["content"] == kept
    _, answer = alice.messages(conversation)
    assert (answer["status"], answer["content"]) == ("done", kept + " et la suite.")


def test_a_queue_survives_a_killed_master(server: ServerProcess, alice: RemotePerson, ollama: FakeOllama) -> None:
    ollama.script(Scenario.endless(), Scenario.answer("Me voici."))
    running = alice.ask(alice.start(), "Un")
    running.until("text")
    conversation = alice.start()
    queued = alice.ask(conversation, "Deux")
    queued.until("queued")
    orphan = server.worker
    server.end(signal.SIGKILL)
    wait_until(lambda: not runs(orphan), 15)
    server.start()
    assert alice.follow(queued.message_id).end().data("done")["status"] == "done"
    assert alice.messages(conversation)[1]["content"] == "Me voici."
    assert [body["messages"][-1]["content"] for body in ollama.received("/api/chat")] == ["Un", "Deux"]


def test_a_disk_without_room(server: ServerProcess, alice: RemotePerson, ollama: FakeOllama) -> None:
    conversation = alice.start()
    path = f"/c/{conversation}"
    token = alice.token
    worker = server.worker
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, before[1]))
    refused = alice.post(conversation, "Une longue question. " * 2000)
    assert problem(refused) == (503, "storage_full")
    assert alice.get(path).status_code == 200
    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
    assert alice.messages(conversation) == []
    assert alice.token == token
    assert alice.ask(conversation, "Bonjour").end().data("done")["status"] == "done"
    assert [body["messages"][-1]["content"] for body in ollama.received("/api/chat")] == ["Bonjour"]
    with closing(sqlite3.connect(server.instance / DATABASE)) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert ollama.reached(Phase.ENDED).question == "Bonjour"


def test_a_long_document_is_read_on_after_a_kill(
    server: ServerProcess, alice: RemotePerson, ollama: FakeOllama
) -> None:
    rows = Site(server.instance)
    with rows.rows() as session:
        session.add(LabLabel(model="phi3:mini", reading=90, abstention=90))
        session.commit()
    pages = [f"Chapitre {number}. " + "Le chantier livre le bateau au printemps. " * 70 for number in range(6)]
    file = indexed(rows, attached(rows, "alice", "manuel.pdf", *pages))
    rows.stop()
    ollama.script(Scenario.answer("Un bateau [p. 1]."), Scenario.answer("Un autre [p. 2]."), Scenario.hold())
    conversation = alice.start()
    stream = alice.ask(conversation, "Quels bateaux ?", files=[file], whole="idle")
    stream.until("part", lambda data: data["done"] == 2)
    ollama.reached(Phase.PREFILL, 2)
    server.kill_worker()
    assert alice.follow(stream.message_id).end().data("done")["status"] == "done"
    read = [body["messages"][-1]["content"] for body in ollama.received("/api/chat")]
    assert [text.partition(" sur ")[0] for text in read[:4]] == ["Partie 1", "Partie 2", "Partie 3", "Partie 3"]
    assert "Un bateau [p. 1].\n\nUn autre [p. 2]." in read[-1]
