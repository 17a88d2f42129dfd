"""Files that people attach: sent, read, shown, given back; refused where they must be, and nobody else's business."""

import io
import stat
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from app.documents import api
from app.extraction import reader
from app.models import File, FilePage, Passage
from app.models.file_store import FileStore
from tests.support.person import Person, problem
from tests.support.processes import wait_until
from tests.support.site import Site

NOTICE = "Notice du treuil\n\nLe câble se graisse tous les six mois avec la graisse RX-204.\n".encode()


def on_disk(instance: Path) -> list[str]:
    """The names of what lies in the folder of files."""
    return sorted(path.name for path in (instance / "files").rglob("*") if path.is_file() and path.name != ".lock")


def count(site: Site, rows_of: type) -> int:
    with site.rows() as rows:
        found: int = rows.query(rows_of).count()
    return found


def test_a_file_is_taken_read_shown_and_given_back(alice: Person, instance: Path) -> None:
    answer = alice.attach("treuil.txt", NOTICE)
    assert answer.status_code == 201, answer.text
    first = answer.json
    assert (first["name"], first["size"], first["state"], first["error"]) == (
        "treuil.txt",
        len(NOTICE),
        "extracting",
        None,
    )
    file = alice.read(first["id"])
    assert (file["state"], file["kind"], file["pages"], file["progress"]) == ("ready", "text", 1, None)
    assert 20 < file["tokens"] < 200
    pages = alice.api("GET", f"/files/{file['id']}/pages").json
    assert (pages["total"], [page["number"] for page in pages["pages"]]) == (1, [1])
    assert "graisse RX-204" in pages["pages"][0]["text"]
    with alice.get(f"/api/files/{file['id']}/original") as original:
        assert original.data == NOTICE
        assert original.headers["Content-Disposition"] == "attachment; filename=treuil.txt"
        assert original.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in original.headers["Content-Security-Policy"]
        assert original.mimetype == "application/octet-stream"
    (path,) = (instance / "files").glob("??/*")
    assert path.name == sha256(NOTICE).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_passages_that_answer_are_found_with_their_place(alice: Person) -> None:
    file = alice.document("treuil.txt", NOTICE)
    found = alice.api("GET", f"/passages?files={file['id']}&q=Quelle+graisse+pour+le+câble+?").json["passages"]
    assert found
    passage = found[0]
    assert (passage["file_id"], passage["name"], passage["page"]) == (file["id"], "treuil.txt", 1)
    assert "RX-204" in passage["text"]
    assert "graisse" in {passage["text"][start:end] for start, end in passage["marks"]}
    assert passage["tokens"] > 5
    assert alice.api("GET", f"/passages?files={file['id']}&q=").json["passages"] == []


def test_a_search_in_a_document_leads_through_all_its_passages(alice: Person) -> None:
    notice = "\n\n".join(f"# Point {number}\n\n{'Le câble se graisse. ' * 20}" for number in range(1, 31))
    file = alice.document("treuil.md", notice.encode())["id"]
    found = alice.api("GET", f"/passages?files={file}&q=graisse&limit=50").json["passages"]
    assert len(found) == 30
    many = ",".join([file] * 11)
    assert problem(alice.api("GET", f"/passages?files={many}&q=graisse")) == (422, "too_many_files")


def test_the_same_file_again_is_the_same_row_and_another_name_another(
    alice: Person, bob: Person, instance: Path
) -> None:
    file = alice.document("treuil.txt", NOTICE)
    again = alice.attach("treuil.txt", NOTICE)
    assert (again.status_code, again.json["id"]) == (200, file["id"])
    assert alice.attach("autre.txt", NOTICE).status_code == 201
    assert bob.attach("treuil.txt", NOTICE).json["id"] != file["id"]
    assert len(on_disk(instance)) == 1


