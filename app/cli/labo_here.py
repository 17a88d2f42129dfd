"""The Labo as a command finds it: a server that runs here does the measuring, else the command itself does."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from flask import Flask
from flask_babel import gettext as _

from app import database
from app.engines import gguf_library, registry
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.generation.queue import RunQueue
from app.lab.runs import historical
from app.lab.service import Lab
from app.model_choice import default_model

# How long the sample in hand may take to be let go of.
FAREWELL_S = 3.0
# How long our own engine may take to load its first model, and how often it is looked at.
START_S, LOOK_S = 120.0, 0.2


def labo_of(app: Flask) -> Lab:
    """This process's."""
    found: Lab = app.extensions["labo"]
    return found


def look(app: Flask) -> None:
    """Before anything is looked at: the tables, and the company's own figures in them."""
    labo = labo_of(app)
    _prepared(app, labo)
    labo.stop()


def _prepared(app: Flask, labo: Lab) -> bool:
    """What a server does at its start, unless one runs here; whether none does."""
    alone = labo.claim()
    if alone:
        database.upgrade(app)
        historical.load_historical()
    return alone


@contextmanager
def measuring(app: Flask) -> Iterator[Lab]:
    """The Labo that runs are given to.

    While a server runs on this instance folder, it holds the Labo's lock: it takes the runs up from the rows, since it
    alone knows when people need the engine. Otherwise this process carries them, with an embedded engine of its own if
    that is the chosen one.
    """
    labo = labo_of(app)
    # The progress is shown; a log in between would spoil it.
    logging.getLogger("app").setLevel(logging.WARNING)
    alone = _prepared(app, labo)
    if alone and app.config["ENGINE"] == "embedded":
        with _embedded(app, labo) as own:
            yield own
        return
    app.extensions["generation"].registry.refresh()
    if not alone:
        click.echo(_("A server runs here: it does the measuring."), err=True)
    try:
        yield labo
    finally:
        labo.stop()


@contextmanager
def _embedded(app: Flask, labo: Lab) -> Iterator[Lab]:
    """The embedded engine, in a folder of its own: a server that starts meanwhile has its own child."""
    # Here because the other commands need none of it.
    from app.engines.supervisor import Supervisor  # noqa: PLC0415

    if problem := gguf_library.missing_part(app.config):
        raise click.ClickException(problem)
    with TemporaryDirectory(prefix="labo-") as folder:
        settings: dict[str, Any] = {**app.config, "INSTANCE_DIR": folder}
        Path(folder, "models").symlink_to(Path(app.config["INSTANCE_DIR"], "models"))
        supervisor = Supervisor(settings)
        supervisor.start()
        engine = registry.make("embedded", settings)
        queue = RunQueue(lambda: engine.slots, 1)
        model_registry = ModelRegistry(engine, lambda: default_model(app))
        own = labo.on(model_registry, BackgroundSlot(queue))
        try:
            _await(model_registry)
            yield own
        finally:
            own.stop()
            queue.close(FAREWELL_S)
            supervisor.stop()


def _await(model_registry: ModelRegistry) -> None:
    deadline = time.monotonic() + START_S
    model_registry.refresh()
    while not model_registry.reachable:
        if time.monotonic() > deadline:
            cause = model_registry.failure
            raise click.ClickException(
                _("%(engine)s does not answer: %(cause)s", engine=model_registry.engine.label, cause=cause)
            )
        time.sleep(LOOK_S)
        model_registry.refresh()
