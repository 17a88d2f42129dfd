"""A GGUF file from the administrator's page: taken whole and checked, or refused with its reason, without a trace."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.engines import model_files
from app.models import StoredSetting
from tests.engines.gguf_files import content
from tests.fakes.ollama import FakeOllama
from tests.functional.test_commands import runner
from tests.support.person import Person, problem
from tests.support.processes import wait_until
from tests.support.site import Site

LLAMA = {
    "general.architecture": "llama", "llama.block_count": 2, "llama.context_length": 512, "llama.embedding_length": 64,
    "llama.attention.head_count": 4, "tokenizer.chat_template": "{{ messages }}",
}  # fmt: skip
WHOLE = content(LLAMA)
TYPE = "application/octet-stream"


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Iterator[Site]:
    """A site with the embedded engine, which does not run; at the end what was sent is installed."""
    made = make_site(ENGINE="embedded", OLLAMA_HOST="127.0.0.1:9")
    made.generation.registry.refresh()
    yield made
    importing = made.app.extensions["model_import"]
    wait_until(lambda: importing.state is None or not importing.state.active)


@pytest.fixture
def models(instance: Path) -> Path:
    """The folder of the instance's own models, with one in it."""
    (instance / "models").mkdir()
    (instance / "models" / "ancien.gguf").write_bytes(WHOLE)
    return instance / "models"


def check(person: Person, name: str, size: int = len(WHOLE), beginning: bytes = WHOLE[:16]) -> TestResponse:
    """Ask whether a file would be taken."""
    headers = {"X-CSRFToken": person.token, "Accept": "application/json"}
    query = {"name": name, "size": str(size)}
    path = "/admin/models/files/check"
    return person.send("POST", path, query_string=query, data=beginning, content_type=TYPE, headers=headers)


def send(person: Person, name: str, body: Any = WHOLE, length: int | None = None, kind: str = TYPE) -> TestResponse:
    """Send a file as a browser does; `length`: the bytes that it announces, by default as many as there are."""
    if isinstance(body, bytes):
        length, body = len(body) if length is None else length, io.BytesIO(body)
    wire = {"wsgi.input": body, "CONTENT_LENGTH": str(length), "CONTENT_TYPE": kind}
    headers = {"X-CSRFToken": person.token, "Accept": "application/json"}
    path = "/admin/models/files"
    return person.send("POST", path, query_string={"name": name}, headers=headers, environ_overrides=wire)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_a_file_is_taken_and_becomes_the_default_model(site: Site, alice: Person, models: Path) -> None:
    assert check(alice, "petit.gguf").status_code == 204
    answer = send(alice, "petit.gguf")
    assert (answer.status_code, answer.json["model"]) == (202, "petit")
    assert files(models) == ["ancien.gguf", "petit.gguf"]
    assert (models / "petit.gguf").read_bytes() == WHOLE
    wait_until(lambda: not alice.get("/admin/models/files").json["active"])
    told = alice.get("/admin/models/files").json
    # No engine runs here that could load it.
    assert (told["phase"], told["done"], told["size"]) == ("waiting", len(WHOLE), len(WHOLE))
    assert told["sentence"] in alice.get("/admin/models").text
    with site.rows():
        assert StoredSetting.get("default_model") == "petit"


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("photo.jpg", WHOLE, "model_name"),
        (".gguf", WHOLE, "model_name"),
        (".cache.gguf", WHOLE, "model_name"),
        ("../petit.gguf", WHOLE, "model_name"),
        ("..\\petit.gguf", WHOLE, "model_name"),
        ("pe\ntit.gguf", WHOLE, "model_name"),
        ("é" * 101 + ".gguf", WHOLE, "model_name"),
        ("ancien.gguf", WHOLE, "model_exists"),
        ("ancien.GGUF", WHOLE, "model_exists"),
        ("smollm2:135m.gguf", WHOLE, "model_exists"),
        ("grand-00001-of-00003.gguf", WHOLE, "model_part"),
        ("petit.gguf", b"", "model_not_gguf"),
        ("petit.gguf", b"PK\x03\x04" + bytes(100), "model_not_gguf"),
        ("petit.gguf", WHOLE[:40], "model_damaged"),
        ("petit.gguf", b"GGUF" + bytes(100), "model_damaged"),
        ("petit.gguf", WHOLE[:-1], "model_cut"),
        ("petit.gguf", content({"general.architecture": "clip"}), "model_kind"),
        ("petit.gguf", content(LLAMA | {"general.type": "adapter"}), "model_kind"),
        ("petit.gguf", content(LLAMA | {"llama.pooling_type": 1}), "model_kind"),
    ],
    ids=lambda value: value[:20].strip() if isinstance(value, str) else str(len(value)),
)
def test_a_bad_file_is_refused_and_leaves_nothing(
    alice: Person, models: Path, name: str, body: bytes, code: str
) -> None:
    assert problem(send(alice, name, body))[1] == code
    assert files(models) == ["ancien.gguf"]
    assert alice.get("/admin/models/files").json["phase"] == "none"
    # What can be known before is said before.
    if code in ("model_name", "model_exists", "model_part", "model_not_gguf"):
        assert problem(check(alice, name, len(body), body[:16]))[1] == code
    # Nothing stands in the way of a good one.
    assert send(alice, "petit.gguf").status_code == 202


