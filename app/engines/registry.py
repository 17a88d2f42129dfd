"""Which engine is used, why, and how it is made from the settings."""

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
class Choice:
    """The engine's name and the reason, one sentence for the administrator."""

    name: str
    reason: LazyString


def choose(settings: dict[str, Any]) -> Choice:
    """The engine that ENGINE names; for `auto` the first that can be used."""
    name, url = settings["ENGINE"], settings["OLLAMA_HOST"]
    if name != "auto":
        return Choice(name, _l("set by ENGINE=%(name)s", name=name))
    if _ollama_answers(url):
        return Choice("ollama", _l("ENGINE=auto: Ollama answers at %(url)s", url=url))
    if settings["OPENAI_BASE_URL"]:
        return Choice("openai", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is set", url=url))
    return Choice("embedded", _l("ENGINE=auto: no Ollama at %(url)s, and OPENAI_BASE_URL is empty", url=url))


def make(name: str, settings: dict[str, Any]) -> Engine:
    """The engine of that name; nothing is connected yet. Raises ValueError for a name that no engine has."""
    slots, timeout = settings["ENGINE_SLOTS"], settings["ENGINE_TIMEOUT"]
    if name == "ollama":
        # Here because the client's import costs memory and time that the other engines need not pay.
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