def test_two_tabs_that_send_the_same_file_at_once_get_one(site: Site, alice: Person) -> None:
    token, ids = alice.token, []

    def send() -> None:
        answer = alice.send(
            "POST", "/api/files", data={"file": (io.BytesIO(NOTICE), "a.txt")}, headers={"X-CSRFToken": token}
        )
        ids.append(answer.json["id"])

    tabs = [threading.Thread(target=send) for _ in range(6)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    assert alice.read(ids[0])["state"] == "ready"
    with site.rows() as rows:
        assert rows.query(File).count() == rows.query(FilePage).count() == 1


def test_a_file_that_cannot_be_read_says_why_and_may_be_sent_again(alice: Person) -> None:
    file = alice.document("vide.txt", b"")
    assert (file["state"], file["error"]["code"]) == ("failed", "file_empty")
    assert file["error"]["message"]
    assert alice.api("GET", f"/files/{file['id']}/pages").json == {"total": 0, "pages": []}
    refused = alice.api("GET", f"/passages?files={file['id']}&q=graisse")
    assert problem(refused) == (409, "file_not_ready")
    again = alice.attach("vide.txt", b"")
    assert (again.status_code, again.json["id"], again.json["state"]) == (201, file["id"], "extracting")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Documents\\devis.txt", "devis.txt"),
        ("facture\u202etxt.exe", "facturetxt.exe"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("a\t b\u2028c.txt", "a b c.txt"),
        ("é" * 300 + ".txt", "é" * 196 + ".txt"),
        ("/", "document"),
        ("..", "document"),
        ("<b>.txt", "<b>.txt"),
    ],
)
def test_names_are_names_only(alice: Person, sent: str, kept: str) -> None:
    answer = alice.attach(sent, b"Bonjour")
    assert answer.status_code == 201, answer.text
    assert answer.json["name"] == kept
    with alice.get(f"/api/files/{answer.json['id']}/original") as given:
        assert given.data == b"Bonjour"


def test_a_stranger_finds_nothing_behind_somebodys_ids(alice: Person, bob: Person) -> None:
    file = bob.document("secret.txt", NOTICE)["id"]
    for method, path in (
        ("GET", f"/files/{file}"),
        ("DELETE", f"/files/{file}"),
        ("POST", f"/files/{file}/cancel"),
        ("GET", f"/files/{file}/pages"),
        ("GET", f"/files/{file}/original"),
        ("GET", f"/passages?files={file}&q=graisse"),
    ):
        assert problem(alice.api(method, path)) == (404, "not_found"), path
    assert alice.submit(f"/settings/files/{file}/delete", {}).status_code == 404
    assert "secret.txt" not in alice.get("/settings/files").text
    assert bob.api("GET", f"/files/{file}").json["state"] == "ready"


