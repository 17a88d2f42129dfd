"""The engine's installed and loaded models, polled in a thread so that no request waits for the engine."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.engines.base import Engine, Model
from app.engines.catalogue import BUILT_IN_DEFAULT, same_model
from app.engines.registry import VENDORS
from app.errors import AppError

# Seconds between two polls of the engine.
POLL_S = 15.0
# The same while it does not answer. A poll older than this may have missed a newly installed model.
RETRY_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """The default model: `name` as configured, `source` of that setting, and `effective`, the one used (None without
    any).
    """

    name: str
    source: str
    effective: str | None

    @property
    def installed(self) -> bool:
        """True if the configured model is the one used."""
        return self.effective is not None and same_model(self.name, self.effective)


class ModelRegistry:
    """The engine's models as the last poll found them. `preference` returns the default model's name and its source.

    `models`: those that can chat; `loaded`: names of those in memory; `failure`: why the engine is not `reachable`.
    """

    def __init__(self, engine: Engine, preference: Callable[[], tuple[str, str]]) -> None:
        self.engine = engine
        self._preference = preference
        self._wake = threading.Event()
        self._ended = threading.Event()
        # Held while a poll's result is stored, never while the engine is asked.
        self._lock = threading.Lock()
        self.models: list[Model] = []
        self.loaded: frozenset[str] = frozenset()
        self.reachable = False
        self.failure = ""
        self._no_chat: list[Model] = []
        # Names of models that an earlier poll found and the last one did not.
        self._removed: set[str] = set()
        # When the poll began whose results are stored, in monotonic seconds.
        self._polled = 0.0
        self._preloaded = ""

    def start(self) -> None:
        """Start the polling thread, which also loads the default model when it changes or the engine comes back."""
        threading.Thread(target=self._poll_loop, name="models", daemon=True).start()

    def stop(self) -> None:
        """End the thread once its current call to the engine has returned."""
        self._ended.set()
        self._wake.set()

    def wake(self) -> None:
        """Make the thread poll now, because the default or the models may have changed."""
        self._wake.set()

    def restart(self, model: str) -> None:
        """Reset a hung engine and load the model again, in a thread of its own."""
        threading.Thread(target=self._restart, args=(model,), name="restart", daemon=True).start()

    def mark_loaded(self, model: str) -> None:
        """Note that a model just answered; if it was not loaded before, poll to see which model it replaced."""
        with self._lock:
            if model in self.loaded:
                return
            self.loaded |= {model}
        self.wake()

    def refresh(self) -> None:
        """Poll in this thread, which may take seconds, so never in a web request. A failure is stored, not raised."""
        begun = time.monotonic()
        try:
            found, loaded = self.engine.models(), self.engine.loaded()
        except AppError as error:
            with self._lock:
                if begun > self._polled:
                    self._polled = begun
                    self._store_failure(error)
        else:
            with self._lock:
                if begun > self._polled:
                    self._polled = begun
                    self._store(found, loaded)

    def find(self, name: str, *, maybe_new: bool = False) -> Model:
        """Return the model of that name; an unknown one makes the thread poll if the last poll is older than RETRY_S.

        Raises unknown_model, not_a_chat_model. Accepts any name until the engine has answered once. With `maybe_new`,
        also accepts an unknown name, unless that model was removed, if the last poll is older than RETRY_S. The result
        then has `installed` False, and the run's thread must `verify` it.
        """
        model = self._known(name)
        if model is not None:
            return model
        is_old = time.monotonic() - self._polled > RETRY_S
        if is_old:
            self.wake()
        if any(same_model(other.name, name) for other in self._no_chat):
            raise AppError("not_a_chat_model", model=name)
        may_be_new = maybe_new and is_old and not any(same_model(removed, name) for removed in self._removed)
        if (self.models or self.reachable) and not may_be_new:
            raise AppError("unknown_model", model=name)
        return Model(name, installed=False)

    def verify(self, name: str) -> None:
        """Poll in this thread if that model is unknown; for run threads only, as it may take seconds.

        Raises unknown_model, not_a_chat_model. Does nothing while the engine is unreachable, which the run finds out
        itself.
        """
        if self.reachable and self._known(name) is None:
            self.refresh()
            if self.reachable:
                self.find(name)

    def context_of(self, name: str) -> int:
        """Return the tokens of a model's context; 0 if the engine does not report it."""
        model = self._known(name)
        return model.context if model else 0

    def default(self) -> DefaultModel:
        """Return the default model: the configured one, else the built-in one, else the engine's first."""
        name, source = self._preference()
        if not name:
            built_in = BUILT_IN_DEFAULT if VENDORS[self.engine.name].pulls else ""
            name = built_in or (self.models[0].name if self.models else "")
        model = self._known(name) or (self.models[0] if self.models else None)
        return DefaultModel(name, source, model.name if model else None)

    def _known(self, name: str) -> Model | None:
        return next((model for model in self.models if same_model(model.name, name)), None)

    def _store(self, found: list[Model], loaded: frozenset[str]) -> None:
        """Store a poll's results; the caller holds `_lock`."""
        if not self.reachable:
            logger.info("engine found engine=%s models=%d", self.engine.name, len(found))
        self._removed = (self._removed | {model.name for model in self.models}) - {model.name for model in found}
        self.models = [model for model in found if model.chat]
        self._no_chat = [model for model in found if not model.chat]
        self.loaded, self.reachable, self.failure = loaded, True, ""

    def _store_failure(self, error: AppError) -> None:
        """Store a poll's failure; the caller holds `_lock`."""
        if self.reachable:
            logger.warning("engine lost code=%s cause=%s", error.code, error.cause)
        elif not self.failure:
            logger.info("engine not ready code=%s", error.code)
        self.reachable, self.failure, self.loaded = False, error.cause or error.code, frozenset()

    def _poll_loop(self) -> None:
        while not self._ended.is_set():
            self.refresh()
            self._preload_default()
            self._wake.wait(POLL_S if self.reachable else RETRY_S)
            self._wake.clear()

    def _preload_default(self) -> None:
        """Load the default model once each time it changes or the engine comes back."""
        name = self.default().effective or ""
        if not self.reachable:
            self._preloaded = ""
        elif name and name != self._preloaded:
            self._preloaded = name
            if name in self.loaded:
                return
            try:
                self.engine.warm(name)
            except AppError as error:
                logger.warning("default model not loaded model=%s code=%s cause=%s", name, error.code, error.cause)
                return
            logger.info("default model loaded model=%s", name)
            self.refresh()

    def _restart(self, model: str) -> None:
        try:
            self.engine.reset(model)
        except AppError as error:
            logger.warning("engine not freed model=%s code=%s cause=%s", model, error.code, error.cause)
        else:
            logger.warning("engine was silent for too long and has been freed model=%s", model)
        self.refresh()
