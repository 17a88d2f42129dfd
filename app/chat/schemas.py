"""The requests of the chat's API: the validation of JSON bodies and URL parameters."""

from typing import Annotated, Literal

from flask import request
from pydantic import AfterValidator, Field

from app.errors import AppError
from app.models import ParentRef
from app.models.conversations import MAX_FOLDER_NAME
from app.models.ratings import MAX_REASON
from app.web import MAX_CONTENT, JsonRequest, Line, Name, Number, Text, clean, of_text, plain_text

MAX_TITLE = 200
# Longest instructions of a conversation, in characters: they are part of each of its prompts.
MAX_CONVERSATION_INSTRUCTIONS = 2000


def at_most(limit: int) -> AfterValidator:
    """Return a validator that raises too_large for more than `limit` characters."""

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


# The text of a question; raises blank_message, too_large.
QuestionText = Annotated[Text, AfterValidator(_not_blank), at_most(MAX_CONTENT)]


class AskRequest(JsonRequest):
    """A question to ask in a conversation."""

    content: QuestionText = ""
    client_id: Annotated[str, Field(pattern=r"^[\w-]{0,64}$")] = ""
    model: Name = None
    think: bool = False
    # An explicit null means the beginning of the conversation; a missing field means its end.
    parent_id: Number | None = None
    at_end: bool = False

    @property
    def follows(self) -> ParentRef:
        """The message that the question follows."""
        first = "parent_id" in self.model_fields_set and self.parent_id is None
        return ParentRef(self.parent_id, first=first, at_end=self.at_end)


class CorrectRequest(JsonRequest):
    """A question's new text."""

    content: QuestionText = ""


class RegenerateRequest(JsonRequest):
    """How to write another answer; None: as the first one."""

    model: Name = None
    think: bool | None = None


class CreateConversationRequest(JsonRequest):
    """A new conversation; without a model it uses the default one."""

    model: Name = None


class ChangeConversationRequest(JsonRequest):
    """Changes to a conversation; a field that is None stays as it is."""

    title: Annotated[Line, Field(max_length=MAX_TITLE)] | None = None
    # Only false is allowed: it takes a deletion back.
    deleted: Annotated[bool, AfterValidator(_false)] | None = None
    # An explicit null takes it out of its folder.
    folder_id: Number | None = None
    pinned: bool | None = None
    archived: bool | None = None

    @property
    def restored(self) -> bool:
        """Whether to take back a deletion."""
        return self.deleted is False

    @property
    def folder(self) -> int | Literal[False] | None:
        """The id of the folder to move to; None: out of its folder; False: leave it where it is."""
        return self.folder_id if "folder_id" in self.model_fields_set else False


class FolderRequest(JsonRequest):
    """A folder's name."""

    name: Annotated[Line, Field(max_length=MAX_FOLDER_NAME)] = ""


class InstructionsRequest(JsonRequest):
    """A conversation's instructions; "" removes them."""

    instructions: Annotated[str, of_text(plain_text), at_most(MAX_CONVERSATION_INSTRUCTIONS)]


class RatingRequest(JsonRequest):
    """The rating of an answer."""

    good: bool
    reason: Annotated[str, of_text(lambda text: " ".join(clean(text).split())), at_most(MAX_REASON)] = ""


class RestoreTurnRequest(JsonRequest):
    """A deleted turn to restore: the id that `delete_turn` returned, and the message that it follows."""

    removed: Text
    parent_id: Number | None = None


class ShowBranchRequest(JsonRequest):
    """A message whose branch to show."""

    message_id: Number


def after() -> tuple[int, int | None]:
    """Return the number of the last event that the client received, and its attempt if given; raises invalid_field."""
    number = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    attempt = request.args.get("attempt", "")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise AppError("invalid_field", field="after")
    return int(number), int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) <= 9 else None
