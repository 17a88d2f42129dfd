"""The JSON of requests: read, with each field's type, and text that can be stored and sent."""

import re
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from app.errors import AppError
from app.models.base import MAX_INTEGER

# Of one message, in characters.
MAX_CONTENT = 200_000
MAX_NAME = 200
SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that can be stored and sent: without NUL, and with U+FFFD for halves of characters."""
    return SURROGATES.sub("\ufffd", text.replace("\0", ""))


def plain_text(text: str | None) -> str:
    """What a text area sent: with line ends as the rest of the world writes them, without what cannot be stored."""
    return clean(text or "").replace("\r\n", "\n").strip()


def body() -> dict[str, Any]:
    """The request's JSON object, or an empty one when nothing was sent; raises bad_request."""
    if not request.get_data(cache=True):
        return {}
    try:
        data = request.get_json(force=request.mimetype == "application/json")
    except (BadRequest, UnicodeDecodeError, RecursionError) as error:
        raise AppError("bad_request", cause=str(error)) from error
    if not isinstance(data, dict):
        raise AppError("bad_request", cause="not an object")
    return data


def field(data: dict[str, Any], name: str, kind: type[Any], default: Any = None) -> Any:
    """A field of that type, or the default when it is absent or null; raises invalid_field."""
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or abs(value) > MAX_INTEGER)):
        raise AppError("invalid_field", field=name)
    return value


def name_field(data: dict[str, Any], name: str) -> str | None:
    """A short text such as a model's name, or None for an absent or empty one."""
    value = field(data, name, str, "").strip()
    if len(value) > MAX_NAME or not value.isprintable():
        raise AppError("invalid_field", field=name)
    return value or None
