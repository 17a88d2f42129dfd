"""A file of conversations, whoever wrote it: recognised, read whole, and refused in words."""

import json
from typing import Any

from app.chat.exchange import chatgpt, open_webui, own
from app.chat.exchange.damage import DamagedError
from app.errors import AppError
from app.models.copies import ConversationCopy

# Of one file, in all.
MOST_MESSAGES = 50_000


def read(file: bytes, product: str) -> list[ConversationCopy]:
    """Its conversations. Raises import_unreadable, import_unknown, import_version, import_damaged, import_too_many."""
    try:
        data = json.loads(file, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AppError("import_unreadable", cause=str(error)) from error
    if isinstance(data, dict) and data.get("format") == own.FORMAT:
        if data.get("version") != own.VERSION:
            raise AppError("import_version", version=str(data.get("version"))[:20])
        return _all(data.get("conversations"), own)
    for kind in (chatgpt, open_webui):
        # One conversation alone is an export too.
        entries = [data] if kind.is_one(data) else data
        if isinstance(entries, list) and entries and all(kind.is_one(entry) for entry in entries):
            return _all(entries, kind)
    raise AppError("import_unknown", own=product)


def _refuse(constant: str) -> None:
    """Python reads NaN and Infinity, which are no JSON and which browsers would not read again."""
    raise ValueError(constant)


def _all(entries: Any, kind: Any) -> list[ConversationCopy]:
    if not isinstance(entries, list):
        raise AppError("import_damaged", title="?", part="conversations")
    copies, messages = [], 0
    for number, entry in enumerate(entries, 1):
        try:
            copy = kind.read(entry)
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
