"""The embedded engine as the web process sees it: llama.cpp in a child process of the server's master."""

import contextlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from app.engines import endpoint as files
from app.engines import gguf_library
from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model
from app.engines.endpoint import Endpoint, Options
from app.engines.openai_compatible import LOADING_POLL_S, OpenAICompatible, is_loading
from app.errors import AppError

# Reading fewer tokens again takes less time than anybody notices.
TOKENS_WORTH_KEEPING = 64
# One conversation may take this part of the room at most.
MAX_FILES_SHARE = 4

logger = logging.getLogger(__name__)

# `ask("save" | "restore", file name)`: have the engine's slot do so; whether it did.
Ask = Callable[[str, str], bool]
CHILD_SCRIPT = Path(__file__).with_name("llama_child.py")
# While another child is started: how often it is looked at, and how often that is told.
CHILD_POLL_S = 0.02
TELL_S = 0.25
# While the child is being started again, a question waits for it this long before it fails.
PATIENCE_S = 2.0

logger = logging.getLogger(__name__)


def delete_stale_caches(parent: Path, engines: Collection[str], *, empty: bool) -> None:
    """Delete the folders of models, or options of them, that are no more: nobody can use those states.

    `empty`: nothing is kept from now on, and nothing stays of what was.
    """
    for path in parent.glob("*"):
        if path.name not in engines or empty:
            shutil.rmtree(path, ignore_errors=True)
    for unfinished in parent.glob("*/*.new"):
        unfinished.unlink(missing_ok=True)


def cache_folder(parent: Path, engine: str) -> Path:
    """The folder for the states of one model with its options."""
    made = parent / engine
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


class PromptCacheStore:
    """Files in a folder, the least recently used deleted first. For an engine with one slot.

    `room` in bytes, for this model and those in the folders beside it together.
    """

    def __init__(self, folder: Path, room: int, ask: Ask) -> None:
        self._folder = folder
        self._room = room
        self._ask = ask
        self._in_slot = ""
        self._bytes_per_token = 0.0
        # Conversations to forget: one may still be on its way to the disk.
        self._gone: set[str] = set()

    def restore(self, conversation_id: str) -> None:
        """Give the slot back what it had read of a conversation, unless that is what it holds."""
        path = self._path(conversation_id)
        self._gone.discard(conversation_id)
        if self._in_slot != conversation_id and path.is_file():
            path.touch()
            if not self._ask("restore", path.name):
                path.unlink(missing_ok=True)
        self._in_slot = conversation_id

    def keep(self, conversation_id: str, tokens: int) -> None:
        """Write down what the slot has read, if that is worth it and fits; an older state would only mislead."""
        path = self._path(conversation_id)
        if tokens < TOKENS_WORTH_KEEPING or self._bytes_per_token * tokens > self._room / MAX_FILES_SHARE:
            path.unlink(missing_ok=True)
        elif self._ask("save", f"{path.name}.new"):
            with contextlib.suppress(OSError):
                # A state that is half written would end the engine when it is restored.
                new = path.with_name(f"{path.name}.new")
                self._bytes_per_token = new.stat().st_size / tokens
                new.replace(path)
                self._make_room()
            if conversation_id in self._gone:
                self.forget(conversation_id)

    def forget(self, conversation_id: str) -> None:
        """Delete what is kept of a conversation, also what is being written down."""
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


@dataclass(eq=False, slots=True)
class ModelLease:
    """A place in the line, kept from the arrival to the end of the use."""

    options: Options


