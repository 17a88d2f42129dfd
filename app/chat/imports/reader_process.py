"""Read files of strangers in a child process with limits of memory and CPU time, one file at a time.

A file can become a large structure: `[{},{},…]` of 30 MB takes 900 MB, and parsing holds Python's interpreter lock
for seconds. The memory belongs to the models, and the web process to everybody.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from app.chat.imports.conversation_archive import Found, read_file
from app.errors import AppError
from app.limited_process import TOO_HEAVY, Limits, limit, lock_down, start
from app.models.copies import ConversationCopy

MB = 1_000_000
# An export of 32 MB takes 230 MB and 3 s.
LIMITS = Limits(memory=512 * MB, cpu_s=30, file_bytes=400 * MB, niceness=10)
# Seconds of wall time: while the engine answers, the child gets only a part of a core.
LONGEST_S = 300
# People whose imports may be under way, one each, with its file in memory: one file is read, the others wait.
MOST_AT_ONCE = 4
COMMAND = "from app.chat.imports.reader_process import main; main()"

# Owned by this module: the ids of the people whose imports are under way, and the turn to read.
_people: set[int] = set()
_changing_people = threading.Lock()
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An AppError, which cannot be pickled."""

    code: str
    cause: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was found: `found` without its conversations, which `conversations` reads one by one."""

    found: Found
    conversations: Iterator[ConversationCopy]


@contextmanager
def place(person: int) -> Iterator[IO[bytes]]:
    """Give an empty file in memory for what a person wants to be read.

    Raises import_busy if another import of theirs, or too many of others, are under way.
    """
    with _changing_people:
        if person in _people or len(_people) >= MOST_AT_ONCE:
            raise AppError("import_busy")
        _people.add(person)
    try:
        # In memory, and gone with the last process that has it open: no text may stay on the disk.
        with memory_file() as file:
            yield file
    finally:
        with _changing_people:
            _people.discard(person)


@contextmanager
def reading(file: IO[bytes], product: str) -> Iterator[FileContent]:
    """Read the file in a child process, after other imports have ended; the next one begins after the block.

    Raises what `read_file` does, and import_too_heavy.
    """
    with _turn, memory_file() as result:
        file.flush()
        file.seek(0)
        run(file, result, product)
        result.seek(0)
        found = _next(result)
        if isinstance(found, Refusal):
            raise AppError(found.code, cause=found.cause, **found.params)
        yield FileContent(found, iter(lambda: _next(result), None))


def memory_file() -> IO[bytes]:
    """Return an empty file in memory."""
    return os.fdopen(os.memfd_create("import"), "w+b")


def run(file: IO[bytes], result: IO[bytes], product: str) -> None:
    """Have a child process read `file` and write `result` (see `main`). Raises import_too_heavy."""
    with start(COMMAND, product, stdin=file, stdout=result) as child:
        try:
            status = child.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        finally:
            child.kill()
    if status < 0 or status == TOO_HEAVY:
        raise AppError("import_too_heavy", cause=f"status {status}")
    if status:
        raise RuntimeError(f"the process that reads files ended with status {status}")


def _next(result: IO[bytes]) -> Any:
    """Return the next object of a result, which only our own process has written; None at its end."""
    try:
        return pickle.load(result)  # noqa: S301
    except EOFError:
        return None


# In the child


def main() -> None:
    """Read the file on standard input and write what was found to standard output, see `answer`.

    Its one argument: the product's name.
    """
    limit(LIMITS)
    # Files stay open to it: Python loads what it needs when it needs it.
    lock_down(files=True)
    try:
        answer(sys.stdin.buffer, sys.stdout.buffer, sys.argv[1])
    except (MemoryError, OSError):
        os._exit(TOO_HEAVY)


def answer(file: IO[bytes], result: IO[bytes], product: str) -> None:
    """Read `file`; write a Found without its conversations and then these one by one, or a Refusal."""
    try:
        found = read_file(file, product)
    except AppError as error:
        pickle.dump(Refusal(error.code, error.cause, error.params), result)
    else:
        pickle.dump(replace(found, conversations=[]), result)
        for copy in found.conversations:
            pickle.dump(copy, result)
    result.flush()
