"""Copies of what the instance folder holds: one before each migration, and the archives of `flask backup`."""

import errno
import hashlib
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from flask import current_app
from pydantic import BaseModel, ValidationError

from app.errors import AppError
from app.extensions import db
from app.instance import instance_folder, server_lock
from app.models.file_store import FOLDER

# Copies that are kept of those made before migrations.
KEPT = 3
DATABASE = "couachgpt.sqlite3"
# What an archive holds besides the database, as far as it exists. Models are too large, and can be had again.
KEPT_FILES = ("secret_key", "tasks", FOLDER)
MANIFEST = "manifest.json"
FORMAT = 1


class Manifest(BaseModel):
    """What an archive says of itself. `files`: path → SHA-256 in hexadecimal."""

    format: int
    created_at: datetime
    files: dict[str, str]


def database_file() -> Path | None:
    """Return the file of the database, None where it is none of SQLite's."""
    url = db.engine.url
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def remove_leftovers(settings: Mapping[str, Any]) -> None:
    """Remove what a command or a start that was killed has left behind; for the holder of the server's lock."""
    folder = instance_folder(settings)
    for staging in folder.glob(".backup-*"):
        shutil.rmtree(staging, ignore_errors=True)
    for part in folder.glob("before-migration/*.part*"):
        part.unlink(missing_ok=True)


# Copies of the database


def keep_copy() -> Path | None:
    """Copy the database to `before-migration/` in the instance folder, and return the copy; None without SQLite.

    Keeps the last KEPT copies. Raises backup_failed, with nothing left behind, if no whole copy can be made.
    """
    source = database_file()
    if source is None:
        return None
    folder = instance_folder(current_app.config) / "before-migration"
    made = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite3"
    with _failures():
        folder.mkdir(mode=0o700, exist_ok=True)
        copy_database(source, made)
        for old in sorted(folder.glob("*.sqlite3"))[:-KEPT]:
            old.unlink()
    return made


def copy_database(source: Path, target: Path) -> None:
    """Write a copy of an SQLite database that may be in use, and verify it; `target` appears only when it is whole.

    Raises sqlite3.Error, OSError.
    """
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(source)) as database:
            database.execute("VACUUM INTO ?", (str(part),))
        verify_database(part)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def verify_database(path: Path) -> None:
    """Raise sqlite3.Error unless the file is an SQLite database of which every page is whole."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what goes wrong with files into backup_failed."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise AppError("backup_failed", cause=str(error)) from error


# Archives


def create(archive: Path) -> None:
    """Write an archive of the database, people's files, the secret key and the Labo's own tasks; the server may run
    meanwhile.

    `archive`: a .tar that does not exist yet; it appears only when it is whole. Raises backup_exists, backup_failed,
    backup_needs_sqlite.
    """
    source = database_file()
    if source is None:
        raise AppError("backup_needs_sqlite")
    if archive.exists():
        raise AppError("backup_exists", file=archive)
    part = archive.with_name(f".{archive.name}.part")
    with _failures(), TemporaryDirectory(prefix=".backup-", dir=instance_folder(current_app.config)) as staging:
        folder = Path(staging)
        instance = instance_folder(current_app.config)
        # Also before: those that are erased while the database is copied are still in the copy.
        _link_files(instance / FOLDER, folder / FOLDER)
        copy_database(source, folder / DATABASE)
        _link_files(instance / FOLDER, folder / FOLDER)
        for name in set(KEPT_FILES) - {FOLDER}:
            _copy(instance / name, folder / name)
        files = {str(path.relative_to(folder)): _hash(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        manifest = Manifest(format=FORMAT, created_at=datetime.now(UTC), files=files)
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1))
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as tar:
                    for name in (MANIFEST, *files):
                        tar.add(folder / name, name)
                file.flush()
                os.fsync(file.fileno())
            part.rename(archive)
        finally:
            part.unlink(missing_ok=True)


def verify(archive: Path) -> Manifest:
    """Check every file of an archive against its hash, and the database page by page; takes the database's room.

    Raises backup_damaged, backup_failed.
    """
    with TemporaryDirectory(prefix=".backup-", dir=instance_folder(current_app.config)) as staging:
        return _unpack(archive, Path(staging), (MANIFEST, DATABASE))


def restore(archive: Path) -> Path | None:
    """Put what an archive holds in the place of what the instance folder holds; return where that was moved to.

    Raises server_running, backup_damaged, backup_failed, backup_needs_sqlite; nothing is changed then.
    """
    place = database_file()
    if place is None:
        raise AppError("backup_needs_sqlite")
    instance = instance_folder(current_app.config)
    lock = server_lock(current_app.config)
    if not lock.take():
        raise AppError("server_running")
    try:
        with _failures(), TemporaryDirectory(prefix=".backup-", dir=instance) as staging:
            folder = Path(staging)
            _unpack(archive, folder)
            db.engine.dispose()
            aside = instance / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
            aside.mkdir(mode=0o700)
            kept = [instance / name for name in KEPT_FILES]
            # SQLite's log beside the database belongs to the database that is moved away.
            logs = [Path(f"{place}{end}") for end in ("-wal", "-shm")]
            moves = [(old, aside / old.name) for old in (place, *logs, *kept) if old.exists()]
            moves.append((folder / DATABASE, place))
            moves += [(new, target) for target in kept if (new := folder / target.name).exists()]
            _move_all(moves)
            return aside
    finally:
        lock.release()


def _move_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """Move files or folders, from → to; if one cannot be moved, move the others back and raise OSError."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            shutil.move(source, target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            shutil.move(target, source)
        raise


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)


def _link_files(source: Path, target: Path) -> None:
    """Put people's files under `target` without copying them, where that is on the same disk; those there stay."""
    for path in source.glob("??/*"):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Put there before, or erased meanwhile.
        with suppress(FileExistsError, FileNotFoundError):
            try:
                os.link(path, place)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copy(path, place)


def _unpack(archive: Path, folder: Path, only: Collection[str] = ()) -> Manifest:
    """Check an archive, and unpack it into an empty folder; `only`: no other files than these.

    Raises backup_damaged, backup_failed.
    """
    try:
        found = {}
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                if not member.isfile():
                    raise AppError("backup_damaged", file=archive, cause=f"{member.name} is no file")
                content = cast(BufferedReader, tar.extractfile(member))
                found[member.name] = hashlib.file_digest(content, "sha256").hexdigest()
                if not only or member.name in only:
                    tar.extract(member, folder, filter="data")
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_text())
        del found[MANIFEST]
        if manifest.format != FORMAT or found.keys() != manifest.files.keys() or DATABASE not in found:
            raise AppError("backup_damaged", file=archive, cause="other files than its list says")
        for name, expected in manifest.files.items():
            if found[name] != expected:
                raise AppError("backup_damaged", file=archive, cause=f"{name} was changed")
        verify_database(folder / DATABASE)
    except (tarfile.TarError, OSError, ValidationError, UnicodeDecodeError, sqlite3.Error) as error:
        code = "backup_failed" if isinstance(error, OSError) and error.errno == errno.ENOSPC else "backup_damaged"
        raise AppError(code, file=archive, cause=str(error)) from error
    return manifest


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
