"""`flask doctor` and the page about the state of the server, beside a server that does not run."""

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result

from app.diagnostics import FindingState
from app.diagnostics.checkup import Subject, quick_findings, subject
from app.diagnostics.client import first_administrator, temporary_session
from app.diagnostics.history import last_records
from app.diagnostics.host import Host
from app.engines.supervisor import Endpoint, Options, announce
from app.extraction import reader
from app.models import Conversation, LabMachine, LabRun, LabSample, LoginSession, Message, User
from app.models.base import utcnow
from app.models.lab import SampleKind
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person
from tests.support.site import Site


@pytest.fixture
def closed_port() -> int:
    """Where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(make_site: Callable[..., Site], ollama: FakeOllama, closed_port: int) -> Site:
    """A site that cannot be reached over the network, in English."""
    return make_site(HOST="127.0.0.1", PORT=closed_port, DEFAULT_LOCALE="en").start(ollama)


@pytest.fixture
def alice(site: Site) -> Person:
    made = Person(site.app, "alice", **{"Accept-Language": "en"})
    assert made.register().status_code == 302
    return made


def run(site: Site, *words: str) -> Result:
    return site.app.test_cli_runner().invoke(args=["doctor", *words])


def count(site: Site, model: Any) -> int:
    with site.rows() as rows:
        return int(rows.query(model).count())


def compared(alice: Person) -> dict[str, Any]:
    """Start a comparison and wait for its end."""
    answer = alice.submit("/admin/doctor/comparison", {})
    assert (answer.status_code, answer.location) == (302, "/admin/doctor#comparison")
    for thread in threading.enumerate():
        if thread.name == "comparison":
            thread.join(10)
    found: dict[str, Any] = alice.get("/admin/doctor/comparison").json
    return found


def test_the_page_shows_what_is_known_at_once(alice: Person) -> None:
    assert 'href="/admin/doctor"' in alice.get("/admin/models").text
    page = alice.get("/admin/doctor").text
    for words in ("Ollama answers, phi3:mini is loaded.", "No answer was written yet.", "Compare now", "Calm"):
        assert words in page
    assert "The last answer" not in page.replace("The last 0 answers", "")
    alice.ask(alice.start(), "Bonjour").end()
    page = alice.get("/admin/doctor").text
    assert "None in the last answer." in page
    assert '<th scope="row">phi3:mini</th>' in page


def test_a_comparison_that_fails_says_why_and_leaves_nothing_behind(site: Site, alice: Person) -> None:
    assert alice.get("/admin/doctor/comparison").json["state"] == "idle"
    sessions = count(site, LoginSession)
    found = compared(alice)
    assert (found["state"], found["finding"]["state"], found["rows"]) == ("over", "bad", [])
    assert "make run" in found["finding"]["fix"]
    assert found["finding"]["sentence"] in found["html"].replace("&#39;", "'")
    assert "Compare again" in found["html"]
    assert found["finding"]["fix"] in alice.get("/admin/doctor").text
    assert (count(site, LoginSession), count(site, Conversation)) == (sessions, 0)


def test_the_beat_is_sent_like_an_answer(alice: Person) -> None:
    beat = alice.get("/admin/doctor/beat")
    answer = alice.post(alice.start(), "Bonjour")
    sent = [{name: value for name, value in each.headers if name != "Vary"} for each in (beat, answer)]
    assert sent[0] == sent[1]
    assert "".join(chunk.decode() for chunk in beat.response).count("event: beat") == 5
    answer.close()


def test_the_command_finds_that_no_server_runs(site: Site, closed_port: int) -> None:
    result = run(site)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("✗ Server ")
    assert f"http://127.0.0.1:{closed_port}" in lines[0]
    column = lines[0].index("No server")
    assert lines[1] == " " * column + "→ Start it: make run, or sudo systemctl start couachgpt"
    assert any(line.startswith("✓ Engine ") and line[column:].startswith("Ollama answers") for line in lines)
    assert any(line.startswith("? Proxy ") for line in lines)
    assert {line[0] for line in lines} <= {"✓", "!", "✗", "?", " "}
    assert run(site, "--quick").output.splitlines()[:2] == lines[:2]


def test_the_command_finds_that_the_engine_is_away(make_site: Callable[..., Site]) -> None:
    result = run(make_site(OLLAMA_HOST="127.0.0.1:9", DEFAULT_LOCALE="en"), "--quick")
    assert result.exit_code == 1
    assert "Ollama does not answer" in result.output
    assert "sudo systemctl start ollama" in result.output


def test_the_command_finds_a_database_without_tables(tmp_path: Any, closed_port: int) -> None:
    site = Site(tmp_path, PORT=closed_port, DEFAULT_LOCALE="en", OLLAMA_HOST="127.0.0.1:9")
    result = run(site)
    site.stop()
    assert (result.exit_code, "✗ Database" in result.output, "no such table" in result.output) == (1, True, True)


def test_an_engine_elsewhere_cannot_be_looked_at(make_site: Callable[..., Site]) -> None:
    site = make_site(ENGINE="openai", OPENAI_BASE_URL="http://192.0.2.1:8080", DEFAULT_LOCALE="en")
    with site.app.app_context():
        found = {
            finding.code: finding.state for finding in quick_findings(site.app.config, site.generation.registry, [])
        }
    assert found["elsewhere"] == FindingState.UNKNOWN
    assert not found.keys() & {"threads", "swap", "memory"}


def test_what_files_take_is_told_or_how_to_add_what_reads_them(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.document("treuil.txt", b"Le bateau")
    alice.document("notice.txt", b"Le moteur" * 1000)
    assert "2 files, 9" in alice.get("/admin/doctor").text
    monkeypatch.setattr(reader, "PACKAGES", ("no_such_package",))
    assert "make setup DOCUMENTS=1" in alice.get("/admin/doctor").text


def test_the_embedded_engine_is_found_by_what_the_master_wrote(make_site: Callable[..., Site]) -> None:
    site = make_site(ENGINE="embedded", ENGINE_THREADS=3)
    settings, engine = site.app.config, site.generation.engine
    assert subject(Host(), engine, settings) == Subject("llama.cpp", 3)
    endpoint = Endpoint("http://127.0.0.1:9", "", os.getpid(), Options(), Options(), ())
    announce(settings["INSTANCE_DIR"], endpoint)
    assert subject(Host(), engine, settings).pid == os.getpid()
    announce(settings["INSTANCE_DIR"], replace(endpoint, pid=2**22 + 1))
    assert subject(Host(), engine, settings).pids == ()


def test_the_last_answers_know_what_came_before_them(site: Site, alice: Person) -> None:
    conversation = alice.start()
    first = alice.ask(conversation, "Un").end().message_id
    second = alice.ask(conversation, "Deux").end().message_id
    again = alice.regenerate(second).end().message_id
    with site.app.app_context():
        records = last_records()
    assert [(record.answer, record.before) for record in records] == [(first, None), (second, first), (again, first)]
    assert all(record.metrics["prompt_tokens"] and record.model == "phi3:mini" for record in records)


def test_what_a_killed_comparison_left_is_cleared_away_later(site: Site, alice: Person) -> None:
    kept = alice.start()
    with site.rows() as rows:
        owner = rows.query(User).one().id
        for name, age in (("doctor-old", timedelta(hours=1)), ("doctor-new", timedelta(minutes=1))):
            rows.add(Conversation(id=name, user_id=owner, created_at=utcnow() - age))
            rows.add(Message(conversation_id=name, role="user", content="?"))
        rows.commit()
        assert first_administrator() == owner
        with temporary_session(site.app, owner, "http://127.0.0.1:9") as visitor:
            made = visitor.new_conversation()
            assert rows.query(LoginSession).count() == 2
            assert {each.id for each in rows.query(Conversation)} == {kept, "doctor-new", made}
        assert {each.id for each in rows.query(Conversation)} == {kept, "doctor-new"}
        assert rows.query(LoginSession).count() == rows.query(Message).count() == 1


def test_what_the_labo_took_between_two_answers_is_known(site: Site, alice: Person) -> None:
    def sample() -> None:
        with site.rows() as rows:
            machine = LabMachine(fingerprint=str(time.monotonic_ns()), name="here")
            sample = LabSample(position=1, kind=SampleKind.LOAD, model="mistral", prompt="cold", started_at=utcnow())
            rows.add(LabRun(machine=machine, samples=[sample]))
            rows.commit()

    conversation = alice.start()
    sample()
    for question, measured in (("Un", False), ("Deux", True), ("Trois", False)):
        if measured:
            sample()
        alice.ask(conversation, question).end()
    with site.app.app_context():
        assert [record.measured for record in last_records()] == [False, True, False]


def test_without_an_administrator_nobody_can_ask(site: Site) -> None:
    with site.app.app_context():
        assert first_administrator() is None
