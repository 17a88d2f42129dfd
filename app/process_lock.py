"""A lock between the processes that use one instance folder."""

import fcntl
import os
import time
from pathlib import Path

# Seconds between two tries while `take` waits.
POLL_S = 0.1


class ProcessLock:
    """An exclusive `flock` on a file, which the kernel releases when the process ends, even by a crash.

    Processes forked while it is held hold it too, until they end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, wait_s: float = 0.0) -> bool:
        """Take the lock, waiting at most `wait_s` seconds; return whether this process holds it now."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(file)
                    return False
                time.sleep(POLL_S)
            else:
                os.truncate(file, 0)
                os.write(file, str(os.getpid()).encode())
                self._file = file
                return True

    @property
    def holder(self) -> int | None:
        """The id of the process that took the lock, if it still runs; a child that it left may hold the lock alone."""
        try:
            pid = int(self._path.read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
