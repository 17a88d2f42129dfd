"""How the ends of an interval are written: in one unit, which stands there once."""

from collections.abc import Callable
from typing import Any

from app.bench import names
from app.formatting import with_unit
from app.web import NARROW_SPACE, filesize

POWERS = {"Go": 9, "GB": 9, "Mo": 6, "MB": 6, "ko": 3, "kB": 3}
MINUTE, HOUR = 60, 3600


def spread(figure: Any, write: Callable[[float], str]) -> str:
    """The ends of an interval as `write` writes them; empty where there is nothing between them to be seen."""
    low, high = TOGETHER.get(write, _each(write))(figure.low, figure.high)
    if low == high:
        return ""
    gap = NARROW_SPACE if NARROW_SPACE in low else " "
    head, _space, unit_name = low.rpartition(gap)
    # Of “1 min 7 s” nothing can be left out.
    once = head and high.endswith(gap + unit_name) and not any(letter.isalpha() for letter in head)
    return f"{head}–{high}" if once else f"{low} – {high}"


def ranged(figure: Any, write: Callable[[Any], str]) -> str:
    """A figure's middle, with its interval where it was taken more than once."""
    if figure is None:
        return names.NOTHING
    ends = spread(figure, write) if figure.count > 1 else ""
    return f"{write(figure.median)} ({ends})" if ends else write(figure.median)


def _each(write: Callable[[float], str]) -> Callable[[float, float], tuple[str, str]]:
    return lambda low, high: (write(low), write(high))


def _seconds(low: float, high: float) -> tuple[str, str]:
    if high < 0.9995 or low >= HOUR or MINUTE <= low <= high < HOUR:
        return names.seconds(low), names.seconds(high)
    if high < HOUR:
        return _decimal(low, "s"), _decimal(high, "s")
    return _decimal(low / MINUTE, "min"), _decimal(high / MINUTE, "min")


def _energy(low: float, high: float) -> tuple[str, str]:
    """What begins below the least that is written begins at nothing."""
    if low >= 0.01:
        return names.energy(low), names.energy(high)
    if high * 1000 < names.LEAST_MWH / 2:
        return "", ""
    least = low if low * 1000 >= names.LEAST_MWH / 2 else 0
    return _decimal(least * 1000, "mWh"), _decimal(high * 1000, "mWh")


def _size(low: float, high: float) -> tuple[str, str]:
    unit_name = filesize(high).split(" ")[-1].split(NARROW_SPACE)[-1]
    if filesize(low).endswith(unit_name) or unit_name not in POWERS:
        return filesize(low), filesize(high)
    return _decimal(low / 10 ** POWERS[unit_name], unit_name), filesize(high)


def _decimal(value: float, name: str) -> str:
    return with_unit(value, name, 0 if value >= 9.95 or not value else 1 if value >= 0.0995 else 2)


TOGETHER: dict[Callable[..., str], Callable[[float, float], tuple[str, str]]] = {
    names.seconds: _seconds,
    names.energy: _energy,
    names.size: _size,
}
