"""Figures in sentences and tables, as the reader's language writes them."""

from flask_babel import format_decimal, get_locale

from app.web import NARROW_SPACE


def number(value: float, digits: int = 0) -> str:
    """With so many decimals, exactly."""
    return str(format_decimal(value, "#,##0" + ("." + "0" * digits if digits else "")))


def unit(value: float, name: str, digits: int = 0) -> str:
    """A figure and its unit."""
    return f"{number(value, digits)}{NARROW_SPACE if _french() else ' '}{name}"


def percent(ratio: float) -> str:
    """A ratio of 1 as 100 %."""
    return f"{number(ratio * 100)}{NARROW_SPACE if _french() else ''}%"


def duration(ms: float) -> str:
    """Milliseconds below a second, else seconds: with a decimal up to ten."""
    if abs(ms) < 999.5:
        return unit(ms, "ms")
    return unit(ms / 1000, "s", 1 if abs(ms) < 9950 else 0)


def _french() -> bool:
    return str(get_locale()) == "fr"
