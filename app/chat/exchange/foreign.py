"""Conversations of other programs: their trees as ours, where questions and answers take turns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.bodies import MAX_CONTENT, clean
from app.chat.exchange.damage import DamagedError
from app.models import Role, RunState
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy


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
