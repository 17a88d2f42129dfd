"""Regular expressions of task files: compiled, unless one could take for ever on an answer."""

import re

# The tree that Python makes of an expression: it alone tells surely what is repeated, and what may come after it.
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from app.bench.answers.params import MalformedError

# Of a text, so much is searched.
LETTERS = 2_000
LONGEST = 1_000
# In how many ways a text may be divided among the parts of an expression before it is certain that it is not found.
# A repeat without end counts as many, so that two of them are allowed: seconds for the worst of texts.
MANY = 64
MOST_WAYS = MANY**2
FLAGS = re.IGNORECASE | re.MULTILINE

# Letters as far as it matters whether two parts can take the same one: the small ones of Latin-1, and of all others one
# for each kind. ALIKE are those that letters beyond Latin-1 are the same as when case does not count.
LATIN = 256
OTHERS = {LATIN: "ж", LATIN + 1: "\u2003", LATIN + 2: "٣", LATIN + 3: "€"}
KNOWN = {code: chr(code) for code in range(LATIN) if chr(code).lower() == chr(code)} | OTHERS
ALL = frozenset(KNOWN)
ALIKE = frozenset(map(ord, "iksßåµÿ"))
CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_SPACE: r"\s", op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
LOOKS = (op.ASSERT, op.ASSERT_NOT)
# Ways, the letters to begin with, whether it may be empty.
Told = tuple[int, frozenset[int], bool]


class SlowError(Exception):
    """It could take for ever."""


def compiled(pattern: str, key: str = "", most: int = MOST_WAYS) -> re.Pattern[str]:
    """The expression, in which case does not count and lines are lines. Raises MalformedError, with that `key`."""
    if len(pattern) > LONGEST:
        raise MalformedError("task_long_text", key, limit=LONGEST)
    try:
        expression = re.compile(pattern, FLAGS)
        tree = parser.parse(pattern, FLAGS)
        ways, _first, _empty = _sequence(tree, frozenset())
        # It is looked for from each letter on: a beginning without end is gone through as often.
        slow = ways * (MANY if _endless(tree) else 1) > most
    except re.error as error:
        place = error.pos or 0
        near = pattern[place : place + 20] or pattern[-20:]
        raise MalformedError("task_bad_pattern", key, place=place + 1, near=near) from None
    except (RecursionError, OverflowError, SlowError):
        slow = True
    if slow:
        raise MalformedError("task_slow_pattern", key)
    return expression


def found(expression: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Where it is in the text, as far as that is looked at."""
    return expression.search(text[:LETTERS])


def _sequence(parts: Any, after: frozenset[int]) -> Told:
    """Parts in a row. `after`: with which letters goes on what follows them; none where nothing does."""
    ways, empty = 1, True
    for part in reversed(list(parts)):
        own, first, may_be_empty = _part(part, after)
        ways *= own
        if ways > MOST_WAYS:
            raise SlowError
        # What only looks around can fail wherever it stands, even at the end.
        after = first | (after or ALL) if may_be_empty else first
        empty = empty and may_be_empty
    return ways, after, empty


def _part(part: Any, after: frozenset[int]) -> Told:
    kind, value = part
    if kind in REPEATS:
        least, most, repeated = value
        return _repeat(least, most, repeated, after)
    if kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
        return _sequence(value[-1] if kind is op.SUBPATTERN else value, after)
    if kind in (op.BRANCH, op.GROUPREF_EXISTS):
        return _choice(value[1] if kind is op.BRANCH else (value[1], value[2] or ()), after)
    if kind in LOOKS or kind is op.AT:
        return _sequence(value[1], ALL)[0] if kind in LOOKS else 1, frozenset(), True
    return (MANY, ALL, True) if kind is op.GROUPREF else (1, _letters([part]), False)


def _choice(branches: Any, after: frozenset[int]) -> Told:
    told = [_sequence(branch, after) for branch in branches]
    first: frozenset[int] = frozenset().union(*(one for _ways, one, _empty in told))
    return sum(ways for ways, _first, _empty in told), first, any(empty for _ways, _first, empty in told)


def _repeat(least: int, most: int, parts: Any, after: frozenset[int]) -> Told:
    """Where what follows begins with letters that the repeat takes too, each number of times has to be tried."""
    if most <= 1:
        ways, first, empty = _sequence(parts, after)
        return ways + (least < most), first, empty or not least
    ways, first, empty = _sequence(parts, ALL)
    if ways > 1:
        # Each time in several ways: that many times as many with each letter.
        raise SlowError
    shared = least < most and not after.isdisjoint(_letters(parts))
    return min(most - least + 1, MANY) if shared else 1, first, empty or not least


def _letters(parts: Any) -> frozenset[int]:
    """All letters that are in some way among these parts."""
    letters: set[int] = set()
    for kind, value in parts:
        if kind is op.LITERAL:
            letters |= _small(value)
        elif kind is op.RANGE:
            letters.update(*map(_small, range(value[0], min(value[1] + 1, LATIN))))
            letters |= ALIKE | OTHERS.keys() if value[1] >= LATIN else set()
        elif kind is op.CATEGORY:
            letters |= {code for code, letter in KNOWN.items() if re.match(CATEGORIES[value], letter)}
        elif kind is op.IN and value[0][0] is not op.NEGATE:
            letters |= _letters(value)
        elif kind in (op.IN, op.NOT_LITERAL):
            letters |= ALL - _left_out(value[1:] if kind is op.IN else [(op.LITERAL, value)])
        else:
            letters |= ALL
    return frozenset(letters)


def _left_out(parts: Any) -> frozenset[int]:
    """Letters that a class surely leaves out, whether case counts there or not."""
    return frozenset(code for code in _letters(parts) if code < LATIN and not chr(code).isalpha())


def _small(code: int) -> frozenset[int]:
    small = ord(chr(code).lower()[0])
    if small < LATIN:
        return frozenset({small})
    return ALIKE | {one for one, letter in OTHERS.items() if _kind(letter) == _kind(chr(code))}


def _kind(letter: str) -> tuple[bool, ...]:
    return tuple(bool(re.match(pattern, letter)) for pattern in (r"\d", r"\s", r"\w"))


def _endless(parts: Any) -> bool:
    """Whether an expression begins with a repeat of many."""
    begins: Any = next(iter(parts), (None, None))
    kind, value = begins
    if kind is op.SUBPATTERN:
        return _endless(value[-1])
    if kind is op.BRANCH:
        return any(map(_endless, value[1]))
    return kind in REPEATS and (value[1] > MANY or _endless(value[2]))
