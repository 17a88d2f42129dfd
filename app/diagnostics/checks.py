"""Run all quick checks, for the administrator's page and for `flask doctor`."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.diagnostics import history
from app.diagnostics import host as machine
from app.diagnostics.checks import Finding, FindingState
from app.diagnostics.history import Record
from app.diagnostics.host import Host, Subject
from app.engines.base import Engine
from app.engines.embedded import default_threads
from app.engines.endpoint import endpoint_file
from app.errors import AppError
from app.generation.model_registry import ModelRegistry

LOCAL = ("127.0.0.1", "localhost", "::1")


def quick_findings(settings: dict[str, Any], registry: ModelRegistry, records: Sequence[Record]) -> list[Finding]:
    """Check the engine, its machine if that is this one, and the last answers."""
    host = Host()
    engine = registry.engine
    found = [_engine(registry)]
    if _is_here(engine):
        found += machine.host_findings(host, subject(host, engine, settings))
    else:
        text = _(
            "%(engine)s runs on another machine, whose cores and memory cannot be seen from here.", engine=engine.label
        )
        mend = _("Look there: threads against cores, quota, swap, memory nodes, frequency.")
        found.append(Finding("elsewhere", FindingState.UNKNOWN, text, mend))
    return found + history.history_findings(records, engine.name)


def subject(host: Host, engine: Engine, settings: dict[str, Any]) -> Subject:
    """Return the engine with its processes and the threads that it was asked to use."""
    threads = settings["ENGINE_THREADS"]
    if engine.name != "embedded":
        return Subject(engine.name, engine.label, threads, machine.processes_named(host, engine.name))
    return Subject(engine.name, engine.label, threads or default_threads(), _child(host, settings["INSTANCE_DIR"]))


def _engine(registry: ModelRegistry) -> Finding:
    """Check whether the engine answers and has loaded the default model."""
    engine, default = registry.engine, registry.default()
    words = {"engine": engine.label, "model": default.effective or default.name}
    if not registry.reachable:
        mends = {
            "ollama": _("Start it: sudo systemctl start ollama; OLLAMA_HOST says where it listens."),
            "openai": _("Start it; OPENAI_BASE_URL says where it listens."),
        }
        mend = mends.get(engine.name) or _(
            "It runs with the server: make run; its log is embedded.log in INSTANCE_DIR."
        )
        cause = _("%(engine)s does not answer: %(cause)s", engine=engine.label, cause=registry.failure or "?")
        return Finding("engine", FindingState.BAD, cause, mend)
    if default.effective is None:
        return Finding("engine", FindingState.BAD, _("No model is installed."), _("Install one: flask models pull …"))
    if default.effective not in registry.loaded:
        cause = _("%(engine)s answers, but %(model)s is not in its memory: the next question waits for it.", **words)
        mend = _("Load it: flask models warm; with Ollama OLLAMA_KEEP_ALIVE=-1 keeps it.")
        return Finding("engine", FindingState.WARNING, cause, mend)
    return Finding("engine", FindingState.OK, _("%(engine)s answers, %(model)s is loaded.", **words))


def _is_here(engine: Engine) -> bool:
    try:
        return urlsplit(engine.url).hostname in LOCAL
    except AppError:
        # The embedded engine has no address before its start, but is always on this machine.
        return True


def _child(host: Host, instance: str) -> tuple[int, ...]:
    """Return the embedded engine's process id from the file that the supervisor wrote; () if it does not run."""
    try:
        endpoint = json.loads(endpoint_file(instance).read_text())
    except (OSError, ValueError):
        return ()
    return (endpoint["pid"],) if host.runs(endpoint["pid"]) else ()
