"""The embedded llama.cpp engine as the web process sees it: its client, child process and saved prompt caches."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from app.engines import gguf
from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model
from app.engines.openai_compatible import LOADING_POLL_S, OpenAICompatible, is_loading
from app.engines.supervisor import (
    CHILD_SCRIPT,
    Endpoint,
    Options,
    endpoint_file,
    last_request,
    read_endpoint,
    request_child,
)
from app.engines.transport import EngineHttpClient, error_in
from app.errors import AppError, disk_failure

# States of fewer tokens are not saved: reading those again takes no noticeable time.
TOKENS_WORTH_KEEPING = 64
# The state of one conversation may take 1/MAX_FILES_SHARE of the disk space.
MAX_FILES_SHARE = 4

logger = logging.getLogger(__name__)

# While another child starts: seconds between two looks at it, and between two Loading events.
CHILD_POLL_S = 0.02
LOADING_EVENT_S = 0.25
# Seconds that a question waits for a crashed child to restart before it fails.
CRASH_WAIT_S = 2.0


# Saved prompt caches


class PromptCacheStore:
    """Saved prompt caches ("states"), one file per conversation, for an engine with one slot.

    `room`: bytes for the states of all models together; the least recently used are deleted first.
    `ask("save" | "restore", file name)` has the engine's slot do so; returns whether it did.
    """

    def __init__(self, folder: Path, room: int, ask: Callable[[str, str], bool]) -> None:
        self._folder = folder
        self._room = room
        self._ask = ask
        self._in_slot = ""
        self._bytes_per_token = 0.0
        # Conversations to forget: a state of one may be being saved.
        self._gone: set[str] = set()

    def restore(self, conversation_id: str) -> None:
        """Load a conversation's saved state into the slot, unless the slot already holds it."""
        path = self._path(conversation_id)
        self._gone.discard(conversation_id)
        if self._in_slot != conversation_id and path.is_file():
            # A disk that cannot be written only costs time.
            with contextlib.suppress(OSError):
                path.touch()
            if not self._ask("restore", path.name):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        self._in_slot = conversation_id

    def keep(self, conversation_id: str, tokens: int) -> None:
        """Save the slot's state if it is worth it and fits; else delete the conversation's outdated file."""
        path = self._path(conversation_id)
        if tokens < TOKENS_WORTH_KEEPING or self._bytes_per_token * tokens > self._room / MAX_FILES_SHARE:
            path.unlink(missing_ok=True)
        elif self._ask("save", f"{path.name}.new"):
            with contextlib.suppress(OSError):
                # Renamed when complete: restoring a half-written state would end the engine.
                new = path.with_name(f"{path.name}.new")
                self._bytes_per_token = new.stat().st_size / tokens
                new.replace(path)
                self._make_room()
            if conversation_id in self._gone:
                self.forget(conversation_id)

    def forget(self, conversation_id: str) -> None:
        """Delete a conversation's saved states, also one that is being saved."""
        self._gone.add(conversation_id)
        for path in self._folder.parent.glob(f"*/{conversation_id}.state"):
            path.unlink(missing_ok=True)

    def _path(self, conversation_id: str) -> Path:
        return self._folder / f"{conversation_id}.state"

    def _make_room(self) -> None:
        files = sorted(self._folder.parent.glob("*/*.state"), key=lambda path: path.stat().st_mtime)
        taken = sum(path.stat().st_size for path in files)
        for path in files:
            if taken <= self._room:
                break
            taken -= path.stat().st_size
            path.unlink(missing_ok=True)


# The child process


@dataclass(eq=False, slots=True)
class ModelLease:
    """A request's place in the line, from its arrival to its end."""

    options: Options


