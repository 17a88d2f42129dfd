"""Try programs that show no window: call a function, feed lines, or play in a pseudo-terminal."""

import array
import builtins
import contextlib
import fcntl
import io
import json
import os
import re
import select
import signal
import struct
import sys
import termios
import time
import traceback
import zlib
from typing import Any, NoReturn

from app.lab.code_runner.players.play import EVERY, FIRST_KEY, described, execute, leave, run

# Characters of one result.
LONGEST = 4000
# The terminal's lines and columns.
SIZE = (40, 100)
# What is typed for a direction: escape sequences in raw mode, letters when the terminal reads lines.
ARROWS = {"up": b"\x1bOA", "down": b"\x1bOB", "right": b"\x1bOC", "left": b"\x1bOD"}
LETTERS = {"up": b"w", "down": b"s", "right": b"d", "left": b"a"}
# Output within so many seconds is one picture.
LOOK = 0.05
# Seconds at the end without keys, so that a program that reads once per frame can take the last one.
QUIET = 1.0
# Seconds that a program may take until it shows something.
START = 10.0
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78M])|[\x00-\x08\x0b-\x1f\x7f]")
KEPT = 6000


def call(source: str, function: str, calls: list[list[Any]]) -> dict[str, Any]:
    """Load the program as a module and call its function; each result is a value or the exception raised."""
    namespace: dict[str, Any] = {"__name__": "program"}
    builtins.input = _no_input
    error = execute(source, namespace)
    # An example below the function may fail: the function counts.
    if callable(namespace.get(function)):
        return {"ended": "called", "error": None, "results": [_result(namespace[function], args) for args in calls]}
    if error is not None:
        return {"ended": "crashed", "error": described(error)}
    return {"ended": "returned", "error": None, "results": None}


def feed(source: str, inputs: list[str]) -> dict[str, Any]:
    """Run the program once for each input; each result is its output or the exception raised."""
    return {"ended": "called", "error": None, "results": [_written(source, text) for text in inputs]}


def _result(function: Any, args: list[Any]) -> dict[str, Any]:
    try:
        return {"value": plain(function(*args))}
    except BaseException as error:  # noqa: BLE001 - whatever it raises is reported
        traceback.print_exc()
        return {"error": described(error)}


def _written(source: str, text: str) -> dict[str, Any]:
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output):
        error = execute(source, {"__name__": "__main__"})
    output.seek(0)
    written = output.read(LONGEST)
    sys.stderr.write(written)
    if error is None or isinstance(error, SystemExit):
        return {"value": written}
    return {"error": described(error)}


def _no_input(*_: Any) -> str:
    raise EOFError("EOF when reading a line")


def plain(value: Any) -> Any:
    """Convert a value to JSON types, shortened; a number or else the text of what JSON does not know."""
    if value is None or isinstance(value, bool | int | str):
        return value[:LONGEST] if isinstance(value, str) else value
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in list(value)[:1000]]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in list(value.items())[:1000]}
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)[:LONGEST]


# Programs in a terminal


def play(source: str, seconds: float, keys: list[str], report: int) -> NoReturn:
    """Run the program in a terminal, type keys, write the report to the descriptor `report` and exit."""
    screen, keyboard = os.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    crash, failure = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (screen, crash, report):
            os.close(descriptor)
        os.login_tty(keyboard)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        run(source, lambda how, error=None: _leave(failure, error))
    os.close(failure)
    terminal = _Terminal(child, screen, keyboard, keys)
    seen = terminal.watch(seconds)
    if terminal.ended is None:
        os.kill(child, signal.SIGKILL)
    sys.stderr.write(CONTROL.sub("", terminal.tail.decode(errors="replace")))
    sys.stderr.flush()
    error = os.read(crash, 4096) if select.select([crash], [], [], 0)[0] else b""
    if error or terminal.ended:
        seen |= {"ended": "crashed", "error": json.loads(error or b"null")}
    leave(report, seen)


def _leave(failure: int, error: dict[str, Any] | None) -> NoReturn:
    if error:
        os.write(failure, json.dumps(error).encode())
    sys.stdout.flush()
    os._exit(1 if error else 0)


class _Terminal:
    """The program's terminal. `ended`: its exit status, None while it runs; `tail`: its last output."""

    def __init__(self, child: int, screen: int, keyboard: int, keys: list[str]) -> None:
        self._child, self._screen, self._keyboard, self._keys = child, screen, keyboard, keys
        self.ended: int | None = None
        self.tail = b""

    def watch(self, seconds: float) -> dict[str, Any]:
        """Type and watch for `seconds` from the first output on (a slow start costs nothing); returns the report."""
        begun = time.monotonic()
        first: float | None = None
        pictures: list[int] = []
        pressed = 0
        while (now := time.monotonic()) < (begun + START if first is None else first + seconds):
            pid, status = os.waitpid(self._child, os.WNOHANG)
            if piece := self._look():
                first = first or now
                pictures.append(zlib.crc32(piece))
                self.tail = (self.tail + piece)[-KEPT:]
            if pid:
                self.ended = status
                break
            next_key = FIRST_KEY + EVERY * pressed
            if self._keys and first is not None and next_key <= min(now - first, seconds - QUIET):
                self._type(self._keys[pressed % len(self._keys)])
                pressed += 1
        return {
            "ended": "survived" if self.ended is None else "returned",
            "seconds": 0.0 if first is None else round(min(time.monotonic() - first, seconds), 2),
            "pictures": len(pictures),
            "shown": sorted(set(pictures)),
            "pressed": pressed,
            "heard": pressed > 0 and not self._unread(),
            "error": None,
        }

    def _look(self) -> bytes:
        """The output that appears within `LOOK` seconds."""
        piece = b""
        end = time.monotonic() + LOOK
        while (left := end - time.monotonic()) > 0 and len(piece) < 1 << 20:
            if select.select([self._screen], [], [], left)[0]:
                piece += os.read(self._screen, 65536)
        return piece

    def _type(self, key: str) -> None:
        by_line = termios.tcgetattr(self._keyboard)[3] & termios.ICANON
        letter = LETTERS.get(key, key.encode())
        if select.select([], [self._screen], [], 0)[1]:
            os.write(self._screen, letter + b"\n" if by_line else ARROWS.get(key, letter))

    def _unread(self) -> int:
        """The number of typed bytes that the program has not read."""
        count = array.array("i", [0])
        fcntl.ioctl(self._keyboard, termios.FIONREAD, count)
        return count[0]
