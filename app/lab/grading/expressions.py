"""Regular expressions of task files, compiled with limits and searched with a timeout against catastrophic patterns."""

import math

import regex

from app.lab.grading.tables import MalformedError

LONGEST = 1_000
# The product of all repetition counts `{n}` is limited, since compiling unrolls them and has no timeout.
TIMES = regex.compile(r"\{(\d+)")
MOST_PARTS = 100_000
# Seconds of CPU that one search may take.
SECONDS = 0.5


class UndecidedError(Exception):
    """A search timed out, so it is not known whether the expression matches."""


def compiled(pattern: str, *place: str, case: bool = False) -> regex.Pattern[str]:
    """Compile an expression in multi-line mode; `case`: match case. Raises MalformedError about the key at `place`."""
    if len(pattern) > LONGEST:
        raise MalformedError("task_long_text", *place, limit=LONGEST)
    if math.prod(max(1, int(times)) for times in TIMES.findall(pattern)) > MOST_PARTS:
        raise MalformedError("task_slow_pattern", *place)
    try:
        return regex.compile(pattern, regex.MULTILINE if case else regex.MULTILINE | regex.IGNORECASE)
    except (regex.error, RecursionError, OverflowError) as error:
        begin = getattr(error, "pos", None) or 0
        told = {"place": begin + 1, "near": pattern[begin : begin + 20] or pattern[-20:]}
        raise MalformedError("task_bad_pattern", *place, **told) from None


def found(expression: regex.Pattern[str], text: str) -> regex.Match[str] | None:
    """The first match in the text, or None. Raises UndecidedError after `SECONDS`."""
    try:
        return expression.search(text, timeout=SECONDS)
    except TimeoutError:
        raise UndecidedError from None
