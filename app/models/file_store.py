"""The bytes of people's files: in the instance folder, each under its SHA-256, so that what many people have lies there
once.

A file appears in its place only when it is whole. The rows in `files` say who has it: what no row names is removed.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from flask import current_app

from app.errors import AppError, disk_failure

FOLDER = "files"
# The beginning of the names of files that are still arriving.
ARRIVING = ".arriving-"
# Bytes of disk that a file must leave to the database.
SPARE_DISK = 50_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that has come and has no place yet. `sha256` in hexadecimal, `size` in bytes."""

    path: Path
    sha256: str
    size: int


class FileStore:
    """The folder with everybody's files; any process may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the bytes with that hash are, if they are there."""
        return self._folder / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes | None:
        """Return the bytes with that hash; None if they are lost."""
        try:
            return self.path(sha256).read_bytes()
        except OSError:
            return None

    def check_room(self, size: int) -> None:
        """Raise storage_full unless the disk has room for a file of `size` bytes."""
        if size > shutil.disk_usage(self._folder.parent).free - SPARE_DISK:
            raise AppError("storage_full", cause=f"no room for a file of {size} bytes")

    @contextmanager
    def arriving(self, pieces: Iterable[bytes], limit: int) -> Iterator[Arrival]:
        """Write the pieces to the disk; at the end of the block the file is removed, unless `keep` gave it a place.

        Raises file_too_large for more than `limit` bytes, storage_full, storage_failed; what `pieces` raises goes on.
        """
        self._prepare()
        number, name = tempfile.mkstemp(prefix=ARRIVING, dir=self._folder)
        path = Path(name)
        try:
            try:
                digest, size = _write(number, pieces, limit)
            finally:
                os.close(number)
            yield Arrival(path, digest, size)
        finally:
            path.unlink(missing_ok=True)

    def keep(self, arrival: Arrival) -> None:
        """Give a file its place; within `changing`. Raises storage_full, storage_failed."""
        place = self.path(arrival.sha256)
        with _failures():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            arrival.path.rename(place)
            for folder in (place.parent, self._folder):
                _sync(folder)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only one, of all threads and processes, that gives files a place or removes them.

        Without it, bytes that somebody has just sent again could be removed with somebody else's file. Nobody may wait
        for it who has changed the database and not committed.
        """
        self._prepare()
        with _failures():
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            flock(lock, LOCK_EX)
            yield
        finally:
            os.close(lock)

    def remove(self, hashes: Collection[str]) -> None:
        """Remove the bytes with these hashes; within `changing`."""
        for each in hashes:
            with suppress(OSError):
                self.path(each).unlink(missing_ok=True)

    def hashes(self) -> set[str]:
        """Return the hashes of all files in the folder."""
        return {path.name for path in self._folder.glob("??/*")}

    def remove_arriving(self) -> None:
        """Remove what uploads have left that a crash has ended; only while no file arrives."""
        for path in self._folder.glob(f"{ARRIVING}*"):
            with suppress(OSError):
                path.unlink()

    def _prepare(self) -> None:
        with _failures():
            self._folder.mkdir(mode=0o700, exist_ok=True)


def file_store() -> FileStore:
    """Return the store in the application's instance folder."""
    return FileStore(Path(current_app.config["INSTANCE_DIR"]) / FOLDER)


def _write(number: int, pieces: Iterable[bytes], limit: int) -> tuple[str, int]:
    """Write the pieces to an open file, on the disk itself; return their SHA-256 and their size."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise AppError("file_too_large", limit=limit // 1_000_000)
        digest.update(piece)
        with _failures():
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(number, rest) :]
    with _failures():
        os.fsync(number)
    return digest.hexdigest(), size


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what goes wrong with the disk into storage_full or storage_failed."""
    try:
        yield
    except OSError as error:
        raise disk_failure(error) from error
