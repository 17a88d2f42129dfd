"""Starting and ending: what is made, what is said, and that nothing stays behind."""

import os
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import alive, children, wait_until
from tests.support.server import RemotePerson, ServerProcess, refused
from tests.support.site import DATABASE

EMBEDDED = {"ENGINE": "embedded", "CONTEXT_TOKENS": "1024", "MAX_OUTPUT_TOKENS": "12", "CACHE_RAM_MB": "0",
            "ENGINE_THREADS": "1"}  # fmt: skip


def ready(server: ServerProcess) -> None:
    """Wait until the engine can be used."""
    wait_until(lambda: server.answers("/readyz"), 30)


@pytest.mark.slow
def test_the_embedded_engine_answers_comes_back_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with ServerProcess(instance, **EMBEDDED) as server:
        assert stat.S_IMODE((instance / "secret_key").stat().st_mode) == 0o600
        ready(server)
        alice = RemotePerson(server, "alice")
        assert alice.register().status_code == 302
        conversation = alice.start()
        first = alice.ask(conversation, "Bonjour, comment vas-tu ?").end()
        assert first.data("done")["status"] == "done"
        assert first.text() == alice.messages(conversation)[1]["content"] != ""
        llama = server.llama
        os.kill(llama, signal.SIGKILL)
        wait_until(lambda: not alive(llama))
        second = alice.ask(conversation, "Encore une fois ?").end()
        assert second.data("done")["error"] is None
        assert server.llama != llama
        family = [server.pid, server.worker, server.llama]
        server.end(signal.SIGINT, group=True)
        assert [pid for pid in family if alive(pid)] == []
    for words in ("embedded", f":{server.port}/", str(instance)):
        assert words in server.output
    assert "Traceback" not in server.output
    key = (instance / "secret_key").read_text()

    with ServerProcess(instance, **EMBEDDED) as again:
        assert (instance / "secret_key").read_text() == key
        assert RemotePerson(again, "alice").sign_in().status_code == 302
        family = [again.pid, again.worker, again.llama]
        assert again.end(signal.SIGTERM) == 0
        assert [pid for pid in family if alive(pid)] == []


def test_a_master_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "instance", **EMBEDDED) as server:
        family = [server.worker, server.llama]
        server.end(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in family), 15)


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_ending_in_mid_answer_keeps_all_of_its_text(tmp_path: Path, signum: int) -> None:
    with FakeOllama(tokens_per_second=100) as ollama:
        settings = {"ENGINE": "ollama", "OLLAMA_HOST": ollama.url}
        with ServerProcess(tmp_path / "instance", **settings) as server:
            alice = RemotePerson(server, "alice")
            alice.register()
            conversation = alice.start()
            ollama.script(Scenario.endless())
            stream = alice.ask(conversation, "Bonjour")
            stream.until("text")
            family = [server.pid, *children(server.pid)]
            stream.leave()
            server.end(signum, group=signum == signal.SIGINT)
            assert [pid for pid in family if alive(pid)] == []
            server.start()
            _, answer = alice.messages(conversation)
            assert answer["status"] == "interrupted"
            assert answer["content"].startswith(stream.text())


def test_a_second_worker_process_is_refused_in_a_sentence(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "instance", ENGINE="ollama", WEB_CONCURRENCY="2")
    process = server.launch()
    try:
        assert process.wait(20) != 0
    except subprocess.TimeoutExpired:
        server.end(signal.SIGTERM)
        raise
    assert "one worker process" in server.output
    assert "Traceback" not in server.output


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "instance", ENGINE="chatgpt")
    assert server.launch().wait(20) != 0
    assert "ENGINE='chatgpt' is not valid, expected: auto | ollama | openai | embedded" in server.output


@pytest.fixture
def server(instance: Path, ollama: FakeOllama) -> Iterator[ServerProcess]:
    """A server whose engine is the stand-in."""
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as running:
        yield running


def test_a_second_server_on_a_folder_is_refused_and_the_first_does_not_notice(
    server: ServerProcess, ollama: FakeOllama, tmp_path: Path
) -> None:
    alice = RemotePerson(server, "alice")
    alice.register()
    conversation = alice.start()
    ollama.script(Scenario.hold(after=3))
    stream = alice.ask(conversation, "Bonjour")
    stream.until("text")
    second = ServerProcess(server.instance, ENGINE="ollama", OLLAMA_HOST=ollama.url)
    second.log = tmp_path / "second.log"
    assert refused(second) == (
        f"CouachGPT: a server already runs on the folder {server.instance}. "
        "Stop it first, or give this one an INSTANCE_DIR and a PORT of its own."
    )
    assert alice.messages(conversation)[1]["status"] == "running"
    ollama.release()
    assert stream.end().data("done")["status"] == "done"


def test_a_port_that_is_in_use_is_said_in_one_line_and_nothing_is_started(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "instance", **EMBEDDED)
    with socket.create_server(("127.0.0.1", server.port)):
        said = refused(server)
    assert said == (
        f"CouachGPT: cannot listen on 127.0.0.1, port {server.port}: Address already in use. "
        "Another program uses it: choose another one with PORT=…"
    )
    assert not (server.instance / DATABASE).exists()
    assert not (server.instance / "embedded.json").exists()


def test_after_a_stop_the_database_is_one_file(server: ServerProcess) -> None:
    alice = RemotePerson(server, "alice")
    alice.register()
    alice.ask(alice.start(), "Bonjour").end()
    assert server.end(signal.SIGTERM) == 0
    assert [path.name for path in server.instance.glob(f"{DATABASE}*")] == [DATABASE]
    with closing(sqlite3.connect(server.instance / DATABASE)) as rows:
        assert rows.execute("SELECT count(*) FROM messages").fetchone() == (2,)
