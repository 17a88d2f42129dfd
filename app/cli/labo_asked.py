"""What `flask labo` is asked: its options as a plan, by which names it speaks of them, and a yes or no."""

from itertools import product
from typing import Any

import click
from flask_babel import gettext as _

THINKING = {"no": (False,), "yes": (True,), "both": (False, True)}
# The option that each part of a plan is from.
OPTIONS = {
    "models": "--models",
    "tasks": "--prompts",
    "kinds": "--kinds",
    "repeats": "--repeat",
    "think": "--think",
    "threads": "--threads",
    "context": "--context",
    "temperature": "--temperature",
    "readings": "--lengths",
    "crowds": "--people",
    "max_tokens": "--max-tokens",
    "seed": "--seed",
}


def plan(asked: dict[str, Any]) -> dict[str, Any]:
    """The options as a plan's JSON; what was left out is left out."""
    settings = product(
        THINKING[asked["think"]],
        _numbers(asked, "threads", int) or [0],
        _numbers(asked, "context", int) or [0],
        _numbers(asked, "temperature", float) or [None],
    )
    names = ("think", "threads", "context", "temperature")
    several = {
        "models": _names(asked["models"]),
        "tasks": _names(asked["prompts"]),
        "kinds": _names(asked["kinds"]),
        "readings": _numbers(asked, "readings", int),
        "crowds": _numbers(asked, "crowds", int),
        "settings": [dict(zip(names, values, strict=True)) for values in settings],
    }
    single = {name: asked[name] for name in ("repeats", "max_tokens", "seed") if asked[name] is not None}
    return {name: value for name, value in several.items() if value} | single


def confirm(question: str) -> None:
    """Go on after a yes only, which may be said in English too; else the command ends."""
    # What says yes, one letter and the word; click's own question speaks English only.
    yes = {"y", "yes", _("y"), _("yes")}
    choice = _("y/N")
    given = click.prompt(f"{question} [{choice}]", default="", show_default=False)
    if given.strip().lower() not in yes:
        raise click.Abort


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(asked: dict[str, Any], name: str, kind: type[int] | type[float]) -> list[Any]:
    try:
        return [kind(number) for number in _names(asked[name])]
    except ValueError:
        said = _("%(option)s takes numbers with commas, not “%(text)s”.", option=OPTIONS[name], text=asked[name])
        raise click.ClickException(said) from None
