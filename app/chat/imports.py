"""Read conversations from files: our own format, ChatGPT's and Open WebUI's exports."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from app.chat.conversations import MAX_CONVERSATION_INSTRUCTIONS
from app.errors import SENTENCES, AppError, places
from app.generation.worker import METRICS
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.conversations import MAX_FOLDER_NAME
from app.models.copies import RUN_COLUMNS, ConversationCopy, MessageCopy
from app.models.ratings import MAX_REASON
from app.models.users import MAX_PERSONAL_INSTRUCTIONS
from app.text import clean
from app.web import MAX_CONTENT, JsonObject, Text, one_line

# Most messages in one file.
MOST_MESSAGES = 50_000


class DamagedError(Exception):
    """A part of a conversation is missing or invalid; the message is the part's name."""


# Our own format, which `transfer.py` writes

FORMAT = "couachgpt"
VERSION = 1
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
# Largest metric: milliseconds (eleven days), tokens or joules.
MOST = 1e9


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


def read_own(data: Any) -> ConversationCopy:
    """Return a conversation of our own format; raises DamagedError."""
    try:
        own = OwnConversation.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        names = ["title", *(part for part in first["loc"] if isinstance(part, str))]
        # Not `from error`: its text contains the user's input.
        raise DamagedError(names[-1]) from None
    same = own.model_dump(exclude={"messages", "model", "folder"})
    messages = [message.copy_of() for message in own.messages]
    return ConversationCopy(**same, model=own.model or None, folder=own.folder or None, messages=messages)


# Other programs' formats: what we cannot use counts as missing

# How Open WebUI stores thinking: quoted, in a folded element of the text.
REASONING = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
QUOTE = re.compile(r"^> ?", re.MULTILINE)
# Types of ChatGPT's contents that its page shows.
SHOWN = ("text", "multimodal_text", "code")
ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _moment(value: Any) -> datetime | None:
    """Return the time of a number of seconds, milliseconds or nanoseconds since 1970; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
        return None
    while value > 1e11:
        value /= 1000
    # A time in the future would keep the conversation at the top of the list.
    return min(datetime.fromtimestamp(value, UTC), utcnow())


def _words(content: Any) -> str:
    """Return the text of a message's content: a string, or the texts among its parts."""
    if isinstance(content, str):
        return clean(content).strip()
    parts: Iterable[Any] = content if isinstance(content, list) else ()
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return clean("\n\n".join(text for text in texts if isinstance(text, str))).strip()


def _thoughts(value: Any) -> str:
    found = (_words(_object(thought).get("content")) for thought in (value if isinstance(value, list) else ()))
    return "\n\n".join(filter(None, found))