def test_a_file_too_large_for_the_disk_is_refused(alice: Person, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "SPARE_DISK", 10**18)
    for answer in (check(alice, "petit.gguf"), send(alice, "petit.gguf")):
        assert problem(answer) == (422, "model_needs_disk")
        assert "disque" in answer.json["detail"]
    assert files(models) == ["ancien.gguf"]


def test_a_file_too_large_for_the_memory_is_refused(site: Site, alice: Person, models: Path) -> None:
    importing = site.app.extensions["model_import"]
    importing.files.memory = len(WHOLE) - 1
    for answer in (check(alice, "petit.gguf"), send(alice, "petit.gguf")):
        assert problem(answer) == (422, "model_needs_memory")
    # The conversation's keys and values count too, of which only the header tells.
    importing.files.memory = len(WHOLE) + 1
    assert check(alice, "petit.gguf").status_code == 204
    assert problem(send(alice, "petit.gguf")) == (422, "model_needs_memory")
    assert files(models) == ["ancien.gguf"]


def test_a_disk_that_fills_up_meanwhile_is_told(alice: Person, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_files.os, "fsync", full)
    assert problem(send(alice, "petit.gguf")) == (503, "storage_full")
    assert files(models) == ["ancien.gguf"]


def test_a_connection_that_breaks_leaves_nothing(alice: Person, models: Path) -> None:
    answer = send(alice, "petit.gguf", WHOLE[:-9], len(WHOLE))
    assert problem(answer) == (400, "model_incomplete")
    assert files(models) == ["ancien.gguf"]
    assert send(alice, "petit.gguf").status_code == 202


class HeldBody:
    """A body whose second half comes when `more` is set."""

    def __init__(self) -> None:
        self.begun, self.more = threading.Event(), threading.Event()
        self._parts = [WHOLE[:100], WHOLE[100:]]

    def read(self, _size: int = -1) -> bytes:
        if len(self._parts) == 1:
            self.begun.set()
            assert self.more.wait(10)
        return self._parts.pop(0) if self._parts else b""


@pytest.fixture
def held(site: Site, alice: Person) -> Iterator[HeldBody]:
    """A file of Alice's that is on its way."""
    body, other = HeldBody(), Person(site.app, "alice")
    other.sign_in()
    sending = threading.Thread(target=send, args=(other, "premier.gguf", body, len(WHOLE)))
    sending.start()
    assert body.begun.wait(10)
    yield body
    body.more.set()
    sending.join(10)


def test_one_at_a_time_and_without_a_connection_of_the_database(
    site: Site, alice: Person, models: Path, held: HeldBody
) -> None:
    assert site.database.pool.checkedout() == 0
    assert files(models) == ["ancien.gguf", "premier.gguf.part"]
    told = alice.get("/admin/models/files").json
    assert (told["phase"], told["model"], told["done"], told["size"]) == (
        "receiving", "premier.gguf", 100, len(WHOLE),
    )  # fmt: skip
    for answer in (check(alice, "petit.gguf"), send(alice, "petit.gguf")):
        assert problem(answer) == (409, "model_import_busy")
    refused = runner(site)("models", "import", str(models / "ancien.gguf"))
    assert "model_import_busy" in refused.output
    held.more.set()
    wait_until(lambda: files(models) == ["ancien.gguf", "premier.gguf"])


