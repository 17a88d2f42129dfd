"""Conversations of other programs: their trees as ours, where questions and answers take turns."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.bodies import MAX_CONTENT, clean
from app.chat.transfer import own
from app.chat.transfer.own import DamagedError
from app.errors import AppError
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy

# Where it keeps a model's thinking: in the text, quoted and folded.
REASONING = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
QUOTE = re.compile(r"^> ?", re.MULTILINE)
SHOWN = ("text", "multimodal_text", "code")
# Of one file, in all.
MOST_MESSAGES = 50_000


@dataclass(frozen=True, slots=True)
class Node:
    """A message elsewhere; `role` None for what is not shown there either, such as a tool's."""

    key: str
    parent: str | None
    role: Role | None
    content: str = ""
    thinking: str = ""
    model: str = ""
    moment: datetime | None = None


def conversation(title: Any, nodes: list[Node], current: Any, *dates: Any) -> ConversationCopy | None:
    """Of nodes whose parents come first; None where there is no question at all. `dates`: made and last changed."""
    made, changed = (moment(date) or utcnow() for date in dates)
    places, messages = _alternating(nodes, made)
    if not messages:
        return None
    head = _end_below(messages, places.get(str(current)))
    name = " ".join(clean(title).split())[:200] if isinstance(title, str) else ""
    return ConversationCopy(name, messages, head, made, changed)


def in_order(parents: dict[str, str | None]) -> list[str]:
    """The keys, each after its parent; what hangs on nothing known is a beginning, and a ring is left out."""
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(key)
    order = list(children.get(None, []))
    for key in order:
        order += children.get(key, [])
    return order


def moment(value: Any) -> datetime | None:
    """Seconds since 1970, or milliseconds, or nanoseconds, as programs count them."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
        return None
    while value > 1e11:
        value /= 1000
    # What claims to come from the future would stand above all that comes.
    return min(datetime.fromtimestamp(value, UTC), utcnow())


def words(content: Any) -> str:
    """Text, or the text among a message's parts."""
    if isinstance(content, str):
        return clean(content).strip()
    parts: Iterable[Any] = content if isinstance(content, list) else ()
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return clean("\n\n".join(text for text in texts if isinstance(text, str))).strip()


def _alternating(nodes: list[Node], made: datetime) -> tuple[dict[str, int | None], list[MessageCopy]]:
    """Key → place, and the messages: what follows its own kind becomes one with it, as another version."""
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
        message = _message(node, above, made)
        if before is not None and before.role == node.role:
            message.content = "\n\n".join(filter(None, (before.content, node.content)))
            message.thinking = "\n\n".join(filter(None, (before.thinking, node.thinking)))
            message.parent = before.parent
            absorbed.add(above or 0)
        places[node.key] = len(messages)
        messages.append(message)
    return _without(absorbed, places, messages)


def _message(node: Node, above: int | None, made: datetime) -> MessageCopy:
    assert node.role is not None  # noqa: S101 - those without are left out
    message = MessageCopy(node.role, node.content, above, node.moment or made, node.thinking)
    if node.role == Role.ASSISTANT:
        message.run = _run(node.model, RunState.DONE, message.created_at)
    return message


def _run(model: str, state: RunState, at: datetime) -> dict[str, Any]:
    ended = {"state": state, "queued_at": at, "finished_at": at, "reason": "stop" if state == RunState.DONE else None}
    return {"model": model[:200] or "?", "think": False} | ended


def _without(
    absorbed: set[int], places: dict[str, int | None], messages: list[MessageCopy]
) -> tuple[dict[str, int | None], list[MessageCopy]]:
    """Leave out what went into others and has no followers of its own, and answer what nobody answered."""
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
    """The newest end below a message, or of all."""
    below = set(range(len(messages))) if place is None else {place}
    for other, message in enumerate(messages):
        if message.parent in below:
            below.add(other)
    parents = {message.parent for message in messages}
    return max(other for other in below if other not in parents)


