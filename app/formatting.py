"""Figures in sentences and tables, as the reader's language writes them."""

import re
from datetime import datetime

from flask_babel import format_date, format_decimal, format_time, get_locale
from flask_babel import gettext as _

NARROW_SPACE = "\u202f"
# Babel writes it as a number like the others.
FIRST = re.compile(r"^1(?= )")


def number(value: float, digits: int = 0) -> str:
    """With so many decimals, exactly."""
    return str(format_decimal(value, "#,##0" + ("." + "0" * digits if digits else "")))


def with_unit(value: float, name: str, digits: int = 0) -> str:
    """A figure and its unit."""
    return f"{number(value, digits)}{NARROW_SPACE if _french() else ' '}{name}"


def percent(ratio: float) -> str:
    """A ratio of 1 as 100 %."""
    return f"{number(ratio * 100)}{NARROW_SPACE if _french() else ''}%"


def duration(ms: float) -> str:
    """Milliseconds below a second, else seconds: with a decimal up to ten."""
    if abs(ms) < 999.5:
        return with_unit(ms, "ms")
    return with_unit(ms / 1000, "s", 1 if abs(ms) < 9950 else 0)


def _french() -> bool:
    return str(get_locale()) == "fr"


def day(moment: datetime, form: str = "long") -> str:
    """« 1er novembre 2026 », or in another of Babel's forms."""
    words = str(format_date(moment.astimezone(), form, rebase=False))
    return FIRST.sub("1er", words) if str(get_locale()) == "fr" else words


def day_and_time(moment: datetime) -> str:
    """« 23 novembre 2026 à 14 h 32 »."""
    time = format_time(moment.astimezone(), _("HH:mm"), rebase=False)
    return str(_("%(day)s at %(time)s", day=day(moment), time=time))


def filesize(size: float) -> str:
    """Bytes with their unit: « 2,2 Go » or "2.2 GB"."""
    french = _french()
    for power, unit in ((9, "Go" if french else "GB"), (6, "Mo" if french else "MB"), (3, "ko" if french else "kB")):
        if size >= 10**power:
            number = f"{size / 10**power:.1f}".removesuffix(".0")
            return f"{number.replace('.', ',')}{NARROW_SPACE}{unit}" if french else f"{number} {unit}"
    return f"{size:.0f}{NARROW_SPACE}o" if french else f"{size:.0f} B"
