"""The JSON that scripts send, with all rules of its fields."""

import re
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from flask import request

from app.bodies import MAX_CONTENT, body, clean, field, name_field, plain_text
from app.errors import AppError
from app.models import ParentRef
from app.models.conversations import MAX_FOLDER_NAME, Cursor
from app.models.messages import MAX_REASON

MAX_TITLE = 200
# Of a conversation's own instructions, in characters: they are part of each of its prompts.
MAX_INSTRUCTIONS = 2000
CLIENT_ID = re.compile(r"[\w-]{1,64}")


def one_line(text: str, name: str, longest: int) -> str:
    """A name or title: in one line, without what cannot be seen; raises invalid_field."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    if not line or len(line) > longest:
        raise AppError("invalid_field", field=name)
    return line


def folder_name() -> str:
    """A folder's name, from the request; raises invalid_field, bad_request."""
    return one_line(field(body(), "name", str, ""), "name", MAX_FOLDER_NAME)


def cursor() -> Cursor | None:
    """Where a list goes on; raises invalid_field."""
    text = request.args.get("cursor")
    try:
        return Cursor.parse(text) if text else None
    except (ValueError, OverflowError, OSError):
        raise AppError("invalid_field", field="cursor") from None


def question_text(data: dict[str, Any]) -> str:
    """A question's words; raises blank_message, too_large, invalid_field."""
    content = clean(field(data, "content", str, ""))
    if not content.strip():
        raise AppError("blank_message")
    if len(content) > MAX_CONTENT:
        raise AppError("too_large", limit=MAX_CONTENT)
    return content


@dataclass(frozen=True, slots=True)
class Question:
    """A question to ask in a conversation."""

    content: str
    model: str | None
    think: bool
    client_id: str
    follows: ParentRef

    @classmethod
    def read(cls) -> "Question":
        """From the request; raises blank_message, too_large, invalid_field, bad_request."""
        data = body()
        content = question_text(data)
        client_id = field(data, "client_id", str) or secrets.token_hex(16)
        if not CLIENT_ID.fullmatch(client_id):
            raise AppError("invalid_field", field="client_id")
        return cls(
            content,
            name_field(data, "model"),
            field(data, "think", bool, False),
            client_id,
            ParentRef(
                field(data, "parent_id", int),
                # The parent was said to be none.
                first="parent_id" in data and data["parent_id"] is None,
                at_end=field(data, "at_end", bool, False),
            ),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What to change in a conversation; None leaves a field as it is."""

    title: str | None
    pinned: bool | None
    archived: bool | None
    restored: bool
    # False leaves it where it is, None takes it out of its folder.
    folder: int | Literal[False] | None

    @classmethod
    def read(cls) -> "Change":
        """From the request; raises invalid_field, bad_request."""
        data = body()
        title = field(data, "title", str)
        if title is not None:
            title = one_line(title, "title", MAX_TITLE)
        if field(data, "deleted", bool, False):
            raise AppError("invalid_field", field="deleted")
        folder = field(data, "folder_id", int) if "folder_id" in data else False
        restored = data.get("deleted") is False
        return cls(title, field(data, "pinned", bool), field(data, "archived", bool), restored, folder)


@dataclass(frozen=True, slots=True)
class Instructions:
    """A conversation's own instructions; an empty text takes them back."""

    text: str

    @classmethod
    def read(cls) -> "Instructions":
        """From the request; raises missing_field, too_large, invalid_field, bad_request."""
        text = field(body(), "instructions", str)
        if text is None:
            raise AppError("missing_field", field="instructions")
        text = plain_text(text)
        if len(text) > MAX_INSTRUCTIONS:
            raise AppError("too_large", limit=MAX_INSTRUCTIONS)
        return cls(text)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person thinks of an answer."""

    good: bool
    reason: str

    @classmethod
    def read(cls) -> "Opinion":
        """From the request; raises missing_field, too_large, invalid_field, bad_request."""
        data = body()
        good = field(data, "good", bool)
        if good is None:
            raise AppError("missing_field", field="good")
        reason = " ".join(clean(field(data, "reason", str, "")).split())
        if len(reason) > MAX_REASON:
            raise AppError("too_large", limit=MAX_REASON)
        return cls(good, reason)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something that was taken out of a conversation comes back."""

    removed: str
    parent_id: int | None

    @classmethod
    def read(cls) -> "Place":
        """From the request; raises missing_field, invalid_field, bad_request."""
        data = body()
        removed = field(data, "removed", str)
        if removed is None:
            raise AppError("missing_field", field="removed")
        return cls(removed, field(data, "parent_id", int))


def wanted_message() -> int:
    """The message that a request names; raises missing_field, invalid_field, bad_request."""
    found: int | None = field(body(), "message_id", int)
    if found is None:
        raise AppError("missing_field", field="message_id")
    return found


def after() -> tuple[int, int | None]:
    """Where a follower goes on: the last number seen and the attempt it belongs to; raises invalid_field."""
    number = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    attempt = request.args.get("attempt", "")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise AppError("invalid_field", field="after")
    return int(number), int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) <= 9 else None
