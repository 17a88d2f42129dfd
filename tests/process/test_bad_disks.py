"""Starts with a full disk, a locked, damaged or lost database: the site comes up, or says in one line what helps."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until
from tests.support.server import RemotePerson, ServerProcess, refused
from tests.support.site import DATABASE, furnished


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 6 MB, where this process may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", place], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk to its last byte; the file to delete."""
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(filler, bytes(4096))
    os.close(filler)
    assert shutil.disk_usage(folder).free == 0
    return folder / "filler"


def interrupted(server: ServerProcess, ollama: FakeOllama) -> tuple[RemotePerson, str]:
    """A person and a conversation whose answer a killed server has left running."""
    alice = RemotePerson(server, "alice")
    alice.register()
    conversation = alice.start()
    ollama.script(Scenario.hold(after=3))
    alice.ask(conversation, "Bonjour").until("text")
    server.end(signal.SIGKILL, group=True)
    ollama.release()
    return alice, conversation


@pytest.mark.slow
def test_with_a_full_disk_the_site_can_be_read_and_goes_on_when_there_is_room(
    small_disk: Path, empty_database: Path, ollama: FakeOllama
) -> None:
    instance = furnished(small_disk / "instance", empty_database)
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        alice, conversation = interrupted(server, ollama)
        # The reserve goes at the start; what it leaves is filled too.
        filler = fill(small_disk)
        server.start()
        more = fill(instance)
        assert alice.messages(conversation)[0]["content"] == "Bonjour"
        assert alice.get(f"/c/{conversation}").status_code == 200
        refused = alice.post(conversation, "Encore")
        assert (refused.status_code, refused.json["code"]) == (503, "storage_full")
        filler.unlink()
        more.unlink()
        wait_until(lambda: alice.messages(conversation)[1]["status"] == "interrupted", 15)
        assert alice.ask(conversation, "Encore").end().data("done")["status"] == "done"


@pytest.mark.slow
def test_a_database_that_is_locked_does_not_hold_up_the_start(
    tmp_path: Path, empty_database: Path, ollama: FakeOllama
) -> None:
    instance = furnished(tmp_path / "instance", empty_database)
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        alice, conversation = interrupted(server, ollama)
        with closing(sqlite3.connect(instance / DATABASE)) as other:
            other.execute("BEGIN IMMEDIATE")
            server.start()
            assert alice.messages(conversation)[0]["content"] == "Bonjour"
        wait_until(lambda: alice.messages(conversation)[1]["status"] == "interrupted", 15)


def broken(path: Path) -> None:
    """Overwrite the middle of a file."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"x" * 8000)


DAMAGES = {
    "no database": lambda path: path.write_bytes(b"something else, " * 1000),
    "broken": broken,
    "cut": lambda path: os.truncate(path, 5000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_named_with_what_helps(tmp_path: Path, empty_database: Path, damage: str) -> None:
    instance = furnished(tmp_path / "instance", empty_database)
    DAMAGES[damage](instance / DATABASE)
    said = refused(ServerProcess(instance, ENGINE="ollama"))
    assert said.startswith(f"CouachGPT: sqlite:///{instance / DATABASE} cannot be used: ")
    assert said.endswith("It is damaged: put a copy back (flask backup restore FILE, or one of before-migration/).")


@pytest.mark.slow
@pytest.mark.parametrize("loss", [Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_lost_database_is_not_replaced_by_a_new_one(
    tmp_path: Path, ollama: FakeOllama, loss: Callable[[Path], object]
) -> None:
    instance = tmp_path / "instance"
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        server.end(signal.SIGTERM)
        loss(instance / DATABASE)
        server.log.unlink()
        assert f"{instance / DATABASE} is missing or empty, although this folder was in use." in refused(server)
        (instance / "secret_key").unlink()
        server.start()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_a_first_start_that_is_killed_can_be_followed_by_another(tmp_path: Path, seconds: float) -> None:
    server = ServerProcess(tmp_path / "instance", ENGINE="ollama")
    server.launch()
    time.sleep(seconds)
    server.end(signal.SIGKILL, group=True)
    with server:
        assert server.answers("/login")
