"""The embedded engine as the web process sees it: llama.cpp in a child process of the server's master."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from app.engines import library
from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model
from app.engines.child import Child
from app.engines.endpoint import Endpoint, Options
from app.engines.kept_states import KeptStates
from app.engines.openai_compatible import LOADING_POLL_S, OpenAICompatible, is_loading
from app.engines.turns import Turn
from app.errors import AppError

# While the child is being started again, a question waits for it this long before it fails.
PATIENCE_S = 2.0

logger = logging.getLogger(__name__)


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
        self._child = Child(instance, patience_s=read_timeout_s, failure=failure, in_use=self._in_use)
        self._states_of = 0
        self._kept: KeptStates | None = None

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
        return library.models(endpoint.places, endpoint.own.context)

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

    def _patiently(self, request: ChatRequest, cancel: Cancel, options: Options, turn: Turn) -> Iterator[EngineEvent]:
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
        if model != endpoint.options.model and model not in library.files(endpoint.places):
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

    def _states(self) -> KeptStates | None:
        """The kept states of the child that runs now: a new one holds nothing yet. None when nothing is kept."""
        endpoint = self._child.endpoint()
        if endpoint.pid != self._states_of:
            self._states_of = endpoint.pid
            self._kept = KeptStates(Path(endpoint.states), endpoint.room, self._slot) if endpoint.room else None
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
