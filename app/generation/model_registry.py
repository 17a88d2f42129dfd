"""The engine's installed and loaded models, polled in a thread so that no request waits for the engine."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.engines.base import Cancel, Engine, Loading, Model
from app.engines.catalogue import BUILT_IN_DEFAULT, image_tokens, same_model
from app.engines.registry import VENDORS
from app.errors import AppError

# Seconds between two polls of the engine.
POLL_S = 15.0
# The same while it does not answer. A poll older than this may have missed a newly installed model.
RETRY_S = 1.0
# Seconds between two looks of a run at an engine that is starting.
STARTING_S = 0.25
# Seconds before a default model that could not be loaded is tried again, unless it has changed.
PRELOAD_AGAIN_S = 300.0
# The least seconds between two times that a default model which was lost is loaded anew.
RESTORE_AGAIN_S = 60.0

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
    """The engine's models as the last poll found them. `preference` returns the default model's name and its source,
    `is_idle` whether nothing uses the engine.

    `models`: those that can chat; `loaded`: names of those in memory; `failure`: why the engine is not `reachable`.
    """

    def __init__(
        self,
        engine: Engine,
        preference: Callable[[], tuple[str, str]],
        is_idle: Callable[[], bool] = lambda: True,
    ) -> None:
        self.engine = engine
        self._preference = preference
        self._is_idle = is_idle
        self._wake = threading.Event()
        self._ended = threading.Event()
        # Held while a poll's result is stored, never while the engine is asked.
        self._lock = threading.Lock()
        self.models: list[Model] = []
        self.loaded: frozenset[str] = frozenset()
        self.reachable = False
        self._error: AppError | None = None
        self._no_chat: list[Model] = []
        # Names of models that an earlier poll found and the last one did not.
        self._removed: set[str] = set()
        # When the poll began whose results are stored, in monotonic seconds.
        self._polled = 0.0
        self._preloaded = ""
        # Whether a poll has found that model in memory since it was loaded, and when it was loaded anew after a loss.
        self._seen_loaded = False
        self._restored = -math.inf
        # The default model that could not be loaded, and when.
        self._not_preloaded: tuple[Model | None, float] = (None, 0.0)
        # How many keep the default model from being loaded.
        self._not_preloading = 0

    @property
    def failure(self) -> str:
        """Why the engine is not reachable."""
        return (self._error.cause or self._error.code) if self._error else ""

    def start(self) -> None:
        """Start the polling thread, which also keeps the default model loaded, see `_preload_default`."""
        threading.Thread(target=self._poll_loop, name="models", daemon=True).start()

    def stop(self) -> None:
        """End the thread once its current call to the engine has returned."""
        self._ended.set()
        self._wake.set()

    def wake(self) -> None:
        """Make the thread poll now, because the default or the models may have changed."""
        self._wake.set()

    @contextmanager
    def without_preloading(self) -> Iterator[None]:
        """Load no default model while inside: whoever measures or loads another model has the engine for itself."""
        with self._lock:
            self._not_preloading += 1
        try:
            yield
        finally:
            with self._lock:
                self._not_preloading -= 1

    def restart(self, model: str) -> None:
        """Reset a hung engine and load the model again; a failure is only logged."""
        try:
            self.engine.reset(model)
        except AppError as error:
            logger.warning("engine not freed model=%s code=%s cause=%s", model, error.code, error.cause)
        else:
            logger.warning("engine was silent for too long and has been freed model=%s", model)
        self.wake()

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

    def await_model(self, name: str, cancel: Cancel, patience_s: float) -> Iterator[Loading]:
        """Poll in this thread if that model is unknown, and as long as the engine says that it is starting.

        For run threads only. Yields Loading events meanwhile; ends after `patience_s` seconds or when `cancel` is set.
        """
        started = time.monotonic()
        while self._known(name) is None:
            self.refresh()
            waited = time.monotonic() - started
            starting = not self.reachable and self._error is not None and self._error.code == "engine_busy"
            if not starting or waited > patience_s or cancel.is_set():
                return
            yield Loading(waited)
            cancel.wait(STARTING_S)

    def resolve(self, name: str) -> str:
        """Return the name of the model that a run is to use, which may have been asked for before the engine answered.

        The default model's name, or none, then means the model that stands for it. Raises unknown_model,
        not_a_chat_model, and why the engine does not answer if the model is unknown.
        """
        model, default = self._known(name), self.default()
        if model is not None:
            return model.name
        if not self.reachable and self._error is not None:
            raise AppError(self._error.code, cause=self._error.cause, **self._error.params)
        if default.effective and (not name or same_model(name, default.name)):
            return default.effective
        return self.find(name).name

    def context_of(self, name: str) -> int:
        """Return the tokens of a model's context; 0 if the engine does not report it."""
        model = self._known(name)
        return model.context if model else 0

    def image_tokens(self, name: str) -> int:
        """Return the tokens that a picture takes a model, estimated; 0 if it sees none, or is not known."""
        model = self._known(name)
        return image_tokens(model) if model else 0

    @property
    def sees(self) -> bool:
        """True if a model here sees pictures."""
        return any(model.vision for model in self.models)

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
        self.loaded, self.reachable, self._error = loaded, True, None

    def _store_failure(self, error: AppError) -> None:
        """Store a poll's failure; the caller holds `_lock`."""
        if self.reachable:
            logger.warning("engine lost code=%s cause=%s", error.code, error.cause)
        elif self._error is None:
            logger.info("engine not ready code=%s", error.code)
        self.reachable, self._error, self.loaded = False, error, frozenset()

    def _poll_loop(self) -> None:
        while not self._ended.is_set():
            try:
                self.refresh()
                self._preload_default()
            except Exception:
                # It reaches no caller, and without this thread nothing new would ever be known of the engine.
                logger.exception("models not looked at")
            self._wake.wait(POLL_S if self.reachable else RETRY_S)
            self._wake.clear()

    def _preload_default(self) -> None:
        """Load the default model when it changes or the engine comes back, or when the engine has lost what it had.

        It has if no model is in memory though they are to stay there: it was restarted between two polls, or another
        program unloaded them. While any other model is in memory, somebody chose that one. What gets lost again and
        again is loaded every RESTORE_AGAIN_S seconds at most: another program may want it with other options.
        """
        name = self.default().effective or ""
        if not self.reachable:
            self._preloaded = ""
        elif name in self.loaded:
            self._preloaded, self._seen_loaded = name, True
        elif name and not self._not_preloading and not self._failed_lately(name):
            if name == self._preloaded:
                lost = self._seen_loaded and not self.loaded and self.engine.keeps_models and self._is_idle()
                if not lost or time.monotonic() - self._restored < RESTORE_AGAIN_S:
                    return
                self._restored = time.monotonic()
            self._preload(name)

    def _preload(self, name: str) -> None:
        self._preloaded = name
        try:
            self.engine.warm(name)
        except AppError as error:
            logger.warning("default model not loaded model=%s code=%s cause=%s", name, error.code, error.cause)
            self._not_preloaded, self._preloaded = (self._known(name), time.monotonic()), ""
        else:
            logger.info("default model loaded model=%s", name)
        self.refresh()
        self._seen_loaded = name in self.loaded

    def _failed_lately(self, name: str) -> bool:
        model, failed_at = self._not_preloaded
        return model is not None and model == self._known(name) and time.monotonic() - failed_at < PRELOAD_AGAIN_S
