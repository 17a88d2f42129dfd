"""`Play`: one play of a program, with a clock that skips waiting, keys to press, pictures shown, and the report."""

import contextlib
import itertools
import json
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

PROGRAM = "program.py"
# The directions make a square of about five cells, to the right and down first: a snake begins near the upper left
# corner or in the middle, and goes to the right more often than not, so that it meets neither a wall nor itself.
FIRST_KEY, EVERY, HELD = 0.5, 0.4, 0.1
# If nothing has moved after LATE seconds, these keys are pressed too: the program may wait for one of them to start.
LATE = 2.0
STARTERS = ("space", "return")
# The most that the program's clock advances between two readings, however long the machine delayed the program.
LONGEST_STEP = 0.02
# Seconds that the clock advances for each picture shown.
REFRESH = 1 / 60
# CPU seconds beyond the play's own after which it ends in any case; then it is stuck if it used so many without reading
# the clock, a key or the screen. Not wall time, since programs run at idle priority beside the models.
GRACE, STUCK = 4.0, 2.0
# Seconds between two checks of the CPU time.
WATCH = 0.2
# So many different pictures count as movement.
MOVES = 3

_real, _cpu = time.monotonic, time.process_time


class Play:
    """One play of `seconds` on the program's own clock; the report is written to the descriptor `report`.

    `keys`: short names, pressed in turn again and again; without any, the program is only watched.
    """

    def __init__(self, report: int, seconds: float, keys: list[str]) -> None:
        self._report = report
        self._seconds = seconds
        self._now = 0.0
        self._looked, self._worked = _real(), _cpu()
        turns = range(int(seconds / EVERY))
        self._plan = [(FIRST_KEY + EVERY * turn, key) for turn, key in zip(turns, itertools.cycle(keys), strict=False)]
        self._held: list[tuple[float, str]] = []
        self._tried = not keys
        self._pictures: set[int] = set()
        self.shown_count = 0
        self.pressed = 0
        self.heard = False
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        """The program's clock in seconds; ends the play when its time is over."""
        real = _real()
        self._now += min(real - self._looked, LONGEST_STEP)
        self._looked, self._worked = real, _cpu()
        if self._now >= self._seconds:
            self.end("survived")
        return self._now

    def wait(self, seconds: float) -> None:
        """Advance the program's clock without waiting."""
        self._now += max(0.0, min(seconds, self._seconds))
        self.now()

    def shown(self, picture: int, seconds: float = REFRESH) -> None:
        """Record a picture by its checksum and advance the clock by `seconds`."""
        self.shown_count += 1
        self._pictures.add(picture)
        self.wait(seconds)

    def due(self) -> list[tuple[bool, str]]:
        """The keys that went down (True) or up (False) since the last call."""
        now = self.now()
        if now >= LATE and not self._tried:
            self._tried = True
            if len(self._pictures) < MOVES:
                self._plan = [(now, key) for key in STARTERS] + self._plan
        events: list[tuple[bool, str]] = []
        while self._plan and self._plan[0][0] <= now:
            _, key = self._plan.pop(0)
            events.append((True, key))
            self._held.append((now + HELD, key))
            self.pressed += 1
        events += [(False, key) for until, key in self._held if until <= now]
        self._held = [(until, key) for until, key in self._held if until > now]
        return events

    def held(self) -> set[str]:
        """The keys that are down now."""
        return {key for _, key in self._held}

    def end(self, how: str, error: dict[str, Any] | None = None) -> NoReturn:
        """Write the report and exit at once. `how`: "survived", "returned", "crashed" or "stuck"."""
        result = {
            "ended": how,
            "seconds": round(self._now, 2),
            "pictures": self.shown_count,
            "shown": sorted(self._pictures),
            "pressed": self.pressed,
            "heard": self.heard,
            "error": error,
        }
        leave(self._report, result)

    def _watch(self) -> None:
        end = _cpu() + self._seconds + GRACE
        while _cpu() < end:
            threading.Event().wait(WATCH)
        self.end("stuck" if _cpu() - self._worked > STUCK else "survived")


def leave(report: int, result: dict[str, Any]) -> NoReturn:
    """Write the report and exit, without running the program's handlers, threads or `finally` blocks."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os.write(report, json.dumps(result).encode())
    os._exit(0)


def own_time(play: Play) -> None:
    """Make the module `time` use the play's clock."""
    begin = time.time()
    setattr(time, "sleep", play.wait)  # noqa: B010 - a module's function, not an attribute of ours
    time.time = lambda: begin + play.now()
    time.time_ns = lambda: int((begin + play.now()) * 1e9)
    for name in ("monotonic", "perf_counter"):
        setattr(time, name, play.now)
        setattr(time, f"{name}_ns", lambda: int(play.now() * 1e9))


def run(source: str, end: Callable[..., object]) -> None:
    """Run the program as `__main__` and call `end` with how it ended."""
    # Reproducible random numbers.
    random.seed(0)
    error = execute(source, {"__name__": "__main__"})
    if error is None or isinstance(error, SystemExit):
        end("returned")
    else:
        end("crashed", described(error))


def execute(source: str, namespace: dict[str, Any]) -> BaseException | None:
    """Run the program in this namespace; returns the exception it raised, or None."""
    namespace["__file__"] = PROGRAM
    try:
        exec(compile(source, PROGRAM, "exec"), namespace)  # noqa: S102 - that is what this sandbox is for
    except BaseException as error:  # noqa: BLE001 - whatever it raises is reported
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        return error
    return None


def described(error: BaseException) -> dict[str, Any]:
    """An exception for the report; `line`: the last line of the program in its traceback, None without any."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == PROGRAM]
    return {
        "type": type(error).__name__,
        "message": str(error)[:300],
        "line": lines[-1] if lines else None,
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
    }