class ModelLeases:
    """A line in which neighbours with the same options go together; nobody overtakes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: list[ModelLease] = []

    @contextmanager
    def taken(self, options: Options) -> Iterator[ModelLease]:
        """Stand in line while inside."""
        turn = ModelLease(options)
        with self._lock:
            self._line.append(turn)
        try:
            yield turn
        finally:
            with self._lock:
                self._line.remove(turn)

    def has_come(self, turn: ModelLease) -> bool:
        """Whether nobody before it wants something else."""
        with self._lock:
            return all(other.options == turn.options for other in self._line[: self._line.index(turn)])


class EmbeddedChild:
    """`failure(code, cause)` makes an engine failure; `in_use(endpoint)` tells whether a child answers anybody."""

    def __init__(
        self,
        instance: str,
        *,
        patience_s: float,
        failure: Callable[[str, object], AppError],
        in_use: Callable[[Endpoint], bool],
    ) -> None:
        self._instance = instance
        self._patience_s = patience_s
        self._failure = failure
        self._in_use = in_use
        self._read: tuple[tuple[int, int], Endpoint] | None = None
        self.turns = ModelLeases()

    def endpoint(self) -> Endpoint:
        """What the master wrote down last; raises engine_unreachable when no server runs here."""
        path = files.endpoint_file(self._instance)
        try:
            state = path.stat()
            if self._read is None or self._read[0] != (state.st_ino, state.st_mtime_ns):
                self._read = (state.st_ino, state.st_mtime_ns), files.read_endpoint(path.read_text())
        except (OSError, ValueError) as error:
            raise self._failure("engine_unreachable", error) from error
        return self._read[1]

    def changing(self, seen: Endpoint) -> bool:
        """Whether the child that was seen is being replaced, because somebody asked for another."""
        wish = files.read_wish(self._instance)
        return (bool(seen.by) and not seen.ready) or (wish is not None and wish.number != seen.wish)

    def provided(self, options: Options, turn: ModelLease, cancel: Cancel, *, ready: bool = False) -> Iterator[Loading]:
        """Ends once the turn has come and the child has these options; one that has others is replaced.

        `ready`: one that has them, but is just starting again, is waited for too. Raises engine_load_failed,
        engine_silent, engine_unreachable.
        """
        started = told = asked = time.monotonic()
        wish = ""
        while not cancel.is_set():
            now, seen = time.monotonic(), self.endpoint()
            if self.turns.has_come(turn):
                if seen.options == options and (seen.ready or not (ready or wish)):
                    break
                if now - asked > self._patience_s:
                    raise self._failure("engine_silent", f"{options.model} is still loading")
                if wish:
                    self._check(wish, seen, options)
                    wish = self._insisted(wish, seen)
                elif seen.options != options and not self._in_use(seen):
                    asked, wish = now, self._wished(options)
                    self.end(seen)
            else:
                asked = now
            if told == started or now - told >= TELL_S:
                told = now
                yield Loading(now - started)
            cancel.wait(CHILD_POLL_S)
        if told != started and not cancel.is_set():
            yield Loading(time.monotonic() - started, loaded=True)

    def restart(self) -> None:
        """End the child, whatever it does, and wait until its supervisor has seen that."""
        deadline, seen = time.monotonic() + self._patience_s, self.endpoint()
        self.end(seen)
        while seen.pid and self.endpoint() is seen and time.monotonic() < deadline:
            time.sleep(CHILD_POLL_S)

    def end(self, seen: Endpoint) -> None:
        """Kill the child; its supervisor starts the next one."""
        with contextlib.suppress(OSError):
            # The number may be another program's by now.
            if seen.pid and CHILD_SCRIPT.name in Path(f"/proc/{seen.pid}/cmdline").read_text():
                os.kill(seen.pid, signal.SIGKILL)

    def _wished(self, options: Options) -> str:
        try:
            return files.make_wish(self._instance, options)
        except OSError as error:
            raise AppError("storage_full", cause=str(error)) from error

    def _check(self, wish: str, seen: Endpoint, options: Options) -> None:
        if seen.failed == wish:
            raise AppError("engine_load_failed", cause="see embedded.log in INSTANCE_DIR", model=options.model)

    def _insisted(self, wish: str, seen: Endpoint) -> str:
        """The wish again, or none when another process has wished for something else since."""
        if seen.wish == wish:
            return wish
        last = files.read_wish(self._instance)
        if last is None or last.number != wish:
            return ""
        # A child that was just started in the place of one that died has not heard of it.
        self.end(seen)
        return wish


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


class Embedded(OpenAICompatible):
    """The child seen from the web process: llama-server's API at the address that the master wrote down."""

    name = "embedded"
    label = "llama.cpp"
    adjusts = frozenset({"threads", "context"})

    def __init__(self, instance: str, *, slots: int = 1, read_timeout_s: float = 900) -> None:
        super().__init__("", slots=slots, read_timeout_s=read_timeout_s)
        failure = self._exchanges.failure
        self._child = EmbeddedChild(instance, patience_s=read_timeout_s, failure=failure, in_use=self._in_use)
        self._states_of = 0
        self._kept: PromptCacheStore | None = None

    @property
    def process(self) -> int:
        """The child's number; 0 while there is none."""
        with contextlib.suppress(AppError):
            return self._child.endpoint().pid
        return 0

    @property
    def url(self) -> str:
        """Where the child listens now; raises engine_unreachable when no server runs it."""
        endpoint = self._child.endpoint()
        self._api_key = endpoint.key
        return endpoint.url

    def models(self) -> list[Model]:
        """The files that lie there, whichever is loaded."""
        endpoint = self._child.endpoint()
        return gguf_library.list_models(endpoint.places, endpoint.own.context)

    def loaded(self) -> frozenset[str]:
        """The model in memory; with other options than the server's it would be loaded anew, so it does not count."""
        seen = self._child.endpoint()
        if self._child.changing(seen) or seen.options != replace(seen.own, model=seen.options.model):
            return frozenset()
        try:
            return super().loaded()
        except AppError:
            if self._child.endpoint() is seen and not self._child.changing(seen):
                raise
            return frozenset()

    def warm(self, model: str) -> None:
        """Have the child serve this model, and wait until it does."""
        self._provide(self._options(model))
        super().warm(model)

    def unload(self, model: str) -> None:
        """End the child without starting another, until a model is asked for."""
        if self._child.endpoint().options.model == model:
            self._provide(Options())

    def version(self) -> str:
        """The package's version: llama.cpp is built into it."""
        return version("xllamacpp")

    def pids(self) -> tuple[int, ...]:
        """The child, while there is one."""
        return (self.process,) if self.process else ()

    def reset(self, model: str) -> None:
        """End the child, whatever it does; its supervisor starts another one."""
        self._child.restart()
        self.warm(model)

    def forget(self, conversation_id: str) -> None:
        """Delete what was kept of a conversation."""
        with contextlib.suppress(AppError):
            if kept := self._states():
                kept.forget(conversation_id)

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Events of one answer; what was read and written is kept after it."""
        options = self._options(request.model, request.threads, request.context)
        with self._child.turns.taken(options) as turn:
            tokens = 0
            for event in self._patiently(request, cancel, options, turn):
                yield event
                if isinstance(event, Done):
                    tokens = (event.usage.prompt_tokens or 0) + (event.usage.output_tokens or 0)
            kept = self._states() if request.conversation_id and tokens else None
            if kept is not None:
                kept.keep(request.conversation_id, tokens)

    def _patiently(
        self, request: ChatRequest, cancel: Cancel, options: Options, turn: ModelLease
    ) -> Iterator[EngineEvent]:
        """A child that is being started again is waited for, briefly."""
        started = time.monotonic()
        answering = False
        while True:
            try:
                yield from self._child.provided(options, turn, cancel)
                if cancel.is_set():
                    return
                # A request of no conversation takes the slot from the one that had it.
                if kept := self._states():
                    kept.restore(request.conversation_id)
                for event in super().stream(request, cancel):
                    answering = answering or not isinstance(event, Loading)
                    yield event
            except AppError as error:
                restarting = error.code == "engine_unreachable" or (error.code == "engine_cut" and not answering)
                patience = self._read_timeout_s if is_loading(error) else PATIENCE_S if restarting else 0.0
                if time.monotonic() - started >= patience:
                    raise
                yield Loading(time.monotonic() - started)
                if cancel.wait(LOADING_POLL_S):
                    return
            else:
                return

    def _options(self, model: str, threads: int = 0, context: int = 0) -> Options:
        """What the child must be started with for this; raises unknown_model."""
        endpoint = self._child.endpoint()
        if model != endpoint.options.model and model not in gguf_library.find_models(endpoint.places):
            raise AppError("unknown_model", model=model)
        return Options(model, threads or endpoint.own.threads, context or endpoint.own.context)

    def _provide(self, options: Options) -> None:
        with self._child.turns.taken(options) as turn:
            for _ in self._child.provided(options, turn, Cancel(), ready=True):
                pass

    def _in_use(self, seen: Endpoint) -> bool:
        """Whether the child must not be ended now: another process waits for it, or an answer is being written."""
        if not seen.ready:
            return seen.by not in (0, os.getpid())
        if not seen.pid:
            return False
        try:
            slots = self._exchanges.query(f"{self.url}/slots", headers=self._headers()).json()
        except (AppError, ValueError):
            return False
        return any(slot.get("is_processing") for slot in slots if isinstance(slot, dict))

    def _states(self) -> PromptCacheStore | None:
        """The kept states of the child that runs now: a new one holds nothing yet. None when nothing is kept."""
        endpoint = self._child.endpoint()
        if endpoint.pid != self._states_of:
            self._states_of = endpoint.pid
            self._kept = PromptCacheStore(Path(endpoint.states), endpoint.room, self._slot) if endpoint.room else None
        return self._kept

    def _slot(self, action: str, file: str) -> bool:
        """Have the slot save or restore its state; a failure costs time later, nothing else.

        Raises engine_unreachable or engine_busy when a child that is starting cannot restore anything yet.
        """
        try:
            answer = self._exchanges.command(f"{self.url}/slots/0?action={action}", {"filename": file}, self._headers())
            if not answer.ok:
                raise self._refusal(answer.status_code, answer.text[:2000], "")
        except AppError as error:
            if action == "restore" and (error.code == "engine_unreachable" or is_loading(error)):
                raise
            logger.warning("slot state not kept action=%s cause=%s", action, error.cause)
            return False
        return True
