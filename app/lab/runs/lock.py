"""A file lock, so that only one process per instance folder executes benchmark runs."""

import fcntl
import os
from pathlib import Path

NAME = "labo.lock"


class LabLock:
    """An `flock` on `labo.lock` in `folder`; the kernel releases it when the process ends, even by a crash."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: int | None = None

    def take(self) -> bool:
        """Acquire the lock without waiting. True when this process holds it, False when another one does."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def let_go(self) -> None:
        """Release the lock, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
