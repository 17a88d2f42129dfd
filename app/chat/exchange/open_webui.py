"""Open WebUI's export of chats: a list, each with its history of messages."""

import re
from typing import Any

from app.chat.exchange.damage import DamagedError
from app.chat.exchange.foreign import Node, conversation, in_order, moment, words
from app.models import Role
from app.models.copies import ConversationCopy

# Where it keeps a model's thinking: in the text, quoted and folded.
REASONING = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
QUOTE = re.compile(r"^> ?", re.MULTILINE)


def is_one(data: Any) -> bool:
    """Whether this may be one of its chats."""
    if not isinstance(data, dict) or not isinstance(chat := data.get("chat"), dict):
        return False
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read(data: dict[str, Any]) -> ConversationCopy | None:
    """A conversation, or None where nothing was asked in it; raises DamagedError."""
    chat = data["chat"]
    history = chat.get("history") if isinstance(chat.get("history"), dict) else {}
    messages = history.get("messages") if history.get("messages") is not None else _chained(chat.get("messages") or [])
    if not isinstance(messages, dict) or not all(isinstance(message, dict) for message in messages.values()):
        raise DamagedError("messages")
    order = in_order({key: _parent(message) for key, message in messages.items()})
    nodes = [_node(key, messages[key]) for key in order]
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


def _node(key: str, message: dict[str, Any]) -> Node:
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
