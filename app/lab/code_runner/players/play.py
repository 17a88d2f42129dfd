"""One program being played: its own clock that skips all waiting, the keys to press, what it showed, the report."""

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
# Still nothing moves: perhaps it waits for one of these.
LATE = 2.0
STARTERS = ("space", "return")
# However long the machine held the program up, between two looks at the clock no more time passes than this.
LONGEST_STEP = 0.02
# A picture takes a screen at least so long, where time is skipped.
REFRESH = 1 / 60
# Seconds of CPU beyond the play's own, then it ends in any case; stuck when it took so many without a look at the
# clock, a key or the screen. Not by the wall's clock: where the models work, programs get little of the machine.
GRACE, STUCK = 4.0, 2.0
# Seconds between two looks of the watch.
WATCH = 0.2
MOVES = 3

_real, _cpu = time.monotonic, time.process_time


class Play:
    """`seconds` of the program's own time; `keys` by their short names, in the order in which they are pressed again
    and again; without any, the program is only watched."""

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

    @property
    def moves(self) -> bool:
        """Whether what it shows changes."""
        return len(self._pictures) >= MOVES

    def now(self) -> float:
        """The program's own seconds; the play ends here when they are over."""
        real = _real()
        self._now += min(real - self._looked, LONGEST_STEP)
        self._looked, self._worked = real, _cpu()
        if self._now >= self._seconds:
            self.end("survived")
        return self._now

    def wait(self, seconds: float) -> None:
        """Waiting costs nothing: the clock goes on by itself."""
        self._now += max(0.0, min(seconds, self._seconds))
        self.now()

    def shown(self, picture: int, seconds: float = REFRESH) -> None:
        """One picture is on the screen, for so long at least; `picture` is its checksum."""
        self.shown_count += 1
        self._pictures.add(picture)
        self.wait(seconds)

    def due(self) -> list[tuple[bool, str]]:
        """The keys that went down (True) or up since the last look."""
        now = self.now()
        if now >= LATE and not self._tried:
            self._tried = True
            if not self.moves:
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
        """Write the report and leave at once, whatever the program would still do."""
        told = {
            "ended": how,
            "seconds": round(self._now, 2),
            "pictures": self.shown_count,
            "shown": sorted(self._pictures),
            "pressed": self.pressed,
            "heard": self.heard,
            "error": error,
        }
        leave(self._report, told)

    def _watch(self) -> None:
        end = _cpu() + self._seconds + GRACE
        while _cpu() < end:
            threading.Event().wait(WATCH)
        self.end("stuck" if _cpu() - self._worked > STUCK else "survived")


def leave(report: int, told: dict[str, Any]) -> NoReturn:
    """Send the report; no handler, thread or `finally` of the program comes after it."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os.write(report, json.dumps(told).encode())
    os._exit(0)


def own_time(play: Play) -> None:
    """The module `time` tells the play's time."""
    begin = time.time()
    setattr(time, "sleep", play.wait)  # noqa: B010 - a module's function, not an attribute of ours
    time.time = lambda: begin + play.now()
    time.time_ns = lambda: int((begin + play.now()) * 1e9)
    for name in ("monotonic", "perf_counter"):
        setattr(time, name, play.now)
        setattr(time, f"{name}_ns", lambda: int(play.now() * 1e9))


def run(source: str, end: Callable[..., object]) -> None:
    """Run the program as a person would start it, and tell how it ended by itself."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": PROGRAM}
    # The same chance for every program, each time.
    random.seed(0)
    try:
        exec(compile(source, PROGRAM, "exec"), namespace)  # noqa: S102 - that is what this sandbox is for
    except SystemExit:
        end("returned")
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is told
        traceback.print_exc()
        end("crashed", described(error))
    end("returned")


def described(error: BaseException) -> dict[str, Any]:
    """What a report tells of an exception; `line` is the program's own, where it has part in it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == PROGRAM]
    return {
        "type": type(error).__name__,
        "message": str(error)[:300],
        "line": lines[-1] if lines else None,
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
    }
