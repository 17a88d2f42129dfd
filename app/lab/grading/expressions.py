"""Regular expressions of task files: searched for a bounded time, since some would take for ever on an answer."""

import math

import regex

from app.lab.grading.tables import MalformedError

LONGEST = 1_000
# A part that is wanted n times becomes n parts: so many in all, since making them cannot be stopped.
TIMES = regex.compile(r"\{(\d+)")
MOST_PARTS = 100_000
# Seconds of CPU that one search may take.
SECONDS = 0.5


class UndecidedError(Exception):
    """A search took too long: whether the expression is in the text is not known."""


def compiled(pattern: str, *place: str, case: bool = False) -> regex.Pattern[str]:
    """The expression, in which lines are lines; `case`: upper and lower case count. Raises MalformedError, with that
    `place`."""
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
    """Where it is in the text. Raises UndecidedError."""
    try:
        return expression.search(text, timeout=SECONDS)
    except TimeoutError:
        raise UndecidedError from None