class ModelLeases:
    """A first-come line of requests; neighbours with the same options run together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: list[ModelLease] = []

    @contextmanager
    def taken(self, options: Options) -> Iterator[ModelLease]:
        """Hold a place in the line while inside."""
        lease = ModelLease(options)
        with self._lock:
            self._line.append(lease)
        try:
            yield lease
        finally:
            with self._lock:
                self._line.remove(lease)

    def is_due(self, lease: ModelLease) -> bool:
        """Return True if all requests before this one have the same options."""
        with self._lock:
            return all(other.options == lease.options for other in self._line[: self._line.index(lease)])


class EmbeddedChild:
    """The child process: find it, replace it, end it.

    `instance`: INSTANCE_DIR; `load_timeout_s`: longest wait for a child to load.
    """

    def __init__(self, instance: str, http: EngineHttpClient, *, load_timeout_s: float) -> None:
        self._instance = instance
        self._http = http
        self._load_timeout_s = load_timeout_s
        self._read: tuple[tuple[int, int], Endpoint] | None = None
        self.leases = ModelLeases()

    def endpoint(self) -> Endpoint:
        """Return the endpoint that the supervisor wrote last; raises engine_unreachable if no server runs here."""
        path = endpoint_file(self._instance)
        try:
            state = path.stat()
            if self._read is None or self._read[0] != (state.st_ino, state.st_mtime_ns):
                self._read = (state.st_ino, state.st_mtime_ns), read_endpoint(path.read_bytes())
        except (OSError, ValueError) as error:
            raise self._http.failure("engine_unreachable", error) from error
        return self._read[1]

    def is_being_replaced(self, seen: Endpoint) -> bool:
        """Return True if that child is being replaced because a request asked for other options."""
        request = last_request(self._instance)
        return (bool(seen.requested_by) and not seen.ready) or (request is not None and request.number != seen.request)

    def ensure(self, lease: ModelLease, cancel: Cancel, *, ready: bool = False) -> Iterator[Loading]:
        """Yield Loading events until the lease is due and the child has its options; replace a child with others.

        `ready`: also wait for a child that has them but is still starting. Raises engine_load_failed, engine_silent,
        engine_unreachable, storage_full, storage_failed.
        """
        options = lease.options
        started = announced = asked = time.monotonic()
        request = ""
        while not cancel.is_set():
            now, seen = time.monotonic(), self.endpoint()
            if not self.leases.is_due(lease):
                asked = now
            elif seen.options == options and (seen.ready or not (ready or request)):
                break
            elif now - asked > self._load_timeout_s:
                raise self._http.failure("engine_silent", f"{options.model} is still loading")
            elif request:
                request = self._still_requested(request, seen, options)
            elif seen.options != options and not self._in_use(seen):
                asked, request = now, self._request_child(options)
                self.end(seen)
            if announced == started or now - announced >= LOADING_EVENT_S:
                announced = now
                yield Loading(now - started)
            cancel.wait(CHILD_POLL_S)
        if announced != started and not cancel.is_set():
            yield Loading(time.monotonic() - started, loaded=True)

    def restart(self) -> None:
        """Kill the child, whatever it does, and wait until its supervisor has noticed."""
        deadline, seen = time.monotonic() + self._load_timeout_s, self.endpoint()
        self.end(seen)
        while seen.pid and self.endpoint() is seen and time.monotonic() < deadline:
            time.sleep(CHILD_POLL_S)

    def end(self, seen: Endpoint) -> None:
        """Kill the child; its supervisor then starts the next one."""
        with contextlib.suppress(OSError):
            # The pid may belong to another program by now.
            if seen.pid and CHILD_SCRIPT.name in Path(f"/proc/{seen.pid}/cmdline").read_text():
                os.kill(seen.pid, signal.SIGKILL)

    def _in_use(self, seen: Endpoint) -> bool:
        """Return True if the child must not be ended: another process waits for it, or it is writing an answer."""
        if not seen.ready:
            return seen.requested_by not in (0, os.getpid())
        if not seen.pid:
            return False
        try:
            slots = self._http.query(f"{seen.url}/slots", headers=seen.headers).json()
        except (AppError, ValueError):
            return False
        return any(slot.get("is_processing") for slot in slots if isinstance(slot, dict))

    def _request_child(self, options: Options) -> str:
        try:
            return request_child(self._instance, options)
        except OSError as error:
            raise disk_failure(error) from error

    def _still_requested(self, request: str, seen: Endpoint, options: Options) -> str:
        """Return the request while it is the last one made, or "" if another process has replaced it."""
        if seen.failed == request:
            raise AppError("engine_load_failed", cause="see embedded.log in INSTANCE_DIR", model=options.model)
        if seen.request == request:
            return request
        last = last_request(self._instance)
        if last is None or last.number != request:
            return ""
        # The supervisor has just restarted a crashed child without reading the request: end that one too.
        self.end(seen)
        return request


# The engine


class Embedded(OpenAICompatible):
    """Client of the child: llama-server's API at the address that the supervisor wrote."""

    name = "embedded"
    label = "llama.cpp"
    adjusts = frozenset({"threads", "context"})

    def __init__(self, instance: str, *, slots: int = 1, read_timeout_s: float = 900) -> None:
        super().__init__("", slots=slots, read_timeout_s=read_timeout_s)
        self._states = Path(instance, "states")
        self._child = EmbeddedChild(instance, self._http, load_timeout_s=read_timeout_s)
        self._caches_of = 0
        self._caches: PromptCacheStore | None = None

    @property
    def process(self) -> int:
        """The child's pid; 0 if there is none."""
        with contextlib.suppress(AppError):
            return self._child.endpoint().pid
        return 0

    @property
    def url(self) -> str:
        """The child's current URL; raises engine_unreachable if no server runs it."""
        return self._child.endpoint().url

    def models(self) -> list[Model]:
        """Return the models of all GGUF files found, loaded or not."""
        endpoint = self._child.endpoint()
        return gguf.list_models(endpoint.search_paths, endpoint.own.context)

    def loaded(self) -> frozenset[str]:
        """Return the model in memory; none while it is being loaded, or if its options are not the server's, as a
        question would then reload it.
        """
        seen = self._child.endpoint()
        if (
            not seen.ready
            or self._child.is_being_replaced(seen)
            or seen.options != replace(seen.own, model=seen.options.model)
        ):
            return frozenset()
        try:
            return super().loaded()
        except AppError:
            if self._child.endpoint() is seen and not self._child.is_being_replaced(seen):
                raise
            return frozenset()

    def warm(self, model: str) -> None:
        """Make the child serve this model, and wait until it is loaded."""
        self._ensure(self._options(model))
        super().warm(model)

    def unload(self, model: str) -> None:
        """End the child that has this model; the next one starts when a model is requested."""
        if self._child.endpoint().options.model == model:
            self._ensure(Options())

    def version(self) -> str:
        """Return the version of the package xllamacpp, which contains llama.cpp."""
        return version("xllamacpp")

    def pids(self, model: str = "") -> tuple[int, ...]:
        """Return the child's pid, if there is a child."""
        return (self.process,) if self.process else ()

    def reset(self, model: str) -> None:
        """Kill the child, whatever it does, and load the model in the next one."""
        self._child.restart()
        self.warm(model)

    def forget(self, conversation_id: str) -> None:
        """Delete a conversation's saved states, of all models, and whatever the child saves now."""
        for path in self._states.glob(f"*/{conversation_id}.state*"):
            path.unlink(missing_ok=True)
        # The store knows whether one is being saved now.
        with contextlib.suppress(AppError):
            if caches := self._cache_store():
                caches.forget(conversation_id)

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Yield the events of one answer, then save the prompt cache for the conversation's next question."""
        options = self._options(request.model, request.threads, request.context)
        with self._child.leases.taken(options) as lease:
            tokens = 0
            for event in self._stream_when_ready(request, cancel, lease):
                yield event
                if isinstance(event, Done):
                    tokens = (event.usage.prompt_tokens or 0) + (event.usage.output_tokens or 0)
            if request.conversation_id and tokens and (caches := self._cache_store()):
                caches.keep(request.conversation_id, tokens)

    def _stream_when_ready(self, request: ChatRequest, cancel: Cancel, lease: ModelLease) -> Iterator[EngineEvent]:
        """Yield the events of one answer; waits while the model loads, and briefly for a crashed child to restart."""
        started = time.monotonic()
        answering = False
        while True:
            try:
                yield from self._child.ensure(lease, cancel)
                if cancel.is_set():
                    return
                # A request without a conversation also takes the slot, so what the slot held before is gone.
                if caches := self._cache_store():
                    caches.restore(request.conversation_id)
                for event in super().stream(request, cancel):
                    answering = answering or not isinstance(event, Loading)
                    yield event
            except AppError as error:
                restarting = error.code == "engine_unreachable" or (error.code == "engine_cut" and not answering)
                patience = self._read_timeout_s if is_loading(error) else CRASH_WAIT_S if restarting else 0.0
                if time.monotonic() - started >= patience:
                    raise
                yield Loading(time.monotonic() - started)
                if cancel.wait(LOADING_POLL_S):
                    return
            else:
                return

    def _options(self, model: str, threads: int = 0, context: int = 0) -> Options:
        """Return the options that the child needs for this; raises unknown_model."""
        endpoint = self._child.endpoint()
        if model != endpoint.options.model and model not in gguf.find_models(endpoint.search_paths):
            raise AppError("unknown_model", model=model)
        return Options(model, threads or endpoint.own.threads, context or endpoint.own.context)

    def _ensure(self, options: Options) -> None:
        with self._child.leases.taken(options) as lease:
            for _ in self._child.ensure(lease, Cancel(), ready=True):
                pass

    def _headers(self) -> dict[str, str]:
        return self._child.endpoint().headers

    def _cache_store(self) -> PromptCacheStore | None:
        """Return the saved states of the current child, a new store for each child; None if nothing is saved."""
        endpoint = self._child.endpoint()
        if endpoint.pid != self._caches_of:
            self._caches_of = endpoint.pid
            self._caches = PromptCacheStore(Path(endpoint.states), endpoint.room, self._slot) if endpoint.room else None
        return self._caches

    def _slot(self, action: str, file: str) -> bool:
        """Make the slot save or restore its state; return whether it did. A failure only costs time later.

        Raises engine_unreachable or engine_busy if the child is still starting and cannot restore yet.
        """
        try:
            answer = self._http.command(f"{self.url}/slots/0?action={action}", {"filename": file}, self._headers())
            if not answer.ok:
                raise self._failure("", answer.status_code, error_in(answer.text))
        except AppError as error:
            if action == "restore" and (error.code == "engine_unreachable" or is_loading(error)):
                raise
            logger.warning("slot state not kept action=%s cause=%s", action, error.cause)
            return False
        return True
