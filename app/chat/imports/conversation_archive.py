"""An archive of conversations: one JSON file of a known format, or a ZIP file with several."""

import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from app.chat.imports.other_formats import is_chatgpt, is_open_webui, read_chatgpt, read_open_webui
from app.chat.imports.own_format import FORMAT, VERSION, read_own
from app.chat.imports.trees import DamagedError, LeftOut, line
from app.errors import AppError
from app.models.copies import ConversationCopy

# Most messages in one file.
MOST_MESSAGES = 50_000
# Most bytes that the files of an archive may have when they are unpacked.
LARGEST_UNPACKED = 200_000_000
# ChatGPT's names of the files with conversations; its archives have others, with other things.
CHATGPT_NAME = re.compile(r"conversations(-\d+)?\.json")
UNREADABLE = (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

# How many of those that could not be read are named.
NAMED = 5

Read = Callable[[Any, Counter[LeftOut]], ConversationCopy | None]


@dataclass
class Found:
    """What a file has: conversations, and what had to be left out.

    `damaged`: the names of the first NAMED conversations, and files in an archive, that could not be read, each with
    its part; `damaged_count`: how many there are.
    """

    conversations: list[ConversationCopy] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    damaged_count: int = 0
    messages: int = 0

    def note_damaged(self, name: str, part: str) -> None:
        """Count what could not be read."""
        self.damaged_count += 1
        if self.damaged_count <= NAMED:
            self.damaged.append((name, part))


def read_file(file: IO[bytes], product: str) -> Found:
    """Return what a file has; `product` is our name in the error.

    Raises import_unreadable, import_unknown, import_version, import_damaged, import_too_many, import_too_heavy,
    import_empty.
    """
    found = Found()
    known = 0
    for name, content in _files(file):
        try:
            data = json.loads(content(), parse_constant=_refuse)
        except UNREADABLE as error:
            if not name:
                raise AppError("import_unreadable", cause=type(error).__name__) from error
            found.note_damaged(name, "JSON")
            continue
        known += _add(data, found)
    if not found.conversations and found.damaged:
        title, part = found.damaged[0]
        raise AppError("import_damaged", title=title, part=part)
    if not known:
        raise AppError("import_unknown", own=product)
    if not found.conversations:
        raise AppError("import_empty")
    return found


def _files(file: IO[bytes]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the files with conversations, each with its name in the archive and what reads it; "" for no archive."""
    is_archive = file.read(2) == b"PK"
    file.seek(0)
    if not is_archive:
        yield "", file.read
        return
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise AppError("import_unreadable", cause=type(error).__name__) from error
    with archive:
        members = {each: PurePosixPath(each.filename).name for each in archive.infolist()}
        chosen = [each for each, name in members.items() if CHATGPT_NAME.fullmatch(name)]
        chosen = chosen or [each for each, name in members.items() if name.endswith(".json")]
        if sum(each.file_size for each in chosen) > LARGEST_UNPACKED:
            raise AppError("import_too_heavy")
        for each in chosen:
            yield line(members[each], 60), lambda each=each: archive.read(each)  # type: ignore[misc]


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity: Python's parser accepts them, but they are not JSON and browsers cannot read them."""
    raise ValueError(constant)


def _add(data: Any, found: Found) -> bool:
    """Add the conversations of a file's content; return whether its format is known. Raises import_version."""
    if isinstance(data, dict) and data.get("format") == FORMAT:
        if data.get("version") != VERSION:
            raise AppError("import_version", version=str(data.get("version"))[:20])
        entries = data.get("conversations")
        if not isinstance(entries, list):
            raise AppError("import_damaged", title="?", part="conversations")
        readers: list[Read | None] = [read_own] * len(entries)
    else:
        # A file may hold one conversation instead of a list.
        entries = data if isinstance(data, list) else [data]
        readers = [_reader(entry) for entry in entries]
        if not any(readers):
            return False
    for number, (entry, read) in enumerate(zip(entries, readers, strict=True), 1):
        try:
            _add_one(entry, read, found)
        except DamagedError as damage:
            found.note_damaged(line(_title(entry), 60) or str(number), str(damage))
    return True


def _reader(entry: Any) -> Read | None:
    return read_chatgpt if is_chatgpt(entry) else read_open_webui if is_open_webui(entry) else None


def _title(entry: Any) -> Any:
    return entry.get("title") if isinstance(entry, dict) else None


def _add_one(entry: Any, read: Read | None, found: Found) -> None:
    """Add a conversation, or count it as empty. Raises DamagedError, import_too_many."""
    if read is None and not (isinstance(entry, dict) and not entry.get("mapping") and not entry.get("chat")):
        raise DamagedError("mapping")
    left_out: Counter[LeftOut] = Counter()
    copy = read(entry, left_out) if read else None
    if copy is None:
        found.left_out[LeftOut.EMPTY] += 1
        return
    found.conversations.append(copy)
    found.left_out += left_out
    found.messages += len(copy.messages)
    if found.messages > MOST_MESSAGES:
        raise AppError("import_too_many", limit=MOST_MESSAGES)
