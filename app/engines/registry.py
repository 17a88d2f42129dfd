"""Choose the engine by the settings, and create it."""

from dataclasses import dataclass
from typing import Any

import requests
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.engines import embedded
from app.engines.base import Engine
from app.engines.openai_compatible import OpenAICompatible
from app.engines.transport import direct

PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine's name, and the reason for the choice as a sentence for the administrator."""

    name: str
    reason: LazyString


def choose(settings: dict[str, Any]) -> EngineChoice:
    """Return the engine that ENGINE names; for `auto`, the first available one."""
    name, url = settings["ENGINE"], settings["OLLAMA_HOST"]
    if name != "auto":
        return EngineChoice(name, _l("set by ENGINE=%(name)s", name=name))
    if _ollama_answers(url):
        return EngineChoice("ollama", _l("ENGINE=auto: Ollama answers at %(url)s", url=url))
    if settings["OPENAI_BASE_URL"]:
        return EngineChoice("openai", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is set", url=url))
    return EngineChoice("embedded", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is empty", url=url))


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
        return embedded.Embedded(settings["INSTANCE_DIR"], slots=slots or 1, read_timeout_s=timeout)
    raise ValueError(f"no engine is called {name!r}")


def _ollama_answers(url: str) -> bool:
    try:
        with direct() as session:
            return session.get(f"{url}/api/version", timeout=PROBE_TIMEOUT_S).ok
    except requests.RequestException:
        return False
