"""ChatGPT's export: the list in its `conversations.json`."""

from typing import Any

from app.chat.exchange.damage import DamagedError
from app.chat.exchange.foreign import Node, conversation, in_order, moment, words
from app.models import Role
from app.models.copies import ConversationCopy

SHOWN = ("text", "multimodal_text", "code")


def is_one(data: Any) -> bool:
    """Whether this may be one of its conversations."""
    return isinstance(data, dict) and isinstance(data.get("mapping"), dict)


def read(data: dict[str, Any]) -> ConversationCopy | None:
    """A conversation, or None where nothing was asked in it; raises DamagedError."""
    mapping = data["mapping"]
    if not all(isinstance(entry, dict) for entry in mapping.values()):
        raise DamagedError("mapping")
    order = in_order({key: _key(entry.get("parent")) for key, entry in mapping.items()})
    nodes = [_node(key, mapping[key]) for key in order]
    current = data.get("current_node")
    return conversation(data.get("title"), nodes, current, data.get("create_time"), data.get("update_time"))


def _node(key: str, entry: dict[str, Any]) -> Node:
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
