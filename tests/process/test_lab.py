"""Measuring for real: the embedded engine end to end, a killed worker, a disk without room."""

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import pytest

from config import SETTINGS
from tests.fakes.ollama import FakeOllama
from tests.support.processes import wait_until
from tests.support.server import ROOT, RemotePerson, ServerProcess
from tests.support.site import DATABASE

pytestmark = pytest.mark.slow

# What a small model does soon on any machine.
SMALL = ("--kinds", "load,reading,task", "--prompts", "calc-vat", "--lengths", "100", "--repeat", "1")
EMBEDDED = {"ENGINE": "embedded", "CONTEXT_TOKENS": "512", "MAX_OUTPUT_TOKENS": "16", "CACHE_RAM_MB": "0"}
PATIENCE_S = 240
# What is known of the samples that were taken, in the order of taking.
TAKEN = """SELECT id, position, finished_at, answer FROM lab_samples
           WHERE run_id = 4 AND state = 'done' ORDER BY finished_at"""


class Command:
    """`flask labo …` as a process of its own; what a failed test leaves of it is ended."""

    def __init__(self, instance: Path, *words: str, **settings: str) -> None:
        environ = {setting.name: "" for setting in SETTINGS} | {"INSTANCE_DIR": str(instance)} | settings
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("flask"), "--app", "wsgi", "labo", *words],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def said(self) -> str:
        """What it printed, once it has ended well."""
        output, _ = self._process.communicate(timeout=PATIENCE_S)
        assert self._process.returncode == 0, output
        return output


def rows(instance: Path, query: str) -> list[Any]:
    """A look at the database from outside; nothing while it is not there."""
    if not (instance / DATABASE).exists():
        return []
    with closing(sqlite3.connect(instance / DATABASE)) as database:
        return database.execute(query).fetchall()


def states(instance: Path) -> list[str]:
    found = rows(instance, "SELECT state FROM lab_samples WHERE run_id = 4 ORDER BY position, attempt")
    return [state for (state,) in found]


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
def following(server: ServerProcess, ollama: FakeOllama) -> Iterator[Command]:
    """A command that follows a run of the server's, some of whose samples are taken and most of which wait."""
    words = ("--models", "phi3:mini", "--kinds", "task", "--prompts", "calc-vat", "--repeat", "10")
    with Command(server.instance, "run", *words, ENGINE="ollama", OLLAMA_HOST=ollama.url) as running:
        wait_until(lambda: states(server.instance).count("done") >= 2, 60)
        assert "waiting" in states(server.instance)
        yield running


def test_one_command_on_a_clean_machine_measures_a_real_model_and_writes_its_report(tmp_path: Path) -> None:
    instance, report = tmp_path / "instance", tmp_path / "report.html"
    words = ("run", *SMALL, "--max-tokens", "12", "--report", str(report))
    with Command(instance, *words, **EMBEDDED) as measuring:
        output = measuring.said()
    assert "smollm2:135m" in output
    assert "smollm2:135m" in report.read_text()
    (reading,) = rows(
        instance, "SELECT metrics FROM lab_samples WHERE kind = 'reading' AND NOT warmup AND NOT disturbed LIMIT 1"
    ) or rows(instance, "SELECT metrics FROM lab_samples WHERE kind = 'reading' AND NOT warmup LIMIT 1")
    for name in ("prefill_tps", "ram_engine_peak", "cpu_engine_mean", "energy_j"):
        found = re.search(rf'"{name}": ([\d.]+)', reading[0])
        assert found, name
        assert float(found[1]) > 0
    loads = rows(instance, "SELECT prompt, metrics FROM lab_samples WHERE kind = 'load'")
    assert {prompt for prompt, _ in loads} == {"cold", "warm"}
    assert all(float(found[1]) > 0 for _, told in loads if (found := re.search(r'"load_ms": ([\d.]+)', told)))
    assert set(states(instance)) == {"done"}
    # Nothing of the engine that was started for it is left.
    assert not (instance / "embedded.json").exists()


def test_a_run_survives_a_killed_worker_and_a_command_hears_of_its_end(
    server: ServerProcess, following: Command
) -> None:
    taken = rows(server.instance, TAKEN)
    server.kill_worker()
    assert "phi3:mini" in following.said()
    assert rows(server.instance, "SELECT state FROM lab_runs WHERE id = 4") == [("done",)]
    assert set(states(server.instance)) == {"done"}
    # Nothing that was taken was lost, or taken again.
    assert rows(server.instance, TAKEN)[: len(taken)] == taken


def test_a_full_disk_is_waited_for_and_nothing_is_lost(server: ServerProcess, following: Command) -> None:
    alice = RemotePerson(server, "alice")
    assert alice.register().status_code == 302
    worker = server.worker
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, before[1]))
    wait_until(lambda: alice.get("/lab/runs/4/progress").json["paused"] == "storage", 30)
    assert "waiting" in states(server.instance)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
    assert "phi3:mini" in following.said()
    assert set(states(server.instance)) == {"done"}
    assert server.worker == worker


def test_a_server_that_ends_lets_go_of_the_sample_and_the_command_goes_on(
    server: ServerProcess, following: Command
) -> None:
    assert server.end(signal.SIGTERM) == 0
    assert "waiting" in states(server.instance)
    assert "phi3:mini" in following.said()
    assert set(states(server.instance)) == {"done"}
