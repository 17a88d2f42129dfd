"""Other programs' formats, ChatGPT's and Open WebUI's: what we cannot use counts as missing."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasPath, BeforeValidator, Field, TypeAdapter, ValidationError

from app.chat.imports.trees import Chat, DamagedError, LeftOut, Node, conversation, in_order, line, moment
from app.models import Role
from app.models.copies import ConversationCopy
from app.text import clean
from app.web import JsonObject

ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
# What stands in a text for a picture and for a recording without words: the same in every language.
PICTURE, RECORDING = "[image]", "[audio]"


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a content, with marks for what cannot be kept, and how much that is."""

    text: str = ""
    pictures: int = 0
    recordings: int = 0


@dataclass(frozen=True, slots=True)
class Attached:
    """The files of a message: a mark for each, and how many are pictures."""

    marks: tuple[str, ...] = ()
    pictures: int = 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said(content: Any) -> Said:
    """Return the text of a message's content: a string, or the texts and pictures among its parts."""
    parts = [content] if isinstance(content, str) else content if isinstance(content, list) else []
    texts, pictures, recordings = [], 0, 0
    for part in parts:
        text = part if isinstance(part, str) else _object(part).get("text")
        kind = str(_object(part).get("content_type") or _object(part).get("type"))
        if isinstance(text, str):
            texts.append(clean(text).strip())
        elif "image" in kind:
            texts.append(PICTURE)
            pictures += 1
        elif "audio" in kind or "video" in kind:
            recordings += 1
    # What was said in a recording usually stands beside it.
    marks = [RECORDING] * (recordings and not any(texts))
    return Said(_joined([*texts, *marks]), pictures, recordings)


def _attached(files: Any) -> Attached:
    marks, pictures = [], 0
    for file in files if isinstance(files, list) else ():
        found = _object(file)
        kinds = (found.get(name) for name in ("type", "content_type", "mime_type", "mimeType"))
        is_picture = any(isinstance(kind, str) and kind.startswith("image") for kind in kinds)
        pictures += is_picture
        name = line(found.get("name") or _object(found.get("file")).get("filename"), 200)
        marks.append(PICTURE if is_picture else f"[{name or 'file'}]")
    return Attached(tuple(marks), pictures)


def _thoughts(value: Any) -> str:
    found = (_said(_object(thought).get("content")).text for thought in (value if isinstance(value, list) else ()))
    return _joined(found)


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))


Word = Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) else None)]
Words = Annotated[Said, BeforeValidator(_said)]
Files = Annotated[Attached, BeforeValidator(_attached)]
Thoughts = Annotated[str, BeforeValidator(_thoughts)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]


# Open WebUI

# It stores thinking, calls of tools and programs that were run as folded elements of the text; older versions left the
# tags of the model.
REASONING = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
THINK_TAGS = re.compile(r"\A\s*<(think|thinking)>(.*?)</\1>\s*", re.DOTALL)
TOOL_CALL = re.compile(r'<details type="(?:tool_calls|code_interpreter)"[^>]*>.*?</details>\s*', re.DOTALL)
QUOTE = re.compile(r"^> ?", re.MULTILINE)


class OpenWebUIMessage(JsonObject):
    """A message of an Open WebUI chat."""

    role: Word = None
    content: Words = Said()
    model: Word = None
    parent: Word = Field(None, alias="parentId")
    timestamp: Moment = None
    files: Files = Attached()

    def node(self, key: str, left_out: Counter[LeftOut]) -> Node:
        """Return it as a Node; counts what is left out."""
        role, text, thinking = ROLES.get(self.role or ""), self.content.text, ""
        if role == Role.ASSISTANT:
            text, calls = TOOL_CALL.subn("", text)
            thoughts = [_unquoted(found) for found in REASONING.findall(text)]
            text = REASONING.sub("", text).strip()
            if tagged := THINK_TAGS.match(text):
                thoughts.append(tagged[2].strip())
                text = text[tagged.end() :]
            thinking = _joined(thoughts)
            left_out[LeftOut.TOOL_CALLS] += calls
        left_out[LeftOut.PICTURES] += self.content.pictures + self.files.pictures
        left_out[LeftOut.FILES] += len(self.files.marks) - self.files.pictures
        left_out[LeftOut.RECORDINGS] += self.content.recordings
        content = _joined([*self.files.marks, text])
        return Node(key, self.parent, role, content, thinking, line(self.model, 200), self.timestamp)


def _unquoted(thinking: str) -> str:
    """Remove the quotation marks of each line, which newer versions escape for HTML with the whole text."""
    thinking = thinking.strip()
    return QUOTE.sub("", html.unescape(thinking) if thinking.startswith("&gt;") else thinking).strip()


OPEN_WEBUI_MESSAGES = TypeAdapter(dict[str, OpenWebUIMessage])


