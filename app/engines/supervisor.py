"""Start, watch, replace and end the embedded engine's child process, from the server's master process."""

import contextlib
import hashlib
import json
import logging
import math
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from app.engines import gguf
from app.engines.gguf import GgufModel

CHILD_SCRIPT = Path(__file__).with_name("llama_child.py")
# Seconds before a dead child is started again, doubled each time up to the limit.
RESTART_S = 0.5
RESTART_LIMIT_S = 30.0
# A child that lived for this many seconds was healthy.
HEALTHY_S = 60.0
# Seconds between two checks for a request while no child runs.
LOOK_S = 0.02

logger = logging.getLogger(__name__)


# The files by which the supervisor and the web process speak


@dataclass(frozen=True, slots=True)
class Options:
    """What a child is started with; without a model, no child runs."""

    model: str = ""
    threads: int = 0
    context: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The child that runs now and how to reach it, written by the supervisor. `pid` 0: there is none.

    `own`: the server's options, with the model loaded first. `search_paths`: where models are looked for. `states`,
    `room`: folder of saved prompt caches, and bytes for it (0: none are saved). `ready`: the model is loaded.
    `request`: number of the last request read, made by the process `requested_by` (0: this child was not requested);
    `failed`: the last request that failed.
    """

    url: str
    key: str
    pid: int
    options: Options
    own: Options
    search_paths: tuple[str, ...]
    states: str = ""
    room: int = 0
    ready: bool = False
    request: str = ""
    requested_by: int = 0
    failed: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that its requests need."""
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True, slots=True)
class ChildRequest:
    """A request for a child with other options, from a web process; the supervisor reads it when the child ends."""

    number: str
    requested_by: int
    options: Options


_ENDPOINT, _CHILD_REQUEST = TypeAdapter(Endpoint), TypeAdapter(ChildRequest)


def endpoint_file(instance: str) -> Path:
    """Return the endpoint file's path. Only its owner may read it, because it holds the API key."""
    return Path(instance) / "embedded.json"


def request_file(instance: str) -> Path:
    """Return the path of the last request's file."""
    return Path(instance) / "embedded.request.json"


def announce(instance: str, endpoint: Endpoint) -> None:
    """Write the endpoint file."""
    _write(endpoint_file(instance), _ENDPOINT.dump_json(endpoint))


def read_endpoint(content: bytes) -> Endpoint:
    """Parse an endpoint file's content; raises ValueError."""
    return _ENDPOINT.validate_json(content)


def request_child(instance: str, options: Options) -> str:
    """Request a child with these options; return the request's number."""
    request = ChildRequest(secrets.token_hex(8), os.getpid(), options)
    _write(request_file(instance), _CHILD_REQUEST.dump_json(request))
    return request.number


