"""Take new GGUF files into the folder of an instance's own models: whole and checked, or not at all."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.engines import gguf
from app.engines.gguf import Header
from app.errors import AppError, disk_failure
from app.formatting import filesize
from app.instance import ProcessLock

SUFFIX, UNFINISHED = ".gguf", ".part"
# Bytes that are read and written at a time.
PIECE = 1 << 20
# Bytes of disk that a new model must leave to the database.
SPARE_DISK = 500_000_000
# Bytes of memory that a model must leave to the system and to this program.
SPARE_MEMORY = 500_000_000
# The longest name without its ending, in bytes: file systems take 255.
LONGEST_NAME = 200


class ModelFiles:
    """The folder `INSTANCE_DIR/models`; `memory`: bytes that a model may take, or 0 if they are unknown.

    One file at a time is taken, by any process. What an interrupted one left is deleted before the next one, and by
    `delete_unfinished` when a server begins.
    """

    def __init__(self, settings: dict[str, Any], memory: int) -> None:
        """Take the settings, and the bytes of memory that this server may use, or 0 if they are unknown."""
        self.folder = gguf.own_folder(settings)
        self.memory = max(1, memory - SPARE_MEMORY) if memory else 0
        self._places = gguf.search_paths(settings)
        self._context = settings["CONTEXT_TOKENS"]
        self._lock_file = Path(settings["INSTANCE_DIR"]) / "models.lock"

    @property
    def room(self) -> int:
        """Bytes of disk that a new model may take."""
        return max(0, shutil.disk_usage(self.folder if self.folder.exists() else self.folder.parent).free - SPARE_DISK)

    def check(self, name: str, size: int, beginning: bytes) -> None:
        """Raise what speaks against a file, as far as its name, its size and its first bytes tell.

        Codes: model_name, model_part, model_exists, model_not_gguf, model_needs_disk, model_needs_memory.
        """
        path = self._path(name)
        if gguf.PART.match(path.stem):
            raise AppError("model_part", name=path.name, folder=self.folder)
        if os.path.lexists(path) or path.stem in gguf.find_models(self._places):
            raise AppError("model_exists", name=path.stem)
        if not beginning.startswith(gguf.MAGIC):
            raise AppError("model_not_gguf", name=path.name)
        if size > self.room:
            raise AppError("model_needs_disk", name=path.name, needed=filesize(size), free=filesize(self.room))
        self._check_memory(path.name, size)

    def take(self, name: str, size: int, read: Callable[[int], bytes], tell: Callable[[int], None]) -> str:
        """Take a file of `size` bytes that `read` gives piece by piece; return the model's name.

        `tell` gets the bytes so far. Raises what `check` raises, model_import_busy, model_incomplete, model_cut,
        model_damaged, model_kind, storage_full, storage_failed; then nothing is left of the file.
        """
        try:
            with self._alone():
                path = self._path(name)
                part = path.with_name(path.name + UNFINISHED)
                try:
                    piece = read(PIECE)
                    self.check(name, size, piece)
                    _write(part, size, piece, read, tell)
                    self._check_content(part, path.name)
                    part.rename(path)
                finally:
                    part.unlink(missing_ok=True)
                _sync(self.folder)
        except OSError as error:
            raise disk_failure(error) from error
        return path.stem

    def remove(self, model: str) -> None:
        """Delete a model's file, if it is one that was taken."""
        with contextlib.suppress(AppError, OSError):
            self._path(model + SUFFIX).unlink(missing_ok=True)

    def delete_unfinished(self) -> None:
        """Delete what interrupted files left, unless one is being taken now."""
        if self.folder.exists():
            with contextlib.suppress(AppError, OSError), self._alone():
                pass

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one of all processes and threads that writes in the folder; raises model_import_busy."""
        lock = ProcessLock(self._lock_file)
        if not lock.take():
            raise AppError("model_import_busy")
        try:
            self.folder.mkdir(exist_ok=True)
            for left in self.folder.glob(f"*{SUFFIX}{UNFINISHED}"):
                left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def _path(self, name: str) -> Path:
        """Return where a file of that name belongs; raises model_name for one that must not be."""
        stem = name[: -len(SUFFIX)].strip()
        usable = stem.isprintable() and not stem.startswith(".") and not set(stem) & set("/\\")
        if not name.lower().endswith(SUFFIX) or not stem or not usable or len(stem.encode()) > LONGEST_NAME:
            raise AppError("model_name", limit=LONGEST_NAME)
        return self.folder / f"{stem}{SUFFIX}"

    def _check_content(self, file: Path, name: str) -> None:
        size = file.stat().st_size
        try:
            header = gguf.read_header(file)
        except ValueError as error:
            raise AppError("model_damaged", name=name, cause=str(error)) from error
        if header.whole > size:
            raise AppError("model_cut", name=name, size=filesize(size), whole=filesize(header.whole))
        if header.kind != "model" or header.embeds:
            raise AppError("model_kind", name=name)
        self._check_memory(name, size, header)

    def _check_memory(self, name: str, size: int, header: Header | None = None) -> None:
        needed = gguf.memory_needed(size, header or Header(), self._context)
        if self.memory and needed > self.memory:
            raise AppError("model_needs_memory", name=name, needed=filesize(needed), whole=filesize(self.memory))


def _write(part: Path, size: int, piece: bytes, read: Callable[[int], bytes], tell: Callable[[int], None]) -> None:
    """Write `piece` and what follows it to a new file, on the disk itself; raises model_incomplete."""
    written = 0
    with part.open("xb") as file:
        while piece:
            file.write(piece)
            written += len(piece)
            tell(written)
            piece = read(PIECE)
        file.flush()
        os.fsync(file.fileno())
    if written != size:
        raise AppError("model_incomplete")


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
