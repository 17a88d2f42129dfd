"""The JSON that scripts send, with all rules of its fields."""

import re
import secrets
from dataclasses import dataclass

from flask import request

from app.bodies import MAX_CONTENT, body, clean, field, name_field
from app.errors import AppError

MAX_TITLE = 200
CLIENT_ID = re.compile(r"[\w-]{1,64}")


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
