"""Starting and ending: what is made, what is said, and that nothing stays behind."""

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import alive, children, wait_until
from tests.support.server import RemotePerson, ServerProcess

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
