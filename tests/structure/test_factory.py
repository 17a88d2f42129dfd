"""The factory only puts things together: no network, no file, no thread, however often it is called."""

import socket
import threading
from pathlib import Path

import pytest

from app import create_app
from tests.support.site import Site


def test_making_the_application_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    threads = threading.enumerate()
    made = [
        Site(tmp_path / "nowhere", ENGINE=engine, OPENAI_BASE_URL="http://127.0.0.1:9")
        for engine in ("ollama", "openai", "embedded")
    ]
    again = [create_app(site.settings) for site in made]
    assert len({id(app) for app in again + [site.app for site in made]}) == 6
    assert list(tmp_path.iterdir()) == []
    assert threading.enumerate() == threads
