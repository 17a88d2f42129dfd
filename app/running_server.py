"""The settings of the server that runs on an instance folder, so that commands ask its engine as it does itself."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.backups import instance_folder, server_lock

# What decides which engine is asked, where the server is reached, and with which options models are loaded.
NAMES = (
    "HOST", "PORT", "ENGINE", "OLLAMA_HOST", "OPENAI_BASE_URL", "ENGINE_SLOTS", "ENGINE_THREADS", "CONTEXT_TOKENS",
    "MAX_OUTPUT_TOKENS", "KEEP_ALIVE", "TEMPERATURE", "SYSTEM_PROMPT",
)  # fmt: skip


def tell(settings: Mapping[str, Any]) -> None:
    """Write down this server's settings, as its master does at its start. It holds no secrets."""
    path = _file(settings)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({name: settings[name] for name in NAMES}))
    new.replace(path)


def withdraw(settings: Mapping[str, Any]) -> None:
    """Remove what `tell` wrote."""
    _file(settings).unlink(missing_ok=True)


def adopt(settings: dict[str, Any]) -> bool:
    """Take over the settings of the server that runs on this folder; return whether there is one.

    For commands only, and not if they were told to use another engine.
    """
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true" or server_lock(settings).holder is None:
        return False
    with suppress(OSError, ValueError):
        told = json.loads(_file(settings).read_text())
        if settings["ENGINE"] in ("auto", told["ENGINE"]):
            settings.update({name: told[name] for name in NAMES if name in told})
            settings["ENGINE_REASON"] = _l("the engine of the server that runs here")
            return True
    return False


def _file(settings: Mapping[str, Any]) -> Path:
    return instance_folder(settings) / "server.json"
