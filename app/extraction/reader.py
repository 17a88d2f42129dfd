"""Read a document that somebody attached: in a child process, as its format may be meant to do harm."""

import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.errors import AppError
from app.extraction.child import READERS
from app.extraction.sections import MOST_CHARACTERS, MOST_PAGES
from app.limited_process import needed_too_much, start
from app.text import clean

COMMAND = "from app.extraction.child import main; main()"
KINDS = frozenset(READERS)
# What the child may say of a file.
REFUSALS = (
    "file_kind_unknown", "file_encrypted", "file_damaged", "file_without_text", "file_too_heavy", "file_too_many_pages",
)  # fmt: skip
PACKAGES = ("pypdfium2", "mammoth", "python_calamine")
# Bytes that the child may write; a character has four at most.
MOST_BYTES = 4 * MOST_CHARACTERS
# Seconds of wall time: while the engine answers, the child gets a fiftieth of a core.
LONGEST_S = 1_800
# Seconds between two looks at whether it was cancelled.
LOOK_S = 0.1
# Seconds that the child may take to end after its last word.
LAST_S = 5


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a PDF, a slide, a part of a sheet or of a text without pages; `number` counts from 1.

    `title`: the sheet's name or the slide's heading, "" otherwise. `text`: headings as "# …", rows of tables as lines
    "a | b | c", a blank line between paragraphs.
    """

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was read of a file: its kind, one of KINDS, and its pages."""

    kind: str
    pages: list[Page]


def is_installed() -> bool:
    """Return whether the packages of requirements-documents.txt are there."""
    return all(find_spec(name) for name in PACKAGES)


def read_document(path: Path, name: str, progress: Callable[[int, int], None], cancel: threading.Event) -> Extracted:
    """Read the file at `path` that somebody called `name`, and return its text; blocks until then.

    `progress` is called with the pages read so far and all, if the format says how many there are. `cancel` ends it.
    Raises AppError: file_cancelled, file_empty, documents_not_installed, one of REFUSALS; OSError if the file is gone.
    """
    if not is_installed():
        raise AppError("documents_not_installed")
    if not path.stat().st_size:
        raise AppError("file_empty")
    ending = "".join(filter(str.isalnum, name.rpartition(".")[2].lower()))[:20]
    with path.open("rb") as file, start(COMMAND, ending, stdin=file, stdout=subprocess.PIPE, bare=True) as child:
        reply = _Reply(progress)
        try:
            for line in _lines(child, cancel):
                reply.take(line)
            status = child.wait(LAST_S)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        finally:
            child.kill()
    if reply.error:
        raise reply.error
    if reply.ended:
        return Extracted(reply.kind, reply.pages)
    raise AppError("file_too_heavy" if needed_too_much(status) else "file_damaged", cause=f"status {status}")


class _Reply:
    """What the child said so far. Nothing that it says is trusted: a file may have made it say anything."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self._progress = progress
        self.kind = ""
        self.pages: list[Page] = []
        self.ended = False
        # It may write to the log why, and is not stopped.
        self.error: AppError | None = None

    def take(self, line: bytes) -> None:
        """Take one line. Raises AppError for what is not of the form agreed on."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise AppError("file_damaged", cause="not JSON") from error
        match message:
            case {"kind": str(kind)} if kind in KINDS:
                self.kind = kind
            case {"progress": [int(done), int(total)]} if 0 <= done <= total <= MOST_PAGES:
                self._progress(done, total)
            case {"title": str(title), "text": str(text)} if self.kind and len(self.pages) < MOST_PAGES:
                self.pages.append(Page(len(self.pages) + 1, clean(title), clean(text)))
            case {"end": True} if self.pages:
                self.ended = True
            case {"error": "file_too_many_pages", "pages": int(pages), "limit": int(limit)}:
                self.error = AppError("file_too_many_pages", pages=pages, limit=limit)
            case {"error": str(code)} if code in REFUSALS:
                self.error = AppError(code)
            case _:
                raise AppError("file_damaged", cause="not as agreed")


def _lines(child: subprocess.Popen[bytes], cancel: threading.Event) -> Iterator[bytes]:
    """Give the lines that the child writes until its end. Raises AppError: file_cancelled, file_too_heavy."""
    deadline = time.monotonic() + LONGEST_S
    read, begun = 0, bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        while True:
            if cancel.is_set():
                raise AppError("file_cancelled")
            if time.monotonic() > deadline or read > MOST_BYTES:
                raise AppError("file_too_heavy", cause=f"{read} bytes")
            for key, _ in selector.select(LOOK_S):
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    return
                read += len(piece)
                begun += piece
                if b"\n" in piece:
                    *lines, rest = bytes(begun).split(b"\n")
                    begun = bytearray(rest)
                    yield from lines
