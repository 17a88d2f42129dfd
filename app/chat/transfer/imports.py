"""Read conversations from files: our own format, ChatGPT's and Open WebUI's exports."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.chat.transfer import own
from app.chat.transfer.own import DamagedError
from app.errors import AppError
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy
from app.web import MAX_CONTENT, clean

# How Open WebUI stores thinking: quoted, in a folded element of the text.
REASONING = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
QUOTE = re.compile(r"^> ?", re.MULTILINE)
SHOWN = ("text", "multimodal_text", "code")
# Most messages in one file.
MOST_MESSAGES = 50_000


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
    made, changed = (moment(date) or utcnow() for date in dates)
    places, messages = _alternating(nodes, made)
    if not messages:
        return None
    head = _end_below(messages, places.get(str(current)))
    name = " ".join(clean(title).split())[:200] if isinstance(title, str) else ""
    return ConversationCopy(name, messages, head, made, changed)


def in_order(parents: dict[str, str | None]) -> list[str]:
    """Return the keys ordered so that each comes after its parent.

    A key with an unknown parent becomes a beginning; keys in a cycle are left out.
    """
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(key)
    order = list(children.get(None, []))
    for key in order:
        order += children.get(key, [])
    return order


def moment(value: Any) -> datetime | None:
    """Return the time of a number of seconds, milliseconds or nanoseconds since 1970; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
        return None
    while value > 1e11:
        value /= 1000
    # A time in the future would keep the conversation at the top of the list.
    return min(datetime.fromtimestamp(value, UTC), utcnow())


def words(content: Any) -> str:
    """Return the text of a message's content: a string, or the texts among its parts."""
    if isinstance(content, str):
        return clean(content).strip()
    parts: Iterable[Any] = content if isinstance(content, list) else ()
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return clean("\n\n".join(text for text in texts if isinstance(text, str))).strip()


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
    assert node.role is not None  # noqa: S101 - the caller skips nodes without one
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
    """Return the index of the newest last message below `place`, or of all if it is None."""
    below = set(range(len(messages))) if place is None else {place}
    for other, message in enumerate(messages):
        if message.parent in below:
            below.add(other)
    parents = {message.parent for message in messages}
    return max(other for other in below if other not in parents)


# Open WebUI


def is_open_webui(data: Any) -> bool:
    """Return whether `data` looks like an Open WebUI chat."""
    if not isinstance(data, dict) or not isinstance(chat := data.get("chat"), dict):
        return False
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read_open_webui(data: dict[str, Any]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
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
    """Link the plain message list of older exports into a tree."""
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


# ChatGPT


def is_chatgpt(data: Any) -> bool:
    """Return whether `data` looks like a ChatGPT conversation."""
    return isinstance(data, dict) and isinstance(data.get("mapping"), dict)


def read_chatgpt(data: dict[str, Any]) -> ConversationCopy | None:
    """Return a conversation, or None if it has no question; raises DamagedError."""
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
    # Calls of tools are not part of the answer.
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


# Files


def read_file(file: bytes, product: str) -> list[ConversationCopy]:
    """Return the conversations of a file; `product` is our name in the error.

    Raises import_unreadable, import_unknown, import_version, import_damaged, import_too_many, import_empty.
    """
    try:
        data = json.loads(file, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AppError("import_unreadable", cause=str(error)) from error
    if isinstance(data, dict) and data.get("format") == own.FORMAT:
        if data.get("version") != own.VERSION:
            raise AppError("import_version", version=str(data.get("version"))[:20])
        return _all(data.get("conversations"), own.read)
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