def test_what_a_killed_server_left_is_deleted(site: Site, models: Path) -> None:
    left = models / "perdu.gguf.part"
    left.write_bytes(WHOLE[:99])
    site.app.extensions["model_import"].files.delete_unfinished()
    assert files(models) == ["ancien.gguf"]


def test_a_start_deletes_nothing_that_is_on_its_way(site: Site, models: Path, held: HeldBody) -> None:
    site.app.extensions["model_import"].files.delete_unfinished()
    assert files(models) == ["ancien.gguf", "premier.gguf.part"]


def test_only_the_administrator_does(site: Site, alice: Person, bob: Person, models: Path) -> None:
    body = HeldBody()
    assert problem(send(bob, "petit.gguf", body, 10**12)) == (403, "forbidden")
    assert send(Person(site.app), "petit.gguf", body, 10**12).location == "/login"
    assert problem(check(bob, "petit.gguf")) == (403, "forbidden")
    assert problem(bob.get("/admin/models/files", headers={"Accept": "application/json"})) == (403, "forbidden")
    # Not a byte of it was read.
    assert not body.begun.is_set()
    assert files(models) == ["ancien.gguf"]


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"])
def test_the_address_takes_no_other_bodies(alice: Person, models: Path, kind: str) -> None:
    answer = send(alice, "petit.gguf", b"--x\r\n" + WHOLE, 10**12, kind)
    assert answer.status_code in (400, 413)
    assert files(models) == ["ancien.gguf"]


@pytest.mark.parametrize("size", ["", "x", "-1", "1" * 30, "²"])
def test_a_size_that_is_no_number_is_refused(alice: Person, size: str) -> None:
    query = {"name": "petit.gguf", "size": size}
    headers = {"X-CSRFToken": alice.token, "Accept": "application/json"}
    answer = alice.send("POST", "/admin/models/files/check", query_string=query, headers=headers)
    assert problem(answer) == (422, "invalid_field")


def test_another_engine_takes_no_files(make_site: Callable[..., Site], instance: Path) -> None:
    alice = Person(make_site().app, "alice")
    alice.register()
    assert problem(check(alice, "petit.gguf")) == (409, "models_elsewhere")
    assert problem(send(alice, "petit.gguf")) == (409, "models_elsewhere")
    assert not (instance / "models").exists()
    assert "flask models import" not in alice.get("/admin/models").text


def test_the_command_does_the_same(site: Site, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "petit.gguf"
    file.write_bytes(WHOLE)
    done = runner(site)("models", "import", str(file))
    assert (done.exit_code, files(models)) == (0, ["ancien.gguf", "petit.gguf"]), done.output
    assert "sera chargé au prochain démarrage" in done.output
    with site.rows():
        assert StoredSetting.get("default_model") == "petit"
    refused = runner(site)("models", "import", str(file))
    assert refused.exit_code == 1
    assert "model_exists" in refused.output
    assert file.read_bytes() == WHOLE


def test_a_default_that_the_environment_fixes_stays(
    make_site: Callable[..., Site], models: Path, tmp_path: Path
) -> None:
    file = tmp_path / "petit.gguf"
    file.write_bytes(WHOLE)
    site = make_site(ENGINE="embedded", DEFAULT_MODEL="ancien")
    assert runner(site)("models", "import", str(file)).exit_code == 0
    with site.rows():
        assert StoredSetting.get("default_model") == ""


def test_the_page_shows_the_ways_to_a_model_and_what_they_need(
    make_site: Callable[..., Site], site: Site, alice: Person, instance: Path, ollama: FakeOllama
) -> None:
    page = alice.get("/admin/models").text
    for words in (
        "Trois voies vers un vrai modèle", "Rien n’écoute à http://127.0.0.1:9.", "flask models import",
        str(instance / "models"), "OPENAI_BASE_URL", "phi3:mini", "3,7\u202fGo",
    ):  # fmt: skip
        assert words in page
    site.app.config["OLLAMA_HOST"] = ollama.url
    assert f"Il répond à {ollama.url}" in alice.get("/admin/models").text
