"""What the engine can run now, asked in the background so that no page ever waits for it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.engines.base import Engine, Model
from app.engines.catalogue import BUILT_IN_DEFAULT, same_model
from app.errors import AppError

# How often the engine is asked what it has and what is loaded.
REFRESH_S = 15.0
# While it does not answer. A look that is older than this may have missed a model that was installed just now.
RETRY_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Default:
    """The default model: what was asked for, where it was set, and what is really used (None: nothing is there)."""

    name: str
    source: str
    effective: str | None

    @property
    def installed(self) -> bool:
        """Whether the model asked for is the one used."""
        return self.effective is not None and same_model(self.name, self.effective)


class Inventory:
    """The engine's models as last seen. `preference` gives the default's name and the source of that setting.

    `meanwhile` is called before each look: what else is to be done now and then.
    """

    def __init__(
        self, engine: Engine, preference: Callable[[], tuple[str, str]], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        self.engine = engine
        self._meanwhile = meanwhile
        self._preference = preference
        # Held for writing down what was found, never while the engine is asked.
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self.models: list[Model] = []
        self._others: list[Model] = []
        self.loaded: frozenset[str] = frozenset()
        self.reachable = False
        self.failure = ""
        # When the look began that all of this is from, in monotonic seconds.
        self._looked = 0.0
        # Models that an earlier look found and the last one did not.
        self._gone: set[str] = set()
        self._warmed = ""

    def start(self) -> None:
        """Refresh, then load the default model, then refresh for ever; in a thread."""
        threading.Thread(target=self._keep, name="inventory", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._wake.set()

    def wake(self) -> None:
        """Look again now: the default or the models may have changed."""
        self._wake.set()

    def reset(self, model: str) -> None:
        """Free an engine that hangs; in the background, as loading takes its time."""
        threading.Thread(target=self._reset, args=(model,), name="reset", daemon=True).start()

    def answered(self, model: str) -> None:
        """A model that has just answered is in memory; a look at once tells which one had to leave it."""
        with self._lock:
            if model in self.loaded:
                return
            self.loaded |= {model}
        self.wake()

    def refresh(self) -> None:
        """Ask the engine now, which may take seconds: never in a person's request. A failure is kept, not raised."""
        begun = time.monotonic()
        try:
            found, loaded = self.engine.models(), self.engine.loaded()
        except AppError as error:
            with self._lock:
                if begun > self._looked:
                    self._looked = begun
                    self._lose(error)
        else:
            with self._lock:
                if begun > self._looked:
                    self._looked = begun
                    self._keep_found(found, loaded)

    def find(self, name: str, *, maybe_new: bool = False) -> Model:
        """The model of that name, as the last look found it. A name that it did not find has the thread look again.

        Raises unknown_model, or not_a_chat_model for one that is made for something else. `maybe_new`: a name that no
        look has found is taken as it is when the last look is some time ago, for `look_for` to find out.

        While the engine has never answered, any name is taken: the run will say what is wrong.
        """
        model = self._known(name)
        if model is not None:
            return model
        is_old = time.monotonic() - self._looked > RETRY_S
        if is_old:
            self.wake()
        if any(same_model(other.name, name) for other in self._others):
            raise AppError("not_a_chat_model", model=name)
        is_new = maybe_new and is_old and not any(same_model(gone, name) for gone in self._gone)
        if (self.models or self.reachable) and not is_new:
            raise AppError("unknown_model", model=name)
        return Model(name, installed=False)

    def look_for(self, name: str) -> None:
        """Look again if no look has found that model; for a run's own thread, as it may take seconds.

        Raises unknown_model, not_a_chat_model; nothing while the engine does not answer, which the run will say.
        """
        if self.reachable and self._known(name) is None:
            self.refresh()
            if self.reachable:
                self.find(name)

    def context_of(self, name: str) -> int:
        """Tokens of a model's context; 0 when the engine does not tell."""
        model = self._known(name)
        return model.context if model else 0

    def default(self) -> Default:
        """The default model, in words that say what wins."""
        name, source = self._preference()
        if not name:
            built_in = BUILT_IN_DEFAULT if self.engine.name == "ollama" else ""
            name = built_in or (self.models[0].name if self.models else "")
        model = self._known(name) or (self.models[0] if self.models else None)
        return Default(name, source, model.name if model else None)

    def _keep_found(self, found: list[Model], loaded: frozenset[str]) -> None:
        """Write down what a look found; the caller holds the lock."""
        if not self.reachable:
            logger.info("engine found engine=%s models=%d", self.engine.name, len(found))
        names = {model.name for model in found}
        self._gone = (self._gone | {model.name for model in self.models}) - names
        self.models = [model for model in found if model.chat]
        self._others = [model for model in found if not model.chat]
        self.loaded, self.reachable, self.failure = loaded, True, ""

    def _lose(self, error: AppError) -> None:
        """Write down that a look failed; the caller holds the lock."""
        if self.reachable:
            logger.warning("engine lost code=%s cause=%s", error.code, error.cause)
        elif not self.failure:
            logger.info("engine not ready code=%s", error.code)
        self.reachable, self.failure, self.loaded = False, error.cause or error.code, frozenset()

    def _known(self, name: str) -> Model | None:
        return next((model for model in self.models if same_model(model.name, name)), None)

    def _reset(self, model: str) -> None:
        try:
            self.engine.reset(model)
        except AppError as error:
            logger.warning("engine not freed model=%s code=%s cause=%s", model, error.code, error.cause)
        else:
            logger.warning("engine was silent for too long and has been freed model=%s", model)
        self.refresh()

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._meanwhile()
            self.refresh()
            self._warm_default()
            self._wake.wait(REFRESH_S if self.reachable else RETRY_S)
            self._wake.clear()

    def _warm_default(self) -> None:
        """Load the default once each time it changes or the engine comes back, on our own connection."""
        name = self.default().effective or ""
        if not self.reachable:
            self._warmed = ""
        elif name and name != self._warmed:
            self._warmed = name
            if name in self.loaded:
                return
            try:
                self.engine.warm(name)
            except AppError as error:
                logger.warning("default model not loaded model=%s code=%s cause=%s", name, error.code, error.cause)
                return
            logger.info("default model loaded model=%s", name)
            self.refresh()
