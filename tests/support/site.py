"""The application in this process, on a database file of its own, with its runs and threads."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine

import config
from app import create_app, make_services
from app import database as tables
from app.extensions import db
from app.generation.service import Generation
from tests.fakes.ollama import FakeOllama
from tests.support.person import CHEAP_HASH

SECRET = "only for tests: 32 characters and more"
DATABASE = "couachgpt.sqlite3"


class CompiledTemplates(BytecodeCache):
    """Compiled templates that all sites share: compiling them for each test would take most of its time."""

    _kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Site:
    """Made stopped: `start()` takes up the runs, as a worker process does. `pool`: options of the database's."""

    def __init__(self, folder: Path, pool: dict[str, int] | None = None, **settings: Any) -> None:
        environ = {"INSTANCE_DIR": str(folder), "SECRET_KEY": SECRET, "ENGINE": "ollama", "LOG_LEVEL": "error"}
        environ["PASSWORD_COST"] = CHEAP_HASH
        environ |= {name: str(value) for name, value in settings.items()}
        self.settings = config.load(environ, env_file=None)
        self.settings["ENGINE_REASON"] = f"ENGINE={self.settings['ENGINE']}"
        self.settings["SQLALCHEMY_ENGINE_OPTIONS"] = pool or {}
        self.app = create_app(self.settings)
        self.app.jinja_env.bytecode_cache = CompiledTemplates()
        self._threads: list[threading.Thread] = []

    def renew(self, ollama_host: str) -> "Site":
        """The same application as if it had just been made, for this Ollama; it must be stopped."""
        self.database.dispose()
        self.app.config["OLLAMA_HOST"] = config.ollama_url(ollama_host)
        make_services(self.app)
        self._threads = []
        return self

    @property
    def generation(self) -> Generation:
        found: Generation = self.app.extensions["generation"]
        return found

    @property
    def database(self) -> Engine:
        """The pool of connections."""
        with self.app.app_context():
            return db.engine

    @contextmanager
    def rows(self) -> Iterator[Any]:
        """A database session, for a look at what was stored."""
        with self.app.app_context():
            yield db.session

    def migrate(self) -> None:
        tables.upgrade(self.app)

    def start(self, engine: FakeOllama | None = None) -> "Site":
        """Start the runs; with an engine, return once its default model is loaded."""
        before = threading.enumerate()
        self.generation.start()
        self.app.extensions["extractor"].start()
        self._threads = [thread for thread in threading.enumerate() if thread not in before]
        if engine is not None:
            engine.wait_until(lambda: bool(self.generation.registry.loaded))
        return self

    def stop(self) -> None:
        """End the runs, the threads and the connections."""
        self.app.extensions["lab"].stop()
        self.app.extensions["extractor"].stop()
        self.generation.stop()
        for thread in self._threads:
            thread.join(5)
        self.database.dispose()


def migrated(folder: Path) -> Path:
    """A database file with all tables, to be copied."""
    site = Site(folder)
    site.migrate()
    site.stop()
    return folder / DATABASE


def furnished(folder: Path, database: Path) -> Path:
    """That instance folder with nothing but a copy of that database."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(database, folder / DATABASE)
    return folder
