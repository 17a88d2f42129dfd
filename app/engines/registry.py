"""The engines by name: choose one by the settings, make it, and what administrators read about each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.engines.base import Engine, Model
from app.engines.catalogue import CATALOGUE, DEMO, same_model
from app.engines.embedded import Embedded
from app.engines.openai_compatible import OpenAICompatible
from app.engines.transport import direct_session

PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Vendor:
    """What administrators read about an engine, and whether it can download models (`pulls`).

    `start` mends that it does not answer, `reloads` that it loads the same model again, `cache` that it reads
    conversations again, `overhead` that time goes by beside its work ("" if it is not to blame).
    """

    pulls: bool
    start: LazyString
    reloads: LazyString
    cache: LazyString
    overhead: LazyString | str = ""


_RELOADS = _l("The engine was started again, or a program asked it for another model: the server’s log says which.")
VENDORS = {
    "ollama": Vendor(
        pulls=True,
        start=_l("Start it: sudo systemctl start ollama; OLLAMA_HOST says where it listens."),
        reloads=_l("For Ollama: OLLAMA_KEEP_ALIVE=-1, and let no other program ask it with another context size."),
        cache=_l(
            "Let nobody else use this Ollama, and give its cache more memory: LLAMA_ARG_CACHE_RAM in its service."
        ),
        overhead=_l("Ollama before 0.33 itself loses 0.1 to 0.3 s for each question: install a newer one."),
    ),
    "openai": Vendor(
        pulls=False,
        start=_l("Start it; OPENAI_BASE_URL says where it listens."),
        reloads=_RELOADS,
        cache=_l("Give llama-server more memory for its cache: --cache-ram"),
    ),
    "embedded": Vendor(
        pulls=False,
        start=_l("It runs with the server: make run; its log is embedded.log in INSTANCE_DIR."),
        reloads=_RELOADS,
        cache=_l("Raise CACHE_RAM_MB and CACHE_DISK_MB as far as memory and disk permit."),
    ),
}


def choose(settings: dict[str, Any]) -> tuple[str, LazyString]:
    """Return the engine that ENGINE names, for `auto` the first available one, and why, for the administrator."""
    name, url = settings["ENGINE"], settings["OLLAMA_HOST"]
    if name != "auto":
        return name, _l("set by ENGINE=%(name)s", name=name)
    if look_for_ollama(url) == "found":
        return "ollama", _l("ENGINE=auto: Ollama answers at %(url)s", url=url)
    if settings["OPENAI_BASE_URL"]:
        return "openai", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is set", url=url)
    return "embedded", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is empty", url=url)


def make(name: str, settings: dict[str, Any]) -> Engine:
    """Make the engine of that name, not yet connected. Raises ValueError for a name that no engine has."""
    slots, timeout = settings["ENGINE_SLOTS"], settings["ENGINE_TIMEOUT"]
    if name == "ollama":
        # Imported here: the client costs memory and time that the other engines do not need.
        from app.engines.ollama import Ollama  # noqa: PLC0415

        return Ollama(
            settings["OLLAMA_HOST"],
            context=settings["CONTEXT_TOKENS"],
            threads=settings["ENGINE_THREADS"],
            keep_alive=settings["KEEP_ALIVE"],
            slots=slots or 1,
            read_timeout_s=timeout,
        )
    if name == "openai":
        return OpenAICompatible(
            settings["OPENAI_BASE_URL"], settings["OPENAI_API_KEY"], slots=slots, read_timeout_s=timeout
        )
    if name == "embedded":
        return Embedded(settings["INSTANCE_DIR"], slots=slots or 1, read_timeout_s=timeout)
    raise ValueError(f"no engine is called {name!r}")


def can_be_pulled(engine: Engine, installed: Iterable[Model]) -> list[Model]:
    """Return the models of the catalogue that this engine can download and has not; without the demonstration model."""
    if not VENDORS[engine.name].pulls:
        return []
    names = [model.name for model in installed]
    return [
        known
        for known in CATALOGUE.values()
        if known.name != DEMO and not any(same_model(known.name, name) for name in names)
    ]


def look_for_ollama(url: str) -> str:
    """Return "found", or why not: "refused" (nothing listens there), "silent", "unknown_host", "other" (no Ollama)."""
    try:
        with direct_session() as session:
            return "found" if session.get(f"{url}/api/version", timeout=PROBE_TIMEOUT_S).ok else "other"
    except requests.Timeout:
        return "silent"
    except requests.ConnectionError as error:
        reason = str(error)
        return "unknown_host" if "NameResolution" in reason else "refused" if "refused" in reason else "silent"
    except requests.RequestException:
        return "other"