Word = Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) else None)]
Words = Annotated[str, BeforeValidator(_words)]
Thoughts = Annotated[str, BeforeValidator(_thoughts)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class OpenWebUIMessage(JsonObject):
    """A message of an Open WebUI chat."""

    role: Word = None
    content: Words = ""
    model: Word = None
    parent: Word = Field(None, alias="parentId")
    timestamp: Moment = None

    def node(self, key: str) -> "Node":
        """Return it as a Node."""
        thinking = "\n\n".join(QUOTE.sub("", found).strip() for found in REASONING.findall(self.content))
        content = REASONING.sub("", self.content).strip()
        return Node(key, self.parent, ROLES.get(self.role or ""), content, thinking, self.model or "", self.timestamp)


OPEN_WEBUI_MESSAGES = TypeAdapter(dict[str, OpenWebUIMessage])


class ChatGPTEntry(JsonObject):
    """A place in the tree of a ChatGPT conversation, with a message or without."""

    parent: Word = None
    role: Word = Field(None, validation_alias=AliasPath("message", "author", "role"))
    kind: Word = Field(None, validation_alias=AliasPath("message", "content", "content_type"))
    parts: Words = Field("", validation_alias=AliasPath("message", "content", "parts"))
    text: Words = Field("", validation_alias=AliasPath("message", "content", "text"))
    thoughts: Thoughts = Field("", validation_alias=AliasPath("message", "content", "thoughts"))
    model: Word = Field(None, validation_alias=AliasPath("message", "metadata", "model_slug"))
    hidden: Any = Field(None, validation_alias=AliasPath("message", "metadata", "is_visually_hidden_from_conversation"))
    # Other than "all": the call of a tool, which is not part of the answer.
    recipient: Any = Field("all", validation_alias=AliasPath("message", "recipient"))
    moment: Moment = Field(None, validation_alias=AliasPath("message", "create_time"))

    def node(self, key: str) -> "Node":
        """Return it as a Node."""
        role = None if self.hidden else ROLES.get(self.role or "")
        content = (self.parts or self.text) if self.kind in SHOWN and self.recipient == "all" else ""
        return Node(key, self.parent, role, content, self.thoughts, self.model or "", self.moment)


CHATGPT_MAPPING = TypeAdapter(dict[str, ChatGPTEntry])


def is_open_webui(data: Any) -> bool:
    """Return whether `data` looks like an Open WebUI chat."""
    if not isinstance(data, dict) or not isinstance(chat := data.get("chat"), dict):
        return False
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read_open_webui(data: dict[str, Any]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
    chat = data["chat"]
    history = _object(chat.get("history"))
    messages = history.get("messages")
    nodes = _nodes(OPEN_WEBUI_MESSAGES, _chained(chat.get("messages")) if messages is None else messages, "messages")
    dates = (data.get("created_at") or chat.get("timestamp"), data.get("updated_at") or chat.get("timestamp"))
    copy = conversation(data.get("title") or chat.get("title"), nodes, history.get("currentId"), *dates)
    if copy is not None:
        copy.pinned, copy.archived = data.get("pinned") is True, data.get("archived") is True
    return copy


def _chained(messages: Any) -> dict[str, Any]:
    """Link the plain message list of older exports into a tree."""
    return {
        str(place): message | {"parentId": str(place - 1) if place else None} if isinstance(message, dict) else message
        for place, message in enumerate(messages or ())
    }


def is_chatgpt(data: Any) -> bool:
    """Return whether `data` looks like a ChatGPT conversation."""
    return isinstance(data, dict) and isinstance(data.get("mapping"), dict)


def read_chatgpt(data: dict[str, Any]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
    nodes = _nodes(CHATGPT_MAPPING, data["mapping"], "mapping")
    dates = (data.get("create_time"), data.get("update_time"))
    return conversation(data.get("title"), nodes, data.get("current_node"), *dates)


# Trees of other programs as ours, where questions and answers alternate


@dataclass(frozen=True, slots=True)
class Node:
    """A message of another program; `role` is None if that program does not show it, such as a tool's."""

    key: str
    parent: str | None
    role: Role | None
    content: str = ""
    thinking: str = ""
    model: str = ""
    moment: datetime | None = None


def conversation(title: Any, nodes: list[Node], current: Any, *dates: Any) -> ConversationCopy | None:
    """Return a conversation from nodes, which must come after their parents; None if it has no question.

    `current`: the key of the message shown last; `dates`: when it was created and last changed.
    """
    made, changed = (_moment(date) or utcnow() for date in dates)
    places, messages = _alternating(nodes, made)
    if not messages:
        return None
    head = _end_below(messages, places.get(str(current)))
    name = " ".join(clean(title).split())[:200] if isinstance(title, str) else ""
    return ConversationCopy(name, messages, head, made, changed)


def _nodes(entries: TypeAdapter[dict[str, Any]], data: Any, part: str) -> list[Node]:
    """Return the entries as nodes, each after its parent; raises DamagedError(part).

    One with an unknown parent becomes a beginning; those in a cycle are left out.
    """
    try:
        found = entries.validate_python(data)
    except ValidationError:
        raise DamagedError(part) from None
    children: dict[str | None, list[str]] = {}
    for key, entry in found.items():
        children.setdefault(entry.parent if entry.parent in found else None, []).append(key)
    order = list(children.get(None, []))
    for key in order:
        order += children.get(key, [])
    return [found[key].node(key) for key in order]


def _alternating(nodes: list[Node], made: datetime) -> tuple[dict[str, int | None], list[MessageCopy]]:
    """Return key → index, and the messages, with questions and answers alternating.

    A message that follows one of the same role is merged with it, as another version of it.
    """
    places: dict[str, int | None] = {}
    messages: list[MessageCopy] = []
    absorbed: set[int] = set()
    for node in nodes:
        above = places.get(node.parent) if node.parent else None
        places[node.key] = above
        if node.role is None or not (node.content or node.thinking):
            continue
        before = None if above is None else messages[above]
        if before is None and node.role == Role.ASSISTANT:
            continue
        if len(node.content) > MAX_CONTENT or len(node.thinking) > MAX_CONTENT:
            raise DamagedError("content")
        message = MessageCopy(node.role, node.content, above, node.moment or made, node.thinking)
        if node.role == Role.ASSISTANT:
            message.run = _run(node.model, RunState.DONE, message.created_at)
        if before is not None and before.role == node.role:
            message.content = "\n\n".join(filter(None, (before.content, node.content)))
            message.thinking = "\n\n".join(filter(None, (before.thinking, node.thinking)))
            message.parent = before.parent
            absorbed.add(above or 0)
        places[node.key] = len(messages)
        messages.append(message)
    return _without(absorbed, places, messages)


def _run(model: str, state: RunState, at: datetime) -> dict[str, Any]:
    ended = {"state": state, "queued_at": at, "finished_at": at, "reason": "stop" if state == RunState.DONE else None}
    return {"model": model[:200] or "?", "think": False} | ended


def _without(
    absorbed: set[int], places: dict[str, int | None], messages: list[MessageCopy]
) -> tuple[dict[str, int | None], list[MessageCopy]]:
    """Remove merged messages that nothing else follows, and add an interrupted answer to unanswered questions."""
    followed = {message.parent for message in messages}
    kept = [place for place in range(len(messages)) if place not in absorbed or place in followed]
    moved: dict[int | None, int | None] = {None: None} | {old: new for new, old in enumerate(kept)}
    found = [messages[place] for place in kept]
    for message in found:
        message.parent = moved[message.parent]
    answered = {message.parent for message in found}
    for place, message in enumerate(list(found)):
        if message.role == Role.USER and place not in answered:
            run = _run("", RunState.INTERRUPTED, message.created_at)
            found.append(MessageCopy(Role.ASSISTANT, "", place, message.created_at, run=run))
    return {key: moved.get(place) for key, place in places.items()}, found


def _end_below(messages: list[MessageCopy], place: int | None) -> int:
    """Return the index of the newest message at or below `place` (None: of all); nothing follows it."""
    below = set(range(len(messages))) if place is None else {place}
    for other, message in enumerate(messages):
        if message.parent in below:
            below.add(other)
    return max(below)


# Files


def read_file(file: bytes, product: str) -> list[ConversationCopy]:
    """Return the conversations of a file; `product` is our name in the error.

    Raises import_unreadable, import_unknown, import_version, import_damaged, import_too_many, import_empty.
    """
    try:
        data = json.loads(file, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AppError("import_unreadable", cause=str(error)) from error
    if isinstance(data, dict) and data.get("format") == FORMAT:
        if data.get("version") != VERSION:
            raise AppError("import_version", version=str(data.get("version"))[:20])
        return _all(data.get("conversations"), read_own)
    for recognises, read in ((is_chatgpt, read_chatgpt), (is_open_webui, read_open_webui)):
        # A file may hold one conversation instead of a list.
        entries = [data] if recognises(data) else data
        if isinstance(entries, list) and entries and all(recognises(entry) for entry in entries):
            return _all(entries, read)
    raise AppError("import_unknown", own=product)


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity: Python's parser accepts them, but they are not JSON and browsers cannot read them."""
    raise ValueError(constant)


def _all(entries: Any, read: Callable[[Any], ConversationCopy | None]) -> list[ConversationCopy]:
    """Read all entries of a file with `read`, leaving out conversations without questions."""
    if not isinstance(entries, list):
        raise AppError("import_damaged", title="?", part="conversations")
    copies, messages = [], 0
    for number, entry in enumerate(entries, 1):
        try:
            copy = read(entry)
        except DamagedError as damage:
            title = entry.get("title") if isinstance(entry, dict) else None
            name = title[:60] if isinstance(title, str) and title.isprintable() else str(number)
            raise AppError("import_damaged", title=name, part=str(damage)) from damage
        if copy is not None:
            copies.append(copy)
            messages += len(copy.messages)
    if messages > MOST_MESSAGES:
        raise AppError("import_too_many", limit=MOST_MESSAGES)
    if not copies:
        raise AppError("import_empty")
    return copies