def last_request(instance: str) -> ChildRequest | None:
    """Return the last request, whether the supervisor has read it or not; None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return _CHILD_REQUEST.validate_json(request_file(instance).read_bytes())
    return None


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step, so that no process reads half of it."""
    new = path.with_suffix(f".{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


# The child process


def default_threads() -> int:
    """Return how many cores this process may use; from four up one less, for the web server and the system."""
    cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    return cores - 1 if cores >= 4 else cores


def delete_stale_caches(parent: Path, engines: Collection[str], *, empty: bool) -> None:
    """Delete the folders of saved states that belong to none of `engines` (keys of a model with its options).

    `empty`: delete all of them, because none is saved from now on.
    """
    for path in parent.glob("*"):
        if path.name not in engines or empty:
            shutil.rmtree(path, ignore_errors=True)
    for unfinished in parent.glob("*/*.new"):
        unfinished.unlink(missing_ok=True)


def cache_folder(parent: Path, engine: str) -> Path:
    """Create the folder for the saved states of one model with its options, and return it."""
    made = parent / engine
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


class Supervisor:
    """Keep one child running, with one model in memory. `first`: the model to begin with, if it exists.

    Runs in gunicorn's master, which reaps its children itself; the end of the child's standard output tells that it
    died. A web process that wants another child writes a request and kills the current one.
    """

    def __init__(self, settings: dict[str, Any], first: str = "") -> None:
        self._instance = settings["INSTANCE_DIR"]
        self._context = settings["CONTEXT_TOKENS"]
        self._cache_ram_mb = settings["CACHE_RAM_MB"]
        self._slots = settings["ENGINE_SLOTS"] or 1
        # States are saved with one slot only: with more, we would not know which one answered.
        self._room = settings["CACHE_DISK_MB"] * 1_000_000 if self._slots == 1 else 0
        self._states = Path(self._instance) / "states"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        paths = tuple(gguf.search_paths(settings))
        files = gguf.find_models(paths)
        model = first if first in files else next(iter(files))
        own = Options(model, settings["ENGINE_THREADS"] or default_threads(), self._context)
        delete_stale_caches(self._states, {self._cache_key(file) for file in files.values()}, empty=not self._room)
        self._endpoint = Endpoint(f"http://127.0.0.1:{self._port}", secrets.token_urlsafe(24), 0, own, own, paths)
        # Options of the last child that was ready.
        self._last_ready: Options | None = None
        self._ending = threading.Event()
        # Held while a child is started, so that none is started after `stop`.
        self._starting = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start the child and return; the model loads in the background."""
        self._delete_files()
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="embedded-supervisor", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End the child and wait until it has exited."""
        self._ending.set()
        with self._starting:
            child = self._child
        if child is not None:
            self.close_stdin()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=3)
            child.kill()
            child.wait()
        if self._watcher is not None:
            self._watcher.join(timeout=3)
        self._delete_files()

    def close_stdin(self) -> None:
        """Close this process's end of the child's standard input; a forked worker must not keep it open."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _delete_files(self) -> None:
        for file in (endpoint_file(self._instance), request_file(self._instance)):
            file.unlink(missing_ok=True)

    def _cache_key(self, file: GgufModel) -> str:
        """Return the key of saved states, which are valid for the same file and context only."""
        key = f"{file.path} {file.size} {file.written_ns} {self._context}"
        return hashlib.sha256(key.encode()).hexdigest()[:16]

    def _spawn(self) -> None:
        """Start the child that the endpoint describes, if its file exists, and write the endpoint file."""
        options = self._endpoint.options
        file = gguf.find_models(self._endpoint.search_paths).get(options.model)
        with self._starting:
            if self._ending.is_set():
                return
            try:
                self._child = None if file is None else self._started(file, options)
            except OSError:
                # A full disk, or no memory: looked at again when a model is requested.
                logger.exception("embedded engine not started model=%s", options.model)
                self._child = None
            if self._child is None:
                self._announce(pid=0, ready=True, options=Options())
            else:
                self._announce(pid=self._child.pid, ready=False)

    def _started(self, file: GgufModel, options: Options) -> subprocess.Popen[str]:
        states = cache_folder(self._states, self._cache_key(file))
        room = self._room if options.context == self._context else 0
        self._endpoint = replace(self._endpoint, states=str(states), room=room)
        settings = {
            "model": str(file.path),
            "alias": options.model,
            "port": self._port,
            "key": self._endpoint.key,
            "slots": self._slots,
            "context": options.context,
            "cache_ram_mb": self._cache_ram_mb,
            "threads": options.threads,
            "states": str(states),
        }
        with (Path(self._instance) / "embedded.log").open("a") as log:
            child = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, str(CHILD_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert child.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(settings) + "\n")
            child.stdin.flush()
        return child

    def _announce(self, **changes: Any) -> None:
        self._endpoint = replace(self._endpoint, **changes)
        while not self._ending.is_set():
            try:
                announce(self._instance, self._endpoint)
                return
            except OSError as error:
                # A full disk may have space again in a moment.
                logger.error("embedded engine's address cannot be written down: %s", error)
                self._ending.wait(RESTART_S)

    def _watch(self) -> None:
        pause = RESTART_S
        while not self._ending.is_set():
            started = time.monotonic()
            self._await_end()
            if self._ending.is_set():
                return
            lived = time.monotonic() - started
            request = self._new_request()
            if request is None and self._child is not None and not self._fall_back():
                pause = RESTART_S if lived > HEALTHY_S else pause
                logger.error("embedded engine died, starting it again in %.1f s; see embedded.log", pause)
                request = self._await_request(pause)
                pause = min(pause * 2, RESTART_LIMIT_S)
                # The restarted child was not requested.
                self._endpoint = replace(self._endpoint, requested_by=0)
            if request is not None:
                pause = RESTART_S
                self._apply(request)
            self.close_stdin()
            self._spawn()

    def _await_end(self) -> None:
        """Block until the child has ended; without a child, until one is requested."""
        if self._child is None:
            self._await_request(math.inf)
            return
        assert self._child.stdout is not None  # noqa: S101
        with self._child.stdout as output:
            for line in output:
                logger.info("embedded engine %s model=%s", line.strip(), self._endpoint.options.model)
                self._last_ready = self._endpoint.options
                self._announce(ready=True)
        if not self._ending.is_set():
            self._child.wait()

    def _new_request(self) -> ChildRequest | None:
        request = last_request(self._instance)
        return request if request is not None and request.number != self._endpoint.request else None

    def _await_request(self, seconds: float) -> ChildRequest | None:
        """Return the next request as soon as there is one; None after `seconds` or when the server stops."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (request := self._new_request()) is not None or self._ending.wait(LOOK_S):
                return request
        return None

    def _apply(self, request: ChildRequest) -> None:
        """Make the requested child the next one; mark the request as failed if the file no longer exists."""
        options = request.options
        logger.info(
            "embedded engine asked for model=%s threads=%d context=%d", options.model, options.threads, options.context
        )
        gone = options.model and options.model not in gguf.find_models(self._endpoint.search_paths)
        change: dict[str, Any] = {"failed": request.number} if gone else {"options": options}
        self._endpoint = replace(self._endpoint, request=request.number, requested_by=request.requested_by, **change)

    def _fall_back(self) -> bool:
        """After a child that was never ready, return to the last one that was; False if there is none."""
        endpoint = self._endpoint
        if endpoint.ready or self._last_ready is None or self._last_ready == endpoint.options:
            return False
        logger.error("embedded engine cannot load model=%s; see embedded.log", endpoint.options.model)
        self._endpoint = replace(endpoint, options=self._last_ready, failed=endpoint.request)
        return True