def test_what_is_too_large_is_refused_before_it_is_read(make_site: Callable[..., Site], ollama: object) -> None:
    site = make_site(FILE_MB=1).start()
    alice = Person(site.app, "alice")
    alice.register()
    assert problem(alice.attach("grand.txt", b"a" * 1_100_000)) == (413, "file_too_large")
    # Of unknown length, as chunks: noticed on the way.
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"a" * 1_020_000
    answer = alice.send(
        "POST", "/api/files", input_stream=io.BytesIO(body), content_type="multipart/form-data; boundary=x",
        headers={"X-CSRFToken": alice.token, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )  # fmt: skip
    assert problem(answer) == (413, "file_too_large")
    assert on_disk(Path(site.settings["INSTANCE_DIR"])) == []


def test_a_visitor_may_not_send_a_large_body(site: Site, alice: Person) -> None:
    visitor = Person(site.app)
    answer = visitor.attach("a.txt", b"a" * 4_000_000)
    assert answer.status_code in (401, 413)


BODIES = (
    b"", b"--x", b"--x--\r\n", b"--x\r\n\r\n\r\n--x--", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\na\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf of',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff\xfe"\r\n\r\na\r\n--x--\r\n',
    b"--x\r\nA: b\r\n\r\n" * 20,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_none_leaves_nothing(alice: Person, instance: Path, site: Site, body: bytes, kind: str) -> None:
    answer = alice.send("POST", "/api/files", data=body, content_type=kind, headers={"X-CSRFToken": alice.token})
    assert problem(answer) in ((400, "bad_request"), (400, "missing_field")), answer.text
    assert on_disk(instance) == []
    with site.rows() as rows:
        assert rows.query(File).count() == 0


def test_it_needs_the_token_of_the_page(alice: Person, instance: Path) -> None:
    answer = alice.send("POST", "/api/files", data={"file": (io.BytesIO(NOTICE), "a.txt")})
    assert problem(answer) == (400, "csrf_failed")
    assert on_disk(instance) == []


def test_the_quota_says_what_is_used_and_how_to_free_it(make_site: Callable[..., Site]) -> None:
    site = make_site(FILES_MB=1, DEFAULT_LOCALE="en").start()
    alice = Person(site.app, "alice", **{"Accept-Language": "en"})
    alice.register()
    assert alice.attach("a.txt", b"a" * 600_000).status_code == 201
    answer = alice.attach("b.txt", b"b" * 600_000)
    assert problem(answer) == (422, "files_quota")
    assert "My files" in answer.json["detail"]
    assert len(on_disk(Path(site.settings["INSTANCE_DIR"]))) == 1


def test_only_some_files_of_a_person_wait(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_WAITING", 0)
    assert problem(alice.attach("a.txt", NOTICE)) == (429, "files_waiting")
    monkeypatch.undo()
    monkeypatch.setattr(api, "PART_OF_THREADS", 100_000)
    assert problem(alice.attach("a.txt", b"a" * 4_000_000)) == (503, "files_busy")
    # A small one holds no thread while it comes.
    assert alice.attach("a.txt", NOTICE).status_code == 201


def test_without_the_extra_nothing_is_taken(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PACKAGES", ("no_such_package",))
    assert problem(alice.attach("a.txt", NOTICE)) == (503, "documents_not_installed")


def test_a_full_disk_refuses_before_the_file_comes(
    alice: Person, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.file_store.SPARE_DISK", 1 << 60)
    assert problem(alice.attach("a.txt", NOTICE)) == (503, "storage_full")
    assert on_disk(instance) == []


def test_a_file_is_erased_by_its_owner_with_its_text(site: Site, alice: Person, bob: Person, instance: Path) -> None:
    file, other = alice.document("a.txt", NOTICE)["id"], bob.document("b.txt", NOTICE)["id"]
    assert alice.api("DELETE", f"/files/{file}").status_code == 204
    assert problem(alice.api("GET", f"/files/{file}")) == (404, "not_found")
    wait_until(lambda: count(site, File) == 1)
    assert count(site, FilePage) == count(site, Passage) == 1
    with bob.get(f"/api/files/{other}/original") as given:
        assert given.data == NOTICE
    assert bob.api("DELETE", f"/files/{other}").status_code == 204
    wait_until(lambda: on_disk(instance) == [])


def test_pages_are_given_in_parts(alice: Person) -> None:
    text = "\n\n".join(f"# Partie {number}\n\n" + f"Phrase {number}. " * 120 for number in range(1, 41)).encode()
    file = alice.document("long.md", text)
    assert file["pages"] > 10
    some = alice.api("GET", f"/files/{file['id']}/pages?from=3&count=4").json
    assert (some["total"], [page["number"] for page in some["pages"]]) == (file["pages"], [3, 4, 5, 6])
    assert alice.api("GET", f"/files/{file['id']}/pages?from=9999").json["pages"] == []
    assert problem(alice.api("GET", f"/files/{file['id']}/pages?from=x")) == (422, "invalid_field")


def test_the_store_removes_what_never_became_a_file(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    with store.arriving([b"abc", b"def"], 100) as arrival:
        assert (arrival.sha256, arrival.size) == (sha256(b"abcdef").hexdigest(), 6)
        with store.changing():
            store.keep(arrival)
    assert store.path(arrival.sha256).read_bytes() == b"abcdef"

    def broken() -> object:
        yield b"abc"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError), store.arriving(broken(), 100):
        pytest.fail("nothing came")
    assert [path.name for path in store.path("").parent.rglob(".arriving-*")] == []
