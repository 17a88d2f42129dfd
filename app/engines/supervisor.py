"""Keeps the embedded engine's process running: started, watched and ended by the server's master."""

import contextlib
import hashlib
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from app.engines import kept_states
from app.engines.catalogue import DEMO
from app.engines.embedded import default_threads, endpoint_file, model_path

CHILD = Path(__file__).with_name("llama_child.py")
# A child that died is started again after this long, doubled each time up to the limit.
RESTART_S = 0.5
RESTART_LIMIT_S = 30.0
# A child that lived this long was well.
HEALTHY_S = 60.0

logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps one child running. Lives in gunicorn's master, which reaps its children itself: the end of the
    child's standard output tells that it died."""

    def __init__(self, settings: dict[str, Any]) -> None:
        path = model_path(settings["EMBEDDED_MODEL"])
        assert path is not None  # noqa: S101 - the caller asked missing_part()
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        file = path.stat()
        # What was read is of use to the same model with the same options only.
        read_by = f"{path} {file.st_size} {file.st_mtime_ns} {settings['CONTEXT_TOKENS']}"
        slots = settings["ENGINE_SLOTS"] or 1
        # With more slots it would not be known which one answered.
        self._room = settings["CACHE_DISK_MB"] * 1_000_000 if slots == 1 else 0
        states = kept_states.prepare(
            Path(settings["INSTANCE_DIR"]) / "states",
            hashlib.sha256(read_by.encode()).hexdigest()[:16],
            empty=not self._room,
        )
        self._orders = {
            "model": str(path),
            "alias": path.stem if settings["EMBEDDED_MODEL"] else DEMO,
            "port": port,
            "key": secrets.token_urlsafe(24),
            "slots": slots,
            "context": settings["CONTEXT_TOKENS"],
            "cache_ram_mb": settings["CACHE_RAM_MB"],
            "threads": settings["ENGINE_THREADS"] or default_threads(),
            "states": str(states),
        }
        self._instance = settings["INSTANCE_DIR"]
        self._ending = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start the child; returns at once, the model loads meanwhile."""
        endpoint_file(self._instance).unlink(missing_ok=True)
        self._child = self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="embedded-supervisor", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End the child and wait until it is gone."""
        self._ending.set()
        child = self._child
        if child is not None:
            self.let_go()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=3)
            child.kill()
            child.wait()
        if self._watcher is not None:
            self._watcher.join(timeout=3)
        endpoint_file(self._instance).unlink(missing_ok=True)

    def let_go(self) -> None:
        """Close this process's end of the child's standard input; a forked worker must not keep it open."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _spawn(self) -> subprocess.Popen[str]:
        with (Path(self._instance) / "embedded.log").open("a") as log:
            child = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert child.stdin is not None  # noqa: S101
        child.stdin.write(json.dumps(self._orders) + "\n")
        child.stdin.flush()
        self._announce(child.pid)
        return child

    def _announce(self, pid: int) -> None:
        """Write the endpoint file, whole at any moment."""
        endpoint = {"url": f"http://127.0.0.1:{self._orders['port']}", "key": self._orders["key"], "pid": pid}
        endpoint |= {"states": self._orders["states"], "room": self._room}
        path = endpoint_file(self._instance)
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(endpoint, file)
        new.replace(path)

    def _watch(self) -> None:
        pause = RESTART_S
        while True:
            started = time.monotonic()
            assert self._child is not None and self._child.stdout is not None  # noqa: S101, PT018
            with self._child.stdout as said:
                for line in said:
                    logger.info("embedded engine %s", line.strip())
            if self._ending.is_set():
                return
            self._child.wait()
            pause = RESTART_S if time.monotonic() - started > HEALTHY_S else pause
            logger.error("embedded engine died, starting it again in %.1f s; see embedded.log", pause)
            if self._ending.wait(pause):
                return
            pause = min(pause * 2, RESTART_LIMIT_S)
            self.let_go()
            self._child = self._spawn()
