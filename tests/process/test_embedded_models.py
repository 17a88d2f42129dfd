"""A server with two GGUF files: people choose, one model at a time is in memory, and nothing else notices."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.engines.gguf_files import demonstration
from tests.support.processes import alive, wait_until
from tests.support.server import RemotePerson, ServerProcess

pytestmark = pytest.mark.slow

SETTINGS = {
    "ENGINE": "embedded", "CONTEXT_TOKENS": "1024", "MAX_OUTPUT_TOKENS": "8", "CACHE_RAM_MB": "0",
    "ENGINE_THREADS": "1",
}  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """The demonstration model under two names, where an instance keeps its own."""
    made = tmp_path / "instance"
    (made / "models").mkdir(parents=True)
    for name in ("grand", "petit"):
        (made / "models" / f"{name}.gguf").symlink_to(demonstration())
    return made


def loaded(instance: Path) -> str:
    """The model that the master has written down."""
    return str(json.loads((instance / "embedded.json").read_text())["options"]["model"])


def ready(server: ServerProcess) -> None:
    wait_until(lambda: server.answers("/readyz"), 30)


def models(person: RemotePerson) -> dict[str, bool]:
    """The models that the person can choose; whether each is loaded."""
    return {model["name"]: model["loaded"] for model in person.get("/api/models").json["models"]}


def while_it_is_ready(server: ServerProcess, act: Callable[[], None]) -> list[int]:
    """The answers of /readyz while something is done."""
    over, answers = threading.Event(), list[int]()

    def look() -> None:
        while not over.wait(0.05):
            answers.append(requests.get(f"{server.url}/readyz", timeout=5).status_code)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        act()
    finally:
        over.set()
        looking.join()
    return answers


def test_people_choose_between_the_files(instance: Path) -> None:
    with ServerProcess(instance, **SETTINGS) as server:
        ready(server)
        alice = RemotePerson(server, "alice")
        alice.register()
        assert list(models(alice)) == ["grand", "petit", "smollm2:135m"]
        shown = alice.get("/api/models").json
        assert (shown["effective"], shown["engine"]["demo"]) == ("grand", False)
        conversation = alice.start()

        def ask() -> None:
            events = alice.ask(conversation, "Bonjour ?", model="petit").end()
            told = [event.data for event in events.events if event.name == "loading"]
            assert (events.data("done")["status"], {each["model"] for each in told}) == ("done", {"petit"})
            assert told[-1]["loaded"]

        assert set(while_it_is_ready(server, ask)) == {200}
        assert loaded(instance) == "petit"
        wait_until(lambda: models(alice) == {"grand": False, "petit": True, "smollm2:135m": False})
        llama = server.llama
        os.kill(llama, signal.SIGKILL)
        wait_until(lambda: not alive(llama))
        assert alice.ask(conversation, "Encore ?").end().data("done")["error"] is None
        assert loaded(instance) == "petit"
        family = [server.pid, server.worker, server.llama]
        server.end(signal.SIGTERM)
        assert [pid for pid in family if alive(pid)] == []
    assert not (instance / "embedded.json").exists()
    assert "Traceback" not in server.output


def test_it_begins_with_the_default_model_that_was_chosen(instance: Path) -> None:
    with ServerProcess(instance, **SETTINGS) as server:
        assert loaded(instance) == "grand"
        ready(server)
        admin = RemotePerson(server, "admin")
        admin.register()
        assert admin.submit("/admin/models/default", {"name": "petit"}).status_code == 302
        # It is loaded for whoever asks next.
        wait_until(lambda: loaded(instance) == "petit")
        server.end(signal.SIGTERM)
        server.start()
        assert loaded(instance) == "petit"
        ready(server)
        assert admin.get("/api/models").json["effective"] == "petit"
