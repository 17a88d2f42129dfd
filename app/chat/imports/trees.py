"""Trees of other programs' messages as ours, where questions and answers alternate."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.models import Role, RunState
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy
from app.web import MAX_CONTENT, one_line


class DamagedError(Exception):
    """A part of a conversation is missing or invalid; the message is the part's name."""


class LeftOut(StrEnum):
    """What of a file is not imported, and is counted."""

    # Conversations without any question.
    EMPTY = "empty"
    PICTURES = "pictures"
    RECORDINGS = "recordings"
    FILES = "files"
    # Files of which what the model read is kept.
    ORIGINALS = "originals"
    TOOL_CALLS = "tool_calls"
    # Messages that follow no question, such as a greeting.
    MESSAGES = "messages"


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


@dataclass(frozen=True, slots=True)
class Chat:
    """What another program says of a conversation, unchecked.

    `current`: the key of the message shown last; `model`: the model of answers that name none.
    """

    title: Any
    created: Any
    updated: Any
    current: Any
    model: Any


def moment(value: Any) -> datetime | None:
    """Return the time of a number of seconds, milliseconds or nanoseconds since 1970; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
        return None
    while value > 1e11:
        value /= 1000
    # A time in the future would keep the conversation at the top of the list.
    return min(datetime.fromtimestamp(value, UTC), utcnow())


def line(value: Any, longest: int) -> str:
    """Return a name or a title on one line without unprintable letters; "" for what is no text."""
    return one_line(value)[:longest] if isinstance(value, str) else ""


def in_order(parents: dict[str, str | None]) -> list[str]:
    """Return the keys of the messages, each after its parent.

    One with an unknown parent becomes a beginning; those in a cycle are left out.
    """
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(key)
    order = list(children.get(None, []))
    for key in order:
        order += children.get(key, [])
    return order


def conversation(chat: Chat, nodes: list[Node], left_out: Counter[LeftOut]) -> ConversationCopy | None:
    """Return a conversation from nodes, which must come after their parents; None if it has no question.

    Raises DamagedError for a message that is too long.
    """
    made, changed = (moment(date) or utcnow() for date in (chat.created, chat.updated))
    places, messages = _alternating(nodes, made, line(chat.model, 200), left_out)
    if not messages:
        return None
    head = _end_below(messages, places.get(str(chat.current)))
    return ConversationCopy(line(chat.title, 200), messages, head, made, changed)


def _alternating(
    nodes: list[Node], made: datetime, model: str, left_out: Counter[LeftOut]
) -> tuple[dict[str, int | None], list[MessageCopy]]:
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
            left_out[LeftOut.MESSAGES] += 1
            continue
        if len(node.content) > MAX_CONTENT or len(node.thinking) > MAX_CONTENT:
            raise DamagedError("content")
        message = MessageCopy(node.role, node.content, above, node.moment or made, node.thinking)
        if node.role == Role.ASSISTANT:
            message.run = _run(node.model or model, RunState.DONE, message.created_at)
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
    return {"model": model or "?", "think": False} | ended


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
