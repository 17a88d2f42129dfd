"""A model that the administrator sends to a server with the real engine; what is cut or killed leaves nothing."""

import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.engines.gguf_files import content, demonstration
from tests.support.processes import alive, wait_until
from tests.support.server import RemotePerson, ServerProcess

SETTINGS = {
    "ENGINE": "embedded", "CONTEXT_TOKENS": "1024", "MAX_OUTPUT_TOKENS": "8", "CACHE_RAM_MB": "0",
    "ENGINE_THREADS": "1",
}  # fmt: skip
DEMO = "smollm2:135m"


def send(admin: RemotePerson, name: str, body: Any) -> Any:
    headers = {"X-CSRFToken": admin.token, "Accept": "application/json", "Content-Type": "application/octet-stream"}
    return admin.send("POST", f"/admin/models/files?name={name}", data=body, headers=headers)


def end_of_import(admin: RemotePerson) -> dict[str, Any]:
    """How the import that goes on has ended."""
    wait_until(lambda: not admin.get("/admin/models/files").json["active"], 60)
    found: dict[str, Any] = admin.get("/admin/models/files").json
    return found


def files(instance: Path) -> list[str]:
    return sorted(path.name for path in (instance / "models").glob("*"))


@pytest.mark.slow
def test_a_sent_model_answers_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with ServerProcess(instance, **SETTINGS) as server:
        admin = RemotePerson(server, "admin")
        admin.register()
        wait_until(lambda: server.answers("/readyz"), 30)
        assert admin.get("/api/models").json["engine"]["demo"]
        with demonstration().open("rb") as file:
            assert send(admin, "vrai.gguf", file).status_code == 202
        assert end_of_import(admin)["phase"] == "ready"
        shown = admin.get("/api/models").json
        assert (shown["default"], shown["effective"], shown["engine"]["demo"]) == ("vrai", "vrai", False)
        assert {model["name"]: model["loaded"] for model in shown["models"]} == {"vrai": True, DEMO: False}
        assert admin.ask(admin.start(), "Bonjour ?").end().data("done")["error"] is None

        unknown = content({"general.architecture": "inconnue", "tokenizer.chat_template": "{{ messages }}"})
        assert send(admin, "neuf.gguf", unknown).status_code == 202
        told = end_of_import(admin)
        assert (told["phase"], told["code"]) == ("failed", "model_not_loaded")
        assert "neuf" in told["sentence"]
        assert files(instance) == ["vrai.gguf"]
        assert admin.get("/api/models").json["effective"] == "vrai"
        assert admin.ask(admin.start(), "Encore ?").end().data("done")["error"] is None
    assert "Traceback" not in server.output


def begun(server: ServerProcess, admin: RemotePerson) -> socket.socket:
    """A connection over which half of the demonstration model was sent."""
    whole, token = demonstration().read_bytes(), admin.token
    cookies = "; ".join(f"{name}={value}" for name, value in admin.client._session.cookies.items())
    head = (
        f"POST /admin/models/files?name=moitie.gguf HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Cookie: {cookies}\r\nX-CSRFToken: {token}\r\nAccept: application/json\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(whole)}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    client.sendall(head.encode() + whole[: len(whole) // 2])
    wait_until(lambda: files(server.instance) == ["moitie.gguf.part"])
    return client


@pytest.mark.slow
def test_what_is_cut_or_killed_leaves_nothing(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with ServerProcess(instance, **SETTINGS) as server:
        admin = RemotePerson(server, "admin")
        admin.register()
        begun(server, admin).close()
        wait_until(lambda: files(instance) == [])
        with begun(server, admin):
            family = [server.worker, server.llama]
            server.end(signal.SIGKILL, group=True)
            wait_until(lambda: not any(alive(pid) for pid in family), 30)
        assert files(instance) == ["moitie.gguf.part"]
        server.start()
        assert files(instance) == []
        # A worker whose master alone was killed ends at once, and takes it away itself.
        admin.sign_in()
        with begun(server, admin):
            worker = server.worker
            server.end(signal.SIGKILL)
            wait_until(lambda: not alive(worker))
        assert files(instance) == []
        server.start()
        # Also when the worker alone dies, and another one takes its place.
        admin.sign_in()
        with begun(server, admin):
            server.kill_worker()
        assert files(instance) == []
        admin.sign_in()
        with demonstration().open("rb") as file:
            assert send(admin, "vrai.gguf", file).status_code == 202
        assert end_of_import(admin)["phase"] == "ready"
        assert files(instance) == ["vrai.gguf"]
