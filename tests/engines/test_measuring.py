"""What measuring needs of an engine: its version, its processes, a cold load, other threads and another context."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from app.engines import processes
from app.engines.base import Loading
from app.engines.ollama import Ollama
from app.engines.processes import processes_listening
from app.errors import AppError
from tests.engines.conftest import REAL, Subject
from tests.engines.listening import answer, question
from tests.fakes.ollama import FakeOllama
from tests.support.processes import wait_until

# Listens, has a child, says both and waits.
SERVER = """
import socket, subprocess, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(listener.getsockname()[1], child.pid, flush=True)
input()
"""


def loaded_anew(subject: Subject, **options: int) -> bool:
    events = answer(subject.engine, question(subject.model, max_tokens=2, **options))
    return any(isinstance(event, Loading) and event.loaded for event in events)


def test_the_version_is_told_where_there_is_one(subject: Subject) -> None:
    known = {"ollama": "0.33.0", "llama-server": "b10488-0", "other-vendor": ""}
    if subject.kind == REAL:
        assert subject.engine.version().startswith("20")
    else:
        assert subject.engine.version() == known[subject.kind]


def test_its_processes_are_found(subject: Subject) -> None:
    if subject.kind == REAL:
        assert subject.engine.pids() == (subject.engine.process,)
    else:
        # The stand-ins are part of the process that runs the tests.
        assert os.getpid() in subject.engine.pids()


def test_children_belong_to_it() -> None:
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port, child = map(int, server.stdout.readline().split())
        assert processes_listening(f"http://127.0.0.1:{port}/v1", ("nothing",)) == (server.pid, child)
        server.communicate("\n")
    assert processes_listening(f"http://127.0.0.1:{port}", ("nothing-of-that-name",)) == ()


def test_a_server_whose_socket_cannot_be_seen_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = psutil.Process().name()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        monkeypatch.setattr(processes, "FORWARDERS", (name,))
        assert os.getpid() in processes_listening(url, (name,))


def test_an_engine_elsewhere_has_no_processes_here() -> None:
    assert processes_listening("http://203.0.113.9:11434", (psutil.Process().name(),)) == ()


def test_a_model_that_was_unloaded_is_loaded_anew(subject: Subject) -> None:
    engine = subject.engine
    engine.warm(subject.model)
    if subject.kind in {"llama-server", "other-vendor"}:
        with pytest.raises(AppError) as refusal:
            engine.unload(subject.model)
        assert refusal.value.code == "engine_keeps_model"
        return
    before = engine.process
    engine.unload(subject.model)
    assert loaded_anew(subject)
    assert engine.loaded() == {subject.model}
    if subject.kind == REAL:
        assert engine.process != before
        wait_until(lambda: not psutil.pid_exists(before))


def test_a_measurement_may_have_its_own_threads_and_context() -> None:
    with FakeOllama() as ollama:
        engine = Ollama(ollama.url)
        subject = Subject("ollama", engine, "phi3:mini", ollama)
        assert engine.adjusts == {"threads", "context"}
        engine.warm("phi3:mini")
        assert not loaded_anew(subject)
        assert loaded_anew(subject, threads=3)
        assert not loaded_anew(subject, threads=3)
        # For everybody else it would be loaded again.
        assert engine.loaded() == frozenset()
        assert not loaded_anew(subject, threads=3)
        assert loaded_anew(subject, threads=3, context=8192)
        assert loaded_anew(subject)
        assert engine.loaded() == {"phi3:mini"}
        settings = [load.settings for load in ollama.loads]
        known = [(each["num_ctx"], each.get("num_thread", 0)) for each in settings]
        assert known == [(4096, 0), (4096, 3), (8192, 3), (4096, 0)]
        sent = [body["options"] for body in ollama.received("/api/chat")]
        assert (sent[-2]["num_ctx"], sent[-2]["num_thread"]) == (8192, 3)
        assert "num_thread" not in sent[-1]