def is_open_webui(data: Any) -> bool:
    """Return whether `data` looks like an Open WebUI chat."""
    if not isinstance(data, dict) or not isinstance(chat := data.get("chat"), dict):
        return False
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read_open_webui(data: dict[str, Any], left_out: Counter[LeftOut]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
    chat = data["chat"]
    history = _object(chat.get("history"))
    messages = history.get("messages")
    nodes = _nodes(
        OPEN_WEBUI_MESSAGES, _chained(chat.get("messages")) if messages is None else messages, "messages", left_out
    )
    models = chat.get("models")
    about = Chat(
        title=data.get("title") or chat.get("title"),
        created=data.get("created_at") or chat.get("timestamp"),
        updated=data.get("updated_at") or chat.get("timestamp"),
        current=history.get("currentId"),
        # With several, any of them may have written an answer.
        model=models[0] if isinstance(models, list) and len(models) == 1 else None,
    )
    copy = conversation(about, nodes, left_out)
    if copy is not None:
        copy.pinned, copy.archived = data.get("pinned") is True, data.get("archived") is True
    return copy


def _chained(messages: Any) -> dict[str, Any]:
    """Link the plain message list of older exports into a tree."""
    return {
        str(place): message | {"parentId": str(place - 1) if place else None} if isinstance(message, dict) else message
        for place, message in enumerate(messages or ())
    }


# ChatGPT

# Types of contents that its page shows.
SHOWN = ("text", "multimodal_text", "code")
# Marks within answers: U+E200, a kind, its values after U+E202 each, U+E201; older ones are like 【12†source】. Spaces
# before a mark go with it if nothing takes its place.
MARK = re.compile("( *)\ue200([^\ue200-\ue202]*)((?:\ue202[^\ue200-\ue202]*)*)\ue201")
REST_OF_MARKS = re.compile(r" *【\d+[^【】]*†[^【】]*】|[\ue200-\ue206]")


def _without_marks(text: str, references: Any) -> str:
    """Replace ChatGPT's marks: those of sources by their links, those of names by the names, others by nothing."""
    for reference in references if isinstance(references, list) else ():
        mark, link = (_object(reference).get(name) for name in ("matched_text", "alt"))
        if isinstance(mark, str) and mark.startswith("\ue200") and isinstance(link, str) and link:
            text = text.replace(mark, clean(link))
    return REST_OF_MARKS.sub("", MARK.sub(_named, text)).strip()


def _named(mark: re.Match[str]) -> str:
    space, kind, values = mark[1], mark[2], mark[3].removeprefix("\ue202").split("\ue202")
    name: Any = None
    if kind == "entity":
        # A list of JSON: the kind of thing, its name, and more.
        try:
            name = json.loads(values[0])[1]
        except (ValueError, LookupError, TypeError, RecursionError):
            name = None
    elif kind == "url":
        name = values[0]
    return space + name if isinstance(name, str) and name else ""


class ChatGPTEntry(JsonObject):
    """A place in the tree of a ChatGPT conversation, with a message or without."""

    parent: Word = None
    role: Word = Field(None, validation_alias=AliasPath("message", "author", "role"))
    kind: Word = Field(None, validation_alias=AliasPath("message", "content", "content_type"))
    parts: Words = Field(Said(), validation_alias=AliasPath("message", "content", "parts"))
    text: Words = Field(Said(), validation_alias=AliasPath("message", "content", "text"))
    thoughts: Thoughts = Field("", validation_alias=AliasPath("message", "content", "thoughts"))
    model: Word = Field(None, validation_alias=AliasPath("message", "metadata", "model_slug"))
    hidden: Any = Field(None, validation_alias=AliasPath("message", "metadata", "is_visually_hidden_from_conversation"))
    files: Files = Field(Attached(), validation_alias=AliasPath("message", "metadata", "attachments"))
    references: Any = Field(None, validation_alias=AliasPath("message", "metadata", "content_references"))
    # Other than "all": the call of a tool, which is not part of the answer.
    recipient: Any = Field("all", validation_alias=AliasPath("message", "recipient"))
    moment: Moment = Field(None, validation_alias=AliasPath("message", "create_time"))

    def node(self, key: str, left_out: Counter[LeftOut]) -> Node:
        """Return it as a Node; counts what is left out."""
        role = None if self.hidden else ROLES.get(self.role or "")
        model = line(self.model, 200)
        if self.role == "tool" and self.parts.pictures and not self.hidden:
            # A picture that was made for the person is an answer, or a part of one.
            left_out[LeftOut.PICTURES] += self.parts.pictures
            return Node(key, self.parent, Role.ASSISTANT, PICTURE, "", model, self.moment)
        if role is None or self.recipient != "all" or self.kind not in SHOWN:
            left_out[LeftOut.TOOL_CALLS] += role == Role.ASSISTANT and self.recipient != "all"
            return Node(key, self.parent, role, "", self.thoughts, model, self.moment)
        said = self.parts if self.parts.text else self.text
        # Attached pictures are among the parts already.
        names = [mark for mark in self.files.marks if mark != PICTURE]
        left_out[LeftOut.PICTURES] += said.pictures
        left_out[LeftOut.RECORDINGS] += said.recordings
        left_out[LeftOut.FILES] += len(names)
        text = _without_marks(said.text, self.references) if role == Role.ASSISTANT else said.text
        return Node(key, self.parent, role, _joined([*names, text]), self.thoughts, model, self.moment)


CHATGPT_MAPPING = TypeAdapter(dict[str, ChatGPTEntry])


def is_chatgpt(data: Any) -> bool:
    """Return whether `data` looks like a ChatGPT conversation."""
    return isinstance(data, dict) and isinstance(data.get("mapping"), dict)


def read_chatgpt(data: dict[str, Any], left_out: Counter[LeftOut]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
    nodes = _nodes(CHATGPT_MAPPING, data["mapping"], "mapping", left_out)
    names = ("title", "create_time", "update_time", "current_node", "default_model_slug")
    return conversation(Chat(*(data.get(name) for name in names)), nodes, left_out)


def _nodes(entries: TypeAdapter[dict[str, Any]], data: Any, part: str, left_out: Counter[LeftOut]) -> list[Node]:
    """Return the entries as nodes, each after its parent; raises DamagedError(part)."""
    try:
        found = entries.validate_python(data)
    except ValidationError:
        raise DamagedError(part) from None
    order = in_order({key: entry.parent for key, entry in found.items()})
    left_out[LeftOut.MESSAGES] += len(found) - len(order)
    return [found[key].node(key, left_out) for key in order]
