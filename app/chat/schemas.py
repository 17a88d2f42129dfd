"""The JSON that scripts send, with all rules of its fields."""

import re
import secrets
from typing import Annotated, Literal

from flask import request
from pydantic import AfterValidator, Field

from app.bodies import MAX_CONTENT, JsonRequest, Line, Name, Number, Text, clean, of_text, plain_text
from app.errors import AppError
from app.models import ParentRef
from app.models.conversations import MAX_FOLDER_NAME, Cursor
from app.models.messages import MAX_REASON

MAX_TITLE = 200
# Of a conversation's own instructions, in characters: they are part of each of its prompts.
MAX_INSTRUCTIONS = 2000
CLIENT_ID = re.compile(r"[\w-]{1,64}")


def at_most(limit: int) -> AfterValidator:
    """Refuse a longer text; raises too_large."""

    def check(text: str) -> str:
        if len(text) > limit:
            raise AppError("too_large", limit=limit)
        return text

    return AfterValidator(check)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise AppError("blank_message")
    return text


def _false(value: bool) -> bool:
    if value:
        raise ValueError
    return value


def _client_id(text: str) -> str:
    if text and not CLIENT_ID.fullmatch(text):
        raise ValueError
    return text or secrets.token_hex(16)


# Raises blank_message, too_large.
QuestionText = Annotated[Text, AfterValidator(_not_blank), at_most(MAX_CONTENT)]


class AskRequest(JsonRequest):
    """A question to ask in a conversation."""

    content: QuestionText = ""
    client_id: Annotated[str, AfterValidator(_client_id)] = ""
    model: Name = None
    think: bool = False
    # None, given, is "the beginning"; left out it is the end.
    parent_id: Number | None = None
    at_end: bool = False

    @property
    def follows(self) -> ParentRef:
        """What it is to follow."""
        first = "parent_id" in self.model_fields_set and self.parent_id is None
        return ParentRef(self.parent_id, first=first, at_end=self.at_end)


class CorrectRequest(JsonRequest):
    """Other words for a question."""

    content: QuestionText = ""


class RegenerateRequest(JsonRequest):
    """What another answer is to be written with; None: as the first one."""

    model: Name = None
    think: bool | None = None


class CreateConversationRequest(JsonRequest):
    """The model of a new conversation; None: the default."""

    model: Name = None


class ChangeConversationRequest(JsonRequest):
    """What to change in a conversation; None leaves a field as it is."""

    title: Annotated[Line, Field(max_length=MAX_TITLE)] | None = None
    # False takes a deletion back.
    deleted: Annotated[bool, AfterValidator(_false)] | None = None
    # None, given, takes it out of its folder.
    folder_id: Number | None = None
    pinned: bool | None = None
    archived: bool | None = None

    @property
    def restored(self) -> bool:
        """Whether a deletion is taken back."""
        return self.deleted is False

    @property
    def folder(self) -> int | Literal[False] | None:
        """The folder to move to; None: out of its folder; False: where it is."""
        return self.folder_id if "folder_id" in self.model_fields_set else False


class FolderRequest(JsonRequest):
    """A folder's name."""

    name: Annotated[Line, Field(max_length=MAX_FOLDER_NAME)] = ""


class InstructionsRequest(JsonRequest):
    """A conversation's own instructions; an empty text takes them back."""

    instructions: Annotated[str, of_text(plain_text), at_most(MAX_INSTRUCTIONS)]


class RatingRequest(JsonRequest):
    """What a person thinks of an answer."""

    good: bool
    reason: Annotated[str, of_text(lambda text: " ".join(clean(text).split())), at_most(MAX_REASON)] = ""


class RestoreTurnRequest(JsonRequest):
    """Where a turn that was taken out of a conversation comes back."""

    removed: Text
    parent_id: Number | None = None


class ShowBranchRequest(JsonRequest):
    """The message whose branch is to be shown."""

    message_id: Number


def cursor() -> Cursor | None:
    """Where a list goes on; raises invalid_field."""
    text = request.args.get("cursor")
    try:
        return Cursor.parse(text) if text else None
    except (ValueError, OverflowError, OSError):
        raise AppError("invalid_field", field="cursor") from None


def after() -> tuple[int, int | None]:
    """Where a follower goes on: the last number seen and the attempt it belongs to; raises invalid_field."""
    number = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    attempt = request.args.get("attempt", "")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise AppError("invalid_field", field="after")
    return int(number), int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) <= 9 else None