def is_open_webui(data: Any) -> bool:
    """Whether this may be one of its chats."""
    if not isinstance(data, dict) or not isinstance(chat := data.get("chat"), dict):
        return False
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read_open_webui(data: dict[str, Any]) -> ConversationCopy | None:
    """A conversation, or None where nothing was asked in it; raises DamagedError."""
    chat = data["chat"]
    history = chat.get("history") if isinstance(chat.get("history"), dict) else {}
    messages = history.get("messages") if history.get("messages") is not None else _chained(chat.get("messages") or [])
    if not isinstance(messages, dict) or not all(isinstance(message, dict) for message in messages.values()):
        raise DamagedError("messages")
    order = in_order({key: _parent(message) for key, message in messages.items()})
    nodes = [_open_webui_node(key, messages[key]) for key in order]
    dates = (data.get("created_at") or chat.get("timestamp"), data.get("updated_at") or chat.get("timestamp"))
    copy = conversation(data.get("title") or chat.get("title"), nodes, history.get("currentId"), *dates)
    if copy is not None:
        copy.pinned, copy.archived = data.get("pinned") is True, data.get("archived") is True
    return copy


def _chained(messages: list[Any]) -> dict[str, Any]:
    """Older exports have a plain list."""
    parents = [None, *map(str, range(len(messages)))]
    return {
        str(place): message | {"parentId": parents[place]} if isinstance(message, dict) else message
        for place, message in enumerate(messages)
    }


def _parent(message: dict[str, Any]) -> str | None:
    parent = message.get("parentId")
    return parent if isinstance(parent, str) else None


def _open_webui_node(key: str, message: dict[str, Any]) -> Node:
    role, said = message.get("role"), words(message.get("content"))
    thinking = "\n\n".join(QUOTE.sub("", found).strip() for found in REASONING.findall(said))
    model = message.get("model")
    return Node(
        key,
        _parent(message),
        Role(role) if role in ("user", "assistant") else None,
        REASONING.sub("", said).strip(),
        thinking,
        model if isinstance(model, str) else "",
        moment(message.get("timestamp")),
    )


def is_chatgpt(data: Any) -> bool:
    """Whether this may be one of its conversations."""
    return isinstance(data, dict) and isinstance(data.get("mapping"), dict)


def read_chatgpt(data: dict[str, Any]) -> ConversationCopy | None:
    """A conversation, or None where nothing was asked in it; raises DamagedError."""
    mapping = data["mapping"]
    if not all(isinstance(entry, dict) for entry in mapping.values()):
        raise DamagedError("mapping")
    order = in_order({key: _key(entry.get("parent")) for key, entry in mapping.items()})
    nodes = [_chatgpt_node(key, mapping[key]) for key in order]
    current = data.get("current_node")
    return conversation(data.get("title"), nodes, current, data.get("create_time"), data.get("update_time"))


def _chatgpt_node(key: str, entry: dict[str, Any]) -> Node:
    parent, message = _key(entry.get("parent")), entry.get("message")
    if not isinstance(message, dict):
        return Node(key, parent, None)
    content, facts = _dict(message.get("content")), _dict(message.get("metadata"))
    kind, role = content.get("content_type"), _dict(message.get("author")).get("role")
    if role not in ("user", "assistant") or facts.get("is_visually_hidden_from_conversation"):
        return Node(key, parent, None)
    thinking = "\n\n".join(filter(None, (words(_dict(each).get("content")) for each in _list(content.get("thoughts")))))
    # What the model says to a tool is not for the person.
    is_shown = kind in SHOWN and message.get("recipient", "all") == "all"
    said = words(content.get("parts") or content.get("text")) if is_shown else ""
    model = facts.get("model_slug")
    known = model if isinstance(model, str) else ""
    return Node(key, parent, Role(role), said, thinking, known, moment(message.get("create_time")))


def _key(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read_file(file: bytes, product: str) -> list[ConversationCopy]:
    """Its conversations. Raises import_unreadable, import_unknown, import_version, import_damaged, import_too_many."""
    try:
        data = json.loads(file, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AppError("import_unreadable", cause=str(error)) from error
    if isinstance(data, dict) and data.get("format") == own.FORMAT:
        if data.get("version") != own.VERSION:
            raise AppError("import_version", version=str(data.get("version"))[:20])
        return _all(data.get("conversations"), own.read)
    for recognises, read in ((is_chatgpt, read_chatgpt), (is_open_webui, read_open_webui)):
        # One conversation alone is an export too.
        entries = [data] if recognises(data) else data
        if isinstance(entries, list) and entries and all(recognises(entry) for entry in entries):
            return _all(entries, read)
    raise AppError("import_unknown", own=product)


def _refuse(constant: str) -> None:
    """Python reads NaN and Infinity, which are no JSON and which browsers would not read again."""
    raise ValueError(constant)


def _all(entries: Any, read: Callable[[Any], ConversationCopy | None]) -> list[ConversationCopy]:
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
