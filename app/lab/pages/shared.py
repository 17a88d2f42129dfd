"""Helpers of the Labo's pages: the running `Lab`, rendering with the common template variables, query numbers."""

from typing import Any

from flask import current_app, render_template, request

from app.errors import AppError
from app.js_messages import renderer_messages
from app.lab import messages
from app.lab.presentation import display
from app.lab.runs import queries
from app.lab.service import Lab
from app.models.base import MAX_INTEGER
from app.web import generation


def current_lab() -> Lab:
    """The `Lab` of the current application."""
    found: Lab = current_app.extensions["lab"]
    return found


def page(template: str, current: str, **values: Any) -> str:
    """Render a template of the Labo; `current`: its entry in the sidebar."""
    return render_template(f"lab/{template}.html", page="lab", current=f"lab.{current}", **shared(), **values)


def shared() -> dict[str, Any]:
    """The variables that all of the Labo's templates may use."""
    return {
        "display": display,
        "messages": messages,
        "mark": queries.mark,
        "default": generation().registry.default().effective,
        "texts": renderer_messages(),
    }


def number_asked(name: str) -> int | None:
    """A whole number from the query string; None when it is absent. Raises invalid_field."""
    given = request.args.get(name, "")
    if not given:
        return None
    if not given.isdecimal() or not given.isascii() or int(given[:20]) > MAX_INTEGER:
        raise AppError("invalid_field", field=name)
    return int(given)
