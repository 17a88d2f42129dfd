"""Import a GGUF file: take it, load it, make it the default model; one at a time, while pages show how far it is."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import Engine
from app.engines.model_files import ModelFiles
from app.errors import AppError, database_failure
from app.generation.model_registry import ModelRegistry
from app.models import StoredSetting
from app.models.model_choice import DEFAULT_MODEL_SETTING, ENVIRONMENT

logger = logging.getLogger(__name__)


class ImportPhase(StrEnum):
    """How far an import is; the last three are its ends."""

    RECEIVING = "receiving"
    LOADING = "loading"
    # Loaded, and the default unless DEFAULT_MODEL fixes another one.
    READY = "ready"
    # On the disk, but the engine could not be asked to load it.
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ImportState:
    """The last import: `done` of `size` bytes are there; `failure` tells why it has failed."""

    phase: ImportPhase
    model: str
    size: int
    done: int = 0
    failure: AppError | None = None

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self.phase in (ImportPhase.RECEIVING, ImportPhase.LOADING)


class ModelImport:
    """Imports into the embedded engine's folder. `context` makes a database session in a thread of its own."""

    def __init__(
        self, registry: ModelRegistry, files: ModelFiles, context: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self.files = files
        self._registry = registry
        self._context = context
        # Of this process; None before the first import.
        self.state: ImportState | None = None
        self._lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The engine that is to load the model."""
        return self._registry.engine

    def check(self, name: str, size: int, beginning: bytes) -> None:
        """Raise what speaks against a file before it is sent: see `ModelFiles.check`; also model_import_busy and
        models_elsewhere.
        """
        if self.engine.name != "embedded":
            raise AppError("models_elsewhere", engine=self.engine.label)
        if self.state is not None and self.state.active:
            raise AppError("model_import_busy")
        self.files.check(name, size, beginning)

    def receive(self, name: str, size: int, read: Callable[[int], bytes]) -> str:
        """Take the file into the folder, see `ModelFiles.take`; return the model's name. `load` comes next.

        Also raises models_elsewhere.
        """
        if self.engine.name != "embedded":
            raise AppError("models_elsewhere", engine=self.engine.label)
        with self._lock:
            if self.state is not None and self.state.active:
                raise AppError("model_import_busy")
            before, self.state = self.state, ImportState(ImportPhase.RECEIVING, name, size)
        try:
            model = self.files.take(name, size, read, self._tell)
        except BaseException:
            # The exception tells whoever sent the file.
            self.state = before
            raise
        self.state = ImportState(ImportPhase.LOADING, model, size, size)
        return model

    def load(self, model: str) -> None:
        """Load the model that was received and make it the default; the end is in `state`, and nothing is raised.

        A file that the engine cannot load is deleted. Takes as long as the engine, so never in a web request.
        """
        phase, failure = ImportPhase.READY, None
        with self._registry.without_preloading():
            try:
                self.engine.warm(model)
            except AppError as error:
                logger.warning("imported model not loaded model=%s code=%s cause=%s", model, error.code, error.cause)
                phase = ImportPhase.WAITING
                if error.code in ("engine_load_failed", "engine_no_memory"):
                    self.files.remove(model)
                    phase, failure = ImportPhase.FAILED, AppError("model_not_loaded", name=model, cause=error.cause)
            if failure is None:
                self._make_default(model)
        # Before the end is announced, so that pages which reload then show the model.
        self._registry.refresh()
        if self.state is not None:
            self.state = replace(self.state, phase=phase, failure=failure)

    def start_loading(self, model: str) -> None:
        """Load the model in a thread of its own."""
        threading.Thread(target=self.load, args=(model,), name="model-import", daemon=True).start()

    def _tell(self, done: int) -> None:
        if self.state is not None:
            self.state = replace(self.state, done=done)

    def _make_default(self, model: str) -> None:
        try:
            with self._context():
                if self._registry.default().source != ENVIRONMENT:
                    StoredSetting.put(DEFAULT_MODEL_SETTING, model)
        except SQLAlchemyError as error:
            logger.warning("imported model is not the default model=%s cause=%s", model, database_failure(error).cause)
