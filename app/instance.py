"""The instance folder: its locks between processes, and the settings of the server that runs on it, for commands."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

# Seconds between two tries while `ProcessLock.take` waits.
POLL_S = 0.1
# The settings that decide which engine is asked, where the server is reached, and with which options models are loaded.
PUBLISHED = (
    "HOST", "PORT", "ENGINE", "OLLAMA_HOST", "OPENAI_BASE_URL", "ENGINE_SLOTS", "ENGINE_THREADS", "CONTEXT_TOKENS",
    "MAX_OUTPUT_TOKENS", "KEEP_ALIVE", "TEMPERATURE", "SYSTEM_PROMPT",
)  # fmt: skip


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


def instance_folder(settings: Mapping[str, Any]) -> Path:
    """Return the folder of all data."""
    return Path(settings["INSTANCE_DIR"])


def server_lock(settings: Mapping[str, Any]) -> ProcessLock:
    """Return the lock that a server holds on its instance folder for as long as it runs."""
    return ProcessLock(instance_folder(settings) / "server.lock")


def publish_settings(settings: Mapping[str, Any]) -> None:
    """Write down this server's settings, for `adopt_settings`, as its master does at its start; no secrets."""
    path = _published(settings)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({name: settings[name] for name in PUBLISHED}))
    new.replace(path)


def withdraw_settings(settings: Mapping[str, Any]) -> None:
    """Remove what `publish_settings` wrote."""
    _published(settings).unlink(missing_ok=True)


def adopt_settings(settings: dict[str, Any]) -> bool:
    """Take over the settings of the server that runs on this folder; return whether there is one.

    So commands ask its engine as it does itself. For commands only, and not if they were told to use another engine.
    """
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true" or server_lock(settings).holder is None:
        return False
    with suppress(OSError, ValueError):
        published = json.loads(_published(settings).read_text())
        if settings["ENGINE"] in ("auto", published["ENGINE"]):
            settings.update({name: published[name] for name in PUBLISHED if name in published})
            settings["ENGINE_REASON"] = _l("the engine of the server that runs here")
            return True
    return False


def _published(settings: Mapping[str, Any]) -> Path:
    return instance_folder(settings) / "server.json"
