"""The JSON that scripts send, with all rules of its fields."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from app.errors import AppError
from app.models.types import MAX_INTEGER

MAX_CONTENT = 200_000
MAX_TITLE = 200
MAX_NAME = 200
CLIENT_ID = re.compile(r"[\w-]{1,64}")
SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that can be stored and sent: without NUL, and with U+FFFD for halves of characters."""
    return SURROGATES.sub("\ufffd", text.replace("\0", ""))


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


@dataclass(frozen=True, slots=True)
class Question:
    """A question to ask in a conversation."""

    content: str
    model: str | None
    think: bool
    client_id: str
    parent_id: int | None

    @classmethod
    def read(cls) -> "Question":
        """From the request; raises blank_message, too_large, invalid_field, bad_request."""
        data = body()
        content = clean(field(data, "content", str, ""))
        if not content.strip():
            raise AppError("blank_message")
        if len(content) > MAX_CONTENT:
            raise AppError("too_large", limit=MAX_CONTENT)
        client_id = field(data, "client_id", str) or secrets.token_hex(16)
        if not CLIENT_ID.fullmatch(client_id):
            raise AppError("invalid_field", field="client_id")
        return cls(
            content,
            name_field(data, "model"),
            field(data, "think", bool, False),
            client_id,
            field(data, "parent_id", int),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What to change in a conversation; None leaves a field as it is."""

    title: str | None
    pinned: bool | None
    archived: bool | None
    restored: bool

    @classmethod
    def read(cls) -> "Change":
        """From the request; raises invalid_field, bad_request."""
        data = body()
        title = field(data, "title", str)
        if title is not None:
            title = "".join(letter for letter in " ".join(title.split()) if letter.isprintable())
            if not title or len(title) > MAX_TITLE:
                raise AppError("invalid_field", field="title")
        if field(data, "deleted", bool, False):
            raise AppError("invalid_field", field="deleted")
        return cls(title, field(data, "pinned", bool), field(data, "archived", bool), data.get("deleted") is False)


def after() -> tuple[int, int | None]:
    """Where a follower goes on: the last number seen and the attempt it belongs to; raises invalid_field."""
    number = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    attempt = request.args.get("attempt", "")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise AppError("invalid_field", field="after")
    return int(number), int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) <= 9 else None
