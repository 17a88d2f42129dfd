"""`flask backup` and `flask db`: whole archives, put back as they were, and nothing changed by what is refused."""

import io
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app import backups, database
from app.instance import server_lock
from tests.functional.test_libraries import SHEET, filled, found, library
from tests.support.person import Person, problem
from tests.support.processes import wait_until
from tests.support.site import DATABASE, Site

Run = Callable[..., Result]


@pytest.fixture
def run(site: Site) -> Run:
    """A command in the shell."""
    return lambda *words: site.app.test_cli_runner().invoke(args=list(map(str, words)))


@pytest.fixture
def archive(alice: Person, run: Run, instance: Path, tmp_path: Path) -> Path:
    """An archive, made after alice has asked « Avant »."""
    (instance / "secret_key").write_text("as it was")
    (instance / "tasks").mkdir()
    (instance / "tasks" / "own.toml").write_text("# ours")
    alice.ask(alice.start(), "Avant").end()
    made = tmp_path / "couachgpt.tar"
    result = run("backup", "create", made)
    assert (result.exit_code, str(made) in result.output) == (0, True), result.output
    return made


def titles(person: Person) -> list[str]:
    """The titles of somebody's conversations."""
    return [each["title"] for each in person.api("GET", "/conversations").json["conversations"]]


@pytest.mark.parametrize("answers", [20, pytest.param(400, marks=pytest.mark.slow)])
def test_what_was_saved_comes_back_and_what_was_there_is_kept(
    alice: Person, archive: Path, run: Run, site: Site, instance: Path, answers: int
) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert "est intact" in run("backup", "verify", archive).output
    for number in range(answers):
        alice.ask(alice.start(), f"Après {number}").end()
    (instance / "secret_key").write_text("another one")
    site.stop()
    result = run("backup", "restore", archive)
    assert result.exit_code == 0, result.output
    assert titles(alice) == ["Avant"]
    assert (instance / "secret_key").read_text() == "as it was"
    assert (instance / "tasks" / "own.toml").read_text() == "# ours"
    (aside,) = instance.glob("before-restore-*")
    assert str(aside) in result.output
    assert (aside / "secret_key").read_text() == "another one"
    backups.verify_database(aside / DATABASE)
    backups.verify_database(instance / DATABASE)


def test_an_archive_has_peoples_files_also_those_erased_since(
    alice: Person, run: Run, site: Site, instance: Path, tmp_path: Path
) -> None:
    file = alice.document("treuil.txt", b"Le bateau")["id"]
    archive = tmp_path / "couachgpt.tar"
    assert run("backup", "create", archive).exit_code == 0
    assert not list(instance.glob(".backup-*"))
    alice.api("DELETE", f"/files/{file}")
    wait_until(lambda: not list((instance / "files").glob("??/*")))
    later = alice.document("apres.txt", b"Plus tard")["id"]
    assert "est intact" in run("backup", "verify", archive).output
    site.stop()
    assert run("backup", "restore", archive).exit_code == 0
    with alice.get(f"/api/files/{file}/original") as given:
        assert given.data == b"Le bateau"
    assert alice.api("GET", f"/files/{file}/pages").json["pages"][0]["text"] == "Le bateau"
    assert problem(alice.api("GET", f"/files/{later}")) == (404, "not_found")


def test_an_archive_has_libraries_with_their_documents(
    alice: Person, bob: Person, run: Run, site: Site, tmp_path: Path
) -> None:
    place = library(alice)
    file = filled(alice, place)["id"]
    archive = tmp_path / "couachgpt.tar"
    assert run("backup", "create", archive).exit_code == 0
    alice.submit(f"/admin/libraries/{place}/delete", {})
    assert problem(bob.api("GET", f"/files/{file}")) == (404, "not_found")
    site.stop()
    assert run("backup", "restore", archive).exit_code == 0
    assert [each["file_id"] for each in found(bob, place)] == [file]
    with bob.get(f"/api/files/{file}/original") as given:
        assert given.data == SHEET


def test_nothing_is_restored_or_migrated_while_a_server_runs(
    alice: Person, archive: Path, run: Run, site: Site, instance: Path
) -> None:
    alice.ask(alice.start(), "Après").end()
    lock = server_lock(site.app.config)
    assert lock.take()
    for words in (("backup", "restore", archive), ("db", "downgrade"), ("db", "upgrade")):
        result = run(*words)
        assert (result.exit_code, "(server_running)" in result.output) == (1, True), result.output
    lock.release()
    assert titles(alice) == ["Après", "Avant"]
    newest = max(path.name[:4] for path in (database.MIGRATIONS_FOLDER / "versions").glob("0*.py"))
    assert run("db", "current").output == run("db", "upgrade").output == f"{newest}\n"


def changed(archive: Path, change: Callable[[tarfile.TarFile, dict[str, bytes]], None]) -> None:
    """Write the archive anew after a change of its files."""
    with tarfile.open(archive) as tar:
        files = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    with tarfile.open(archive, "w") as tar:
        change(tar, files)
        for name, body in files.items():
            add(tar, name, body)


def add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    """Add a file."""
    entry = tarfile.TarInfo(name)
    entry.size = len(body)
    tar.addfile(entry, io.BytesIO(body))


def link(tar: tarfile.TarFile, _: object) -> None:
    """Add a link to nothing."""
    entry = tarfile.TarInfo("more")
    entry.type, entry.linkname = tarfile.SYMTYPE, "nowhere"
    tar.addfile(entry)


def newer(_: tarfile.TarFile, files: dict[str, bytes]) -> None:
    """Say that the archive has a later format."""
    files["manifest.json"] = files["manifest.json"].replace(b'"format": 1', b'"format": 2')


DAMAGES: dict[str, Callable[[Path], object]] = {
    "none of ours": lambda file: file.write_bytes(b"PK\x03\x04" * 9),
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:20_000]),
    "a bit": lambda file: file.write_bytes(file.read_bytes().replace(b"as it was", b"as it wat")),
    "not there": lambda file: file.unlink(),
    "one more": lambda file: changed(file, lambda tar, _: add(tar, "more", b"x")),
    "outside": lambda file: changed(file, lambda tar, _: add(tar, "../outside", b"x")),
    "a link": lambda file: changed(file, link),
    "no list": lambda file: changed(file, lambda _, files: files.pop("manifest.json")),
    "no database": lambda file: changed(file, lambda _, files: files.pop(DATABASE)),
    "newer": lambda file: changed(file, newer),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_refused_and_nothing_is_changed(
    alice: Person, archive: Path, run: Run, instance: Path, damage: str
) -> None:
    DAMAGES[damage](archive)
    before = {path.name for path in instance.iterdir()} | {"server.lock"}
    for command in ("verify", "restore"):
        result = run("backup", command, archive)
        assert (result.exit_code, "(backup_damaged" in result.output) == (1, True), result.output
    assert {path.name for path in instance.iterdir()} | {"server.lock"} == before
    assert not (instance / "outside").exists()
    assert titles(alice) == ["Avant"]


def test_an_archive_replaces_no_file_and_leaves_nothing_when_it_fails(archive: Path, run: Run, tmp_path: Path) -> None:
    body = archive.read_bytes()
    assert "(backup_exists)" in run("backup", "create", archive).output
    assert archive.read_bytes() == body
    assert "(backup_failed: " in run("backup", "create", tmp_path / "nowhere" / "a.tar").output
    assert not list(tmp_path.rglob("*.part"))
