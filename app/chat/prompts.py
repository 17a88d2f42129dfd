"""`/api/prompts`: tasks ready to be used, one's own, everyone's and those that come with the program."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, jsonify
from flask_babel import get_locale

from app.chat import blueprint
from app.guards import current_user, member
from app.models import Prompt

LIBRARY = Path(__file__).with_name("library")
SUGGESTED = ("reword", "summary", "translate", "formula")


@cache
def library(language: str) -> dict[str, dict[str, str]]:
    """The program's own prompts in a language, by key: `name`, `detail`, `icon`, `content`."""
    found: dict[str, dict[str, str]] = tomllib.loads((LIBRARY / f"{language}.toml").read_text(encoding="utf-8"))
    return found


def suggestions() -> list[dict[str, str]]:
    """The few that an empty page proposes."""
    known = library(str(get_locale()))
    return [known[key] for key in SUGGESTED]


@blueprint.get("/api/prompts")
@member
def prompts() -> Response:
    """All that this person can use: `mine`, `shared` and `built-in`, in this order."""
    rows: list[dict[str, Any]] = [
        {"kind": "shared" if row.shared else "mine", "name": row.name, "detail": "", "content": row.content}
        for row in Prompt.visible_to(current_user)
    ]
    own = [{"kind": "built-in", **prompt} for prompt in library(str(get_locale())).values()]
    return jsonify({"prompts": rows + own})
