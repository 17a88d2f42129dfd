"""Our own format, which `transfer.py` writes: conversations with all branches, runs and ratings."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from app.chat.conversations import MAX_CONVERSATION_INSTRUCTIONS
from app.chat.imports.trees import DamagedError, LeftOut
from app.errors import SENTENCES, places
from app.generation.worker import METRICS
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.conversations import MAX_FOLDER_NAME
from app.models.copies import RUN_COLUMNS, ConversationCopy, MessageCopy
from app.models.ratings import MAX_REASON
from app.models.users import MAX_PERSONAL_INSTRUCTIONS
from app.web import MAX_CONTENT, MAX_NAME, JsonObject, Text, one_line

FORMAT = "couachgpt"
VERSION = 1
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
# Largest metric: milliseconds (eleven days), tokens or joules.
MOST = 1e9
# Largest text of documents, in characters: more than the largest context holds.
MAX_ATTACHED = 5_000_000


def _past(value: Any) -> datetime:
    """Return the time of an ISO 8601 text; one in the future would keep the conversation at the top of the list."""
    try:
        found = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, OverflowError, OSError) as error:
        raise ValueError from error
    if found < OLDEST:
        raise ValueError
    return min(found, utcnow())


def _ended(state: Any) -> RunState:
    if state in (RunState.QUEUED, RunState.RUNNING):
        raise ValueError
    return RunState(state)


def _known_metrics(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the metrics that this version knows and whose values are plausible, for display; None without any."""

    def plausible(value: Any) -> bool:
        return value is None or (type(value) in (int, float) and 0 <= value <= MOST)

    return {name: value for name, value in (found or {}).items() if name in METRICS and plausible(value)} or None


ONE_LINE = AfterValidator(one_line)
Past = Annotated[datetime, BeforeValidator(_past)]
Content = Annotated[Text, Field(max_length=MAX_CONTENT)]


class OwnRating(JsonObject):
    """The rating of an answer."""

    good: bool = True
    reason: Annotated[Text, Field(max_length=MAX_REASON)] = ""


class OwnMessage(JsonObject):
    """A message; `parent`: the index in the list of the message that it follows."""

    role: Annotated[Role, BeforeValidator(Role)]
    parent: Annotated[int, Field(ge=0)] | None = None
    content: Content = ""
    created_at: Past
    edited_at: Past | None = None
    attached: Annotated[Text, Field(max_length=MAX_ATTACHED)] = ""
    files: list[Annotated[Text, Field(max_length=MAX_NAME)]] = []
    # The rest is of answers.
    thinking: Content = ""
    state: Annotated[RunState, BeforeValidator(_ended)] | None = None
    model: Annotated[Text, Field(max_length=200), ONE_LINE] = ""
    think: bool = False
    reason: Annotated[Text, Field(max_length=40), ONE_LINE] = ""
    error_code: Annotated[Text, Field(max_length=40)] = ""
    error_params: dict[str, Any] = {}
    metrics: Annotated[dict[str, Any] | None, AfterValidator(_known_metrics)] = None
    queued_at: Past | None = None
    finished_at: Past | None = None
    rating: OwnRating | None = None

    @model_validator(mode="after")
    def _answer_is_whole(self) -> Self:
        if self.role == Role.ASSISTANT and not (self.state and self.queued_at):
            raise DamagedError("queued_at" if self.state else "state")
        if self.error_code:
            values = self.error_params.values()
            if self.error_code not in SENTENCES or not all(isinstance(value, str | int) for value in values):
                raise DamagedError("error_code")
            if places(self.error_code) - self.error_params.keys():
                raise DamagedError("error_params")
        return self

    def copy_of(self) -> MessageCopy:
        """Return it as a MessageCopy."""
        copy = MessageCopy(self.role, self.content, self.parent, self.created_at, edited_at=self.edited_at)
        if self.role == Role.USER:
            copy.attached = self.attached
        if self.role == Role.ASSISTANT:
            empty_to_none = {name: getattr(self, name) or None for name in ("reason", "error_code", "error_params")}
            copy.thinking, copy.run = self.thinking, self.model_dump(include=set(RUN_COLUMNS)) | empty_to_none
            copy.rating = self.rating.model_dump() if self.rating else None
        return copy


class OwnConversation(JsonObject):
    """A conversation with all its branches; `head`: the index of the last message of the shown one."""

    title: Annotated[Text, Field(max_length=200), ONE_LINE] = ""
    model: Annotated[Text, Field(max_length=200), ONE_LINE] = ""
    pinned: bool = False
    archived: bool = False
    folder: Annotated[Text, Field(max_length=MAX_FOLDER_NAME), ONE_LINE] = ""
    instructions: Annotated[Text, Field(max_length=MAX_CONVERSATION_INSTRUCTIONS)] = ""
    personal_instructions: Annotated[Text, Field(max_length=MAX_PERSONAL_INSTRUCTIONS)] = ""
    created_at: Past
    updated_at: Past
    messages: Annotated[list[OwnMessage], Field(min_length=1, fail_fast=True)]
    head: int

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        """Raise DamagedError unless questions and answers alternate and the head is an answer that nothing follows."""
        for place, message in enumerate(self.messages):
            above = None if message.parent is None else self.messages[message.parent : place][:1]
            fits = message.role == Role.USER if above is None else above and above[0].role != message.role
            if not fits:
                raise DamagedError("parent")
        answers = {place for place, message in enumerate(self.messages) if message.role == Role.ASSISTANT}
        if self.head not in answers - {message.parent for message in self.messages}:
            raise DamagedError("head")
        return self


def read_own(data: Any, left_out: Counter[LeftOut]) -> ConversationCopy:
    """Return a conversation of our own format. Of it only the originals of files are left out; raises DamagedError."""
    try:
        own = OwnConversation.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        names = ["title", *(part for part in first["loc"] if isinstance(part, str))]
        # Not `from error`: its text contains the user's input.
        raise DamagedError(names[-1]) from None
    left_out[LeftOut.ORIGINALS] += sum(len(message.files) for message in own.messages)
    same = own.model_dump(exclude={"messages", "model", "folder"})
    messages = [message.copy_of() for message in own.messages]
    return ConversationCopy(**same, model=own.model or None, folder=own.folder or None, messages=messages)
