"""The numbers of a text in French or English notation."""

import re

# Digits with spaces, points, commas or apostrophes between them, as 1 234,5 or 1,234.5; a minus sign before.
NUMBER = re.compile(
    # The minutes of 14h30 follow a letter.
    r"(?:(?<![\w.,])|(?<=\d[hH]))(?P<sign>[-−])?"
    r"(?P<digits>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,']\d+)*)"
)


def numbers(text: str) -> list[frozenset[float]]:
    """Each number with its readings: `1,234` may be 1.234 or 1234."""
    return [_readings(found) for found in NUMBER.finditer(text)]


def same(readings: frozenset[float], wanted: float, tolerance: float) -> bool:
    """Whether one of the readings is the number that is wanted."""
    return any(abs(one - wanted) <= tolerance + 1e-9 for one in readings)


def _readings(found: re.Match[str]) -> frozenset[float]:
    digits = re.sub(r"[ \u00a0\u202f']", "", found["digits"])
    sign = -1 if found["sign"] else 1
    return frozenset(sign * float(one) for one in _plain(digits))


def _plain(digits: str) -> set[str]:
    """The ways to write it with a decimal point only."""
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return {digits}
    if len(set(marks)) == 2:
        # Both: the last is the decimal mark.
        whole, _, part = digits.rpartition(marks[-1])
        return {re.sub(r"[.,]", "", whole) + "." + part}
    joined = re.sub(r"[.,]", "", digits)
    thousands = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits)
    if len(marks) > 1:
        # A date or a version, unless it is thousands.
        return {joined} if thousands else set(re.split(r"[.,]", digits))
    return {digits.replace(",", "."), joined} if thousands else {digits.replace(",", ".")}
