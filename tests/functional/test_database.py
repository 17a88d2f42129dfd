"""A database that is busy or full: waiting, or a clear refusal with nothing half-written."""

import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from app import database as tables
from app.generation import run_ends
from app.models import Conversation, Message, Run
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Fault, Scenario
from tests.support.person import Person, problem
from tests.support.site import DATABASE, Site

ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 2}


@contextmanager
def writer(instance: Path) -> Iterator[sqlite3.Connection]:
    """Another program that writes and does not end."""
    with closing(sqlite3.connect(instance / DATABASE, check_same_thread=False, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO settings VALUES ('of another program', '1')")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


@contextmanager
def full_disk(site: Site) -> Iterator[None]:
    """SQLite refuses to grow the file, with the error that a full disk gives."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1").close()

    database = site.database
    database.dispose()
    event.listen(database, "connect", limit)
    try:
        yield
    finally:
        event.remove(database, "connect", limit)
        database.dispose()


def test_a_request_waits_for_another_writer(alice: Person, instance: Path) -> None:
    conversation = alice.start()
    with writer(instance) as other:
        started = time.monotonic()
        end = threading.Timer(2, other.execute, ("COMMIT",))
        end.start()
        stream = alice.ask(conversation, "Bonjour").end()
        assert time.monotonic() - started > 1.9
        end.join()
    assert stream.data("done")["status"] == "done"
    assert alice.messages(conversation)[1]["content"] == stream.text()


def test_a_request_that_waits_for_another_writer_slows_no_other(
    alice: Person, bob: Person, ollama: FakeOllama, instance: Path
) -> None:
    ollama.script(Scenario.hold(1))
    running = bob.ask(bob.start(), "Avant")
    running.until("text")
    conversation = alice.start()
    alice.get("/api/status")
    with writer(instance) as other:
        asking = threading.Thread(target=alice.post, args=(conversation, "Bonjour"))
        asking.start()
        durations = []
        for _ in range(10):
            started = time.monotonic()
            assert bob.get("/api/status").json["running"] == 1
            following = bob.follow(running.message_id)
            following.until("text")
            durations.append(time.monotonic() - started)
            following.leave()
        assert asking.is_alive()
        # None waited for the writer; a busy machine may hold one of them up for a moment.
        assert max(durations) < tables.BUSY_TIMEOUT_MS / 1000 / 2
        assert statistics.median(durations) < 0.25
        other.execute("COMMIT")
    ollama.release()
    running.end()
    asking.join()


def test_a_writer_that_does_not_end_makes_a_refusal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, site: Site, alice: Person, instance: Path
) -> None:
    conversation = alice.start()
    monkeypatch.setattr(tables, "BUSY_TIMEOUT_MS", 100)
    site.database.dispose()
    with writer(instance):
        refused = alice.post(conversation, "Entre nous")
        assert problem(refused) == (503, "database_busy")
        assert "locked" in caplog.text
        assert "Entre nous" not in caplog.text
        assert "Retry-After" in refused.headers
        page = alice.submit("/preferences", {"theme": "dark"})
        assert (page.status_code, page.mimetype) == (503, "text/html")
        # Reading goes on meanwhile.
        assert alice.get(f"/c/{conversation}").status_code == 200
    assert alice.messages(conversation) == []
    assert alice.ask(conversation, "Bonjour").end().data("done")["status"] == "done"


def test_a_full_disk_makes_a_refusal_with_nothing_half_written(site: Site, alice: Person, ollama: FakeOllama) -> None:
    conversation = alice.start()
    long = "Une longue question. " * 2000
    with full_disk(site):
        refused = alice.post(conversation, long)
        assert problem(refused) == (503, "storage_full")
        assert "Retry-After" in refused.headers
        assert alice.get(f"/c/{conversation}").status_code == 200
    assert alice.messages(conversation) == []
    assert ollama.received("/api/chat") == []
    with site.rows() as rows:
        assert (rows.query(Message).count(), rows.query(Run).count()) == (0, 0)
        assert rows.get(Conversation, conversation).title == ""
    assert alice.ask(conversation, "Bonjour").end().data("done")["status"] == "done"


def stored(site: Site, message_id: int) -> tuple[str, str, str | None]:
    """State, text and error of an answer, once its run has ended in the database."""
    deadline = time.monotonic() + 5
    while True:
        with site.rows() as rows:
            run = rows.get(Run, message_id)
            if not run.active:
                return str(run.state), rows.get(Message, message_id).content, run.error_code
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be stored is tried again at once."""
    monkeypatch.setattr(run_ends, "STORE_RETRIES_S", (0.0,))
    monkeypatch.setattr(run_ends, "RETRY_EVERY_S", 0.02)


@pytest.mark.usefixtures("hurried")
def test_an_answer_that_finds_the_disk_full_is_stored_when_there_is_room(
    site: Site, alice: Person, ollama: FakeOllama
) -> None:
    long = "Une longue réponse. " * 5000
    ollama.script(replace(Scenario.one_token(long), fault=Fault.HOLD))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour")
    ollama.reached(Phase.PREFILL)
    with full_disk(site):
        ollama.release()
        done = stream.end().data("done")
        # A page that is opened now shows the same.
        assert alice.follow(stream.message_id).end().data("done") == done
        assert alice.stop(stream.message_id) == "running"
    assert stream.text() == long
    assert (done["status"], done["error"]["code"]) == ("failed", "storage_full")
    assert stored(site, stream.message_id) == ("done", long, None)
    assert alice.messages(conversation)[1]["status"] == "done"


@pytest.mark.usefixtures("hurried")
def test_an_answer_that_finds_the_database_locked_is_stored_once_it_is_free(
    monkeypatch: pytest.MonkeyPatch, site: Site, alice: Person, ollama: FakeOllama, instance: Path
) -> None:
    ollama.script(Scenario.hold(2))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour")
    stream.until("text")
    queued = alice.ask(alice.start(), "Plus tard")
    queued.until("queued")
    monkeypatch.setattr(tables, "BUSY_TIMEOUT_MS", 50)
    site.database.dispose()
    with writer(instance):
        assert alice.stop(queued.message_id) == "stopped"
        assert queued.end().data("done")["status"] == "stopped"
        ollama.release()
        error = stream.end().data("done")["error"]
        # Not the disk's: nobody needs to be told.
        assert error["code"] == "answer_kept"
        assert "base de données" in error["message"]
    assert stored(site, stream.message_id) == ("done", stream.text(), None)
    assert stored(site, queued.message_id) == ("stopped", "", None)


@pytest.mark.usefixtures("hurried")
def test_what_is_not_stored_yet_is_stored_when_the_server_stops(
    monkeypatch: pytest.MonkeyPatch, site: Site, alice: Person, ollama: FakeOllama
) -> None:
    monkeypatch.setattr(run_ends, "RETRY_EVERY_S", 3600.0)
    long = "Une longue réponse. " * 5000
    ollama.script(replace(Scenario.one_token(long), fault=Fault.HOLD))
    stream = alice.ask(alice.start(), "Bonjour")
    ollama.reached(Phase.PREFILL)
    with full_disk(site):
        ollama.release()
        stream.end()
    site.generation.stop()
    assert stored(site, stream.message_id) == ("done", long, None)


def test_stopping_a_queued_answer_needs_one_connection(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(pool=ONE).start(ollama).app)
    alice.register("alice")
    ollama.script(Scenario.hold(1))
    running = alice.ask(alice.start(), "Un")
    running.until("text")
    queued = alice.ask(alice.start(), "Deux")
    queued.until("queued")
    assert alice.stop(queued.message_id) == "stopped"
    ollama.release()
    running.end()


def test_a_pool_that_is_used_up_makes_a_refusal(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    site = make_site(pool=ONE | {"pool_timeout": 0}).start(ollama)
    alice = Person(site.app)
    alice.register("alice")
    with site.database.connect():
        assert problem(alice.get("/api/conversations")) == (503, "database_busy")
    assert alice.get("/api/conversations").status_code == 200


def test_followers_leave_the_only_connection_to_others(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    site = make_site(pool=ONE).start(ollama)
    alice = Person(site.app)
    alice.register("alice")
    ollama.script(Scenario.hold(1))
    asking = alice.ask(alice.start(), "Bonjour")
    asking.until("text")
    followers = [alice.follow(asking.message_id) for _ in range(2)]
    waiting = [threading.Thread(target=follower.end) for follower in followers]
    for thread in waiting:
        thread.start()
    assert alice.get("/").status_code == 200
    assert alice.get("/api/conversations").status_code == 200
    ollama.release()
    for thread in waiting:
        thread.join()
    assert all(follower.names[-1] == "done" for follower in followers)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_database_that_was_deleted_is_told(site: Site, alice: Person, instance: Path, is_replaced: bool) -> None:
    assert alice.get("/readyz").json == {"database": True, "engine": True}
    (instance / DATABASE).unlink()
    if is_replaced:
        (instance / DATABASE).touch()
    answer = alice.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"database": False, "engine": True})
    # Looking has not made another one, in which the first to come would be the administrator.
    assert (instance / DATABASE).exists() == is_replaced
