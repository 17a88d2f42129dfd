"""The fake Ollama's models in memory: loading, reloading when options change, keeping alive, unloading."""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes._server import GLANCE, Exchange
from tests.fakes._slots import PromptCache, Slots
from tests.fakes.ollama_library import FakeModel

RUNNER_OPTIONS = (
    "num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict",
)  # fmt: skip
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
# Go's longest duration, which stands for "for ever".
FOREVER = 2**63 / 1e9


class LoadQueueFullError(Exception):
    """More loads are wanted than the scheduler keeps waiting."""


class LoadFailedError(Exception):
    """The model cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Load:
    """One load of a model, for assertions."""

    model: str
    settings: dict[str, Any]
    reload: bool


@dataclass
class Runner:
    """A model in memory, with the settings it was loaded with."""

    model: FakeModel
    settings: dict[str, Any]
    slots: Slots
    cache: PromptCache
    expires: float = math.inf
    used: float = field(default_factory=time.monotonic)
    requests: list[Exchange] = field(default_factory=list)
    unloading: bool = False

    @property
    def context(self) -> int:
        """What was asked for, but no more than the model was trained with."""
        return min(int(self.settings["num_ctx"]), self.model.trained_context)

    @property
    def used_now(self) -> bool:
        """Whether a client waits for something; a reading whose client has left does not count."""
        return any(exchange.client_is_there() for exchange in self.requests)

    @property
    def expires_at(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=min(self.expires - time.monotonic(), FOREVER))


class Runners:
    """Loads one model at a time; a model that is loaded already is never waited for nor refused."""

    def __init__(self, parallel: int, load_seconds: float, max_loaded: int, max_queue: int) -> None:
        self.loads: list[Load] = []
        self.aborted_loads = 0
        self.begun = 0
        self._parallel = parallel
        self._load_seconds = load_seconds
        self._max_loaded = max_loaded
        self._max_queue = max_queue
        self._loaded: dict[str, Runner] = {}
        self._loading = Slots(1)
        self._lock = threading.Lock()

    def loaded(self) -> list[Runner]:
        """What is in memory now; what has expired is gone."""
        with self._lock:
            now = time.monotonic()
            self._loaded = {digest: runner for digest, runner in self._loaded.items() if runner.expires > now}
            return list(self._loaded.values())

    def obtain(self, exchange: Exchange, model: FakeModel, settings: dict[str, Any]) -> Runner:
        """The runner with these settings, loaded first when there is none."""
        runner = self._fitting(model, settings)
        if runner is None:
            if self._loading.taken and self._loading.waiting >= self._max_queue:
                raise LoadQueueFullError
            self._loading.acquire(exchange)
            try:
                runner = self._fitting(model, settings) or self._load(exchange, model, settings)
            finally:
                self._loading.release()
        runner.expires = math.inf
        with self._lock:
            runner.requests.append(exchange)
        return runner

    def done_with(self, runner: Runner, keep_alive: float) -> None:
        """The time that a model stays counts from the end of its last use; the last keep_alive wins."""
        runner.used = time.monotonic()
        runner.expires = runner.used + (FOREVER if keep_alive < 0 else keep_alive)

    def leave(self, exchange: Exchange, runner: Runner) -> None:
        """A request has ended: if the model is to be unloaded, that may be possible now."""
        with self._lock:
            runner.requests.remove(exchange)
            if runner.unloading and not runner.used_now:
                self._drop(runner)

    def unload(self, model: FakeModel) -> None:
        """Unload a model, once its running answers have ended."""
        with self._lock:
            runner = self._loaded.get(model.digest)
            if runner is not None and runner.used_now:
                runner.unloading = True
            elif runner is not None:
                self._drop(runner)

    def _drop(self, runner: Runner) -> None:
        if self._loaded.get(runner.model.digest) is runner:
            del self._loaded[runner.model.digest]

    def _fitting(self, model: FakeModel, settings: dict[str, Any]) -> Runner | None:
        """The runner of these weights: models with the same share it, and /api/ps shows the first one's name."""
        same = (r for r in self.loaded() if r.model.digest == model.digest and r.settings == settings)
        return next(same, None)

    def _load(self, exchange: Exchange, model: FakeModel, settings: dict[str, Any]) -> Runner:
        if model.load_error:
            raise LoadFailedError(model.load_error)
        replaced = next((runner for runner in self.loaded() if runner.model.digest == model.digest), None)
        if replaced is not None:
            while replaced.used_now:
                exchange.pause(GLANCE)
            with self._lock:
                self._drop(replaced)
        self.begun += 1
        try:
            exchange.pause(self._load_seconds)
        except ConnectionError:
            self.aborted_loads += 1
            raise
        runner = Runner(model, settings, Slots(self._parallel), PromptCache(self._parallel))
        with self._lock:
            while len(self._loaded) >= self._max_loaded:
                self._loaded.pop(min(self._loaded, key=lambda digest: self._loaded[digest].used))
            self._loaded[model.digest] = runner
            self.loads.append(Load(model.name, settings, replaced is not None))
        return runner


def runner_settings(body: dict[str, Any], context: int) -> dict[str, Any]:
    """The part of a request that a runner is loaded with: any difference in it means a reload."""
    options = body.get("options") or {}
    chosen = {name: options[name] for name in RUNNER_OPTIONS if name in options}
    return {"num_ctx": context, **chosen, "shift": body.get("shift", True)}


def seconds_of(keep_alive: float | str | None, default: float) -> float:
    """A number means seconds; a string is a Go duration, with its unit. Raises ValueError in Go's words."""
    if keep_alive is None:
        return default
    if not isinstance(keep_alive, str):
        return keep_alive
    sign = -1 if keep_alive.startswith("-") else 1
    number = keep_alive.lstrip("+-")
    if re.fullmatch(r"[\d.]+", number) and float(number):
        raise ValueError(f'time: missing unit in duration "{keep_alive}"')
    if not re.fullmatch(r"0|([\d.]+(ns|us|ms|s|m|h))+", number):
        raise ValueError(f'time: invalid duration "{keep_alive}"')
    parts = re.findall(r"([\d.]+)(ns|us|ms|s|m|h)", number)
    return sign * sum(float(count) * UNITS[unit] for count, unit in parts)
