"""What commands take over from the server that runs on their folder, and when they do not."""

from pathlib import Path
from typing import Any

import pytest

import config
from app.instance import PUBLISHED, adopt_settings, publish_settings, server_lock, withdraw_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a command's shell."""
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    return config.load({"INSTANCE_DIR": str(tmp_path), "ENGINE": "auto"}, env_file=None)


def served(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a server on the same folder, which has published them."""
    server = settings | {"ENGINE": "ollama", "ENGINE_THREADS": 3, "OLLAMA_HOST": "http://127.0.0.1:1", "PORT": 8111}
    publish_settings(server)
    return server


def test_a_command_takes_the_engine_and_its_options(settings: dict[str, Any]) -> None:
    lock = server_lock(settings)
    assert lock.take()
    server = served(settings)
    assert adopt_settings(settings)
    lock.release()
    assert {name: settings[name] for name in PUBLISHED} == {name: server[name] for name in PUBLISHED}


@pytest.mark.parametrize("why", ["no server", "another engine", "a server that starts", "nothing published"])
def test_otherwise_it_keeps_its_own(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    lock = server_lock(settings)
    if why != "no server":
        assert lock.take()
    served(settings)
    if why == "another engine":
        settings["ENGINE"] = "openai"
    if why == "a server that starts":
        monkeypatch.delenv("FLASK_RUN_FROM_CLI")
    if why == "nothing published":
        withdraw_settings(settings)
    before = dict(settings)
    assert not adopt_settings(settings)
    assert settings == before
    lock.release()
