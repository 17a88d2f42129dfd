"""Our own JSON format of conversations, with all branches, to write and to read.

Imported answers keep their metrics for display; the server's statistics do not use them.
"""

from datetime import UTC, datetime
from typing import Any

from app.chat.schemas import MAX_CONVERSATION_INSTRUCTIONS
from app.errors import SENTENCES, places
from app.generation.worker import METRICS
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.conversations import MAX_FOLDER_NAME
from app.models.copies import ConversationCopy, MessageCopy
from app.models.users import MAX_PERSONAL_INSTRUCTIONS
from app.web import MAX_CONTENT, clean

FORMAT = "couachgpt"
VERSION = 1
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
# Largest metric: milliseconds (eleven days), tokens or joules.
MOST = 1e9
ENDS = set(RunState) - {RunState.QUEUED, RunState.RUNNING}


class DamagedError(Exception):
    """A part of a conversation is missing or invalid; the message is the part's name."""


def to_json(copy: ConversationCopy) -> dict[str, Any]:
    """Return a conversation as JSON."""
    return {
        "title": copy.title,
        "model": copy.model,
        "pinned": copy.pinned,
        "archived": copy.archived,
        "folder": copy.folder,
        "instructions": copy.instructions,
        "personal_instructions": copy.personal_instructions,
        "created_at": copy.created_at.isoformat(),
        "updated_at": copy.updated_at.isoformat(),
        "head": copy.head,
        "messages": [_message(message) for message in copy.messages],
    }


def read(data: Any) -> ConversationCopy:
    """Read a conversation from JSON; raises DamagedError."""
    return ConversationCopy(
        title=_line(data, "title", 200),
        model=_line(data, "model", 200) or None,
        pinned=_of(data, "pinned", bool, False),
        archived=_of(data, "archived", bool, False),
        folder=_line(data, "folder", MAX_FOLDER_NAME) or None,
        instructions=_text(data, "instructions", MAX_CONVERSATION_INSTRUCTIONS),
        personal_instructions=_text(data, "personal_instructions", MAX_PERSONAL_INSTRUCTIONS),
        created_at=_moment(data, "created_at"),
        updated_at=_moment(data, "updated_at"),
        messages=(messages := _messages(_of(data, "messages", list, []))),
        head=_head(messages, _of(data, "head", int, -1)),
    )


def _message(message: MessageCopy) -> dict[str, Any]:
    written: dict[str, Any] = {"role": str(message.role), "parent": message.parent, "content": message.content}
    written["created_at"] = message.created_at.isoformat()
    if message.edited_at:
        written["edited_at"] = message.edited_at.isoformat()
    if message.run:
        written |= {"thinking": message.thinking} | message.run | {"state": str(message.run["state"])}
        for name in ("queued_at", "finished_at"):
            written[name] = message.run[name].isoformat() if message.run[name] else None
    if message.rating:
        written["rating"] = {"good": message.rating[0], "reason": message.rating[1]}
    return written


def _messages(found: list[Any]) -> list[MessageCopy]:
    """Read the messages: a question must follow an answer or nothing, an answer a question. Raises DamagedError."""
    messages: list[MessageCopy] = []
    for data in found:
        message = _read_message(data)
        above = None if message.parent is None else messages[message.parent : message.parent + 1]
        follows = Role.USER if message.role == Role.ASSISTANT else Role.ASSISTANT
        if above == [] or (above is None and message.role == Role.ASSISTANT) or (above and above[0].role != follows):
            raise DamagedError("parent")
        messages.append(message)
    if not messages:
        raise DamagedError("messages")
    return messages


def _read_message(data: Any) -> MessageCopy:
    role = _of(data, "role", str, "")
    if role not in set(Role):
        raise DamagedError("role")
    parent = _of(data, "parent", int, None)
    if parent is not None and parent < 0:
        raise DamagedError("parent")
    message = MessageCopy(Role(role), _text(data, "content", MAX_CONTENT), parent, _moment(data, "created_at"))
    message.edited_at = _moment(data, "edited_at", needed=False)
    if role == Role.ASSISTANT:
        message.thinking = _text(data, "thinking", MAX_CONTENT)
        message.run = _run(data)
        rating = _of(data, "rating", dict, None)
        message.rating = rating and (_of(rating, "good", bool, True), _text(rating, "reason", 1000))
    return message


def _run(data: Any) -> dict[str, Any]:
    state = _of(data, "state", str, "")
    if state not in ENDS:
        raise DamagedError("state")
    return {
        "model": _line(data, "model", 200),
        "think": _of(data, "think", bool, False),
        "state": RunState(state),
        "reason": _line(data, "reason", 40) or None,
        **_error(data),
        "metrics": _figures(_of(data, "metrics", dict, {})) or None,
        "queued_at": _moment(data, "queued_at"),
        "finished_at": _moment(data, "finished_at", needed=False),
    }


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics that this version knows and whose values are plausible."""
    known = {name: found[name] for name in METRICS if name in found}
    return {name: value for name, value in known.items() if value is None or _is_amount(value)}


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST


def _error(data: Any) -> dict[str, Any]:
    """Return the failure's fields, {} if there is none; raises DamagedError if it cannot be shown here."""
    code, params = _text(data, "error_code", 40), _of(data, "error_params", dict, {})
    if not code:
        return {}
    if code not in SENTENCES or not all(isinstance(value, str | int) for value in params.values()):
        raise DamagedError("error_code")
    if places(code) - params.keys():
        raise DamagedError("error_params")
    return {"error_code": code, "error_params": params}


def _head(messages: list[MessageCopy], place: int) -> int:
    """Check that the visible branch ends with an answer that no message follows."""
    if not 0 <= place < len(messages) or any(message.parent == place for message in messages):
        raise DamagedError("head")
    if messages[place].role != Role.ASSISTANT:
        raise DamagedError("head")
    return place


def _of(data: Any, name: str, kind: type[Any], default: Any) -> Any:
    """Return a field of the type `kind`, or `default` if it is missing or null; raises DamagedError."""
    if not isinstance(data, dict):
        raise DamagedError(name)
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DamagedError(name)
    return value


def _text(data: Any, name: str, longest: int) -> str:
    text = clean(_of(data, name, str, ""))
    if len(text) > longest:
        raise DamagedError(name)
    return text


def _line(data: Any, name: str, longest: int) -> str:
    return "".join(letter for letter in " ".join(_text(data, name, longest).split()) if letter.isprintable())


def _moment(data: Any, name: str, *, needed: bool = True) -> Any:
    """Read a time. One in the future becomes now: it would keep the conversation at the top of the list."""
    text = _of(data, name, str, None)
    if text is None and not needed:
        return None
    try:
        moment = datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise DamagedError(name) from None
    if moment < OLDEST:
        raise DamagedError(name)
    return min(moment, utcnow())
