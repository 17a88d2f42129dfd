"""Format numbers, durations, dates and sizes in the reader's language."""

import re
from datetime import UTC, date, datetime

from flask_babel import format_date, format_decimal, format_time, format_timedelta, get_locale
from flask_babel import gettext as _

NARROW_SPACE = "\u202f"
# Babel writes the first of a month as "1", French as "1er".
FIRST = re.compile(r"^1(?= )")


def number(value: float, digits: int = 0) -> str:
    """Format with exactly `digits` decimals."""
    return str(format_decimal(value, "#,##0" + ("." + "0" * digits if digits else "")))


def with_unit(value: float, name: str, digits: int = 0) -> str:
    """Format a number followed by its unit."""
    return f"{number(value, digits)}{NARROW_SPACE if _french() else ' '}{name}"


def percent(ratio: float) -> str:
    """Format a ratio as a percentage: 1 is 100 %."""
    return f"{number(ratio * 100)}{NARROW_SPACE if _french() else ''}%"


def percent_change(ratio: float) -> str:
    """Format a ratio as a change: 1.02 is "+2 %"."""
    rounded = round((ratio - 1) * 100)
    return ("±" if rounded == 0 else "+" if rounded > 0 else "−") + percent(abs(rounded) / 100)


def duration(ms: float) -> str:
    """Format `ms` milliseconds: as ms below a second, else as s, with one decimal below ten."""
    if abs(ms) < 999.5:
        return with_unit(ms, "ms")
    return with_unit(ms / 1000, "s", 1 if abs(ms) < 9950 else 0)


def _french() -> bool:
    return str(get_locale()) == "fr"


def day(moment: date, form: str = "long") -> str:
    """Format a date, in server time, such as « 1er novembre 2026 »; `form` is one of Babel's formats."""
    day_here = moment.astimezone() if isinstance(moment, datetime) else moment
    text = str(format_date(day_here, form, rebase=False))
    return FIRST.sub("1er", text) if _french() else text


def day_and_time(moment: datetime) -> str:
    """Format date and time in server time, such as « 23 novembre 2026 à 14 h 32 »."""
    time = format_time(moment.astimezone(), _("HH:mm"), rebase=False)
    return str(_("%(day)s at %(time)s", day=day(moment), time=time))


def ago(moment: datetime) -> str:
    """Format the time since `moment`, such as « il y a 3 minutes »: needs no time zone."""
    return str(format_timedelta(moment - datetime.now(UTC), granularity="minute", add_direction=True))


def filesize(size: float) -> str:
    """Format `size` bytes in decimal units: « 2,2 Go » or "2.2 GB"."""
    french = _french()
    for power, unit in ((9, "Go" if french else "GB"), (6, "Mo" if french else "MB"), (3, "ko" if french else "kB")):
        if size >= 10**power:
            number = f"{size / 10**power:.1f}".removesuffix(".0")
            return f"{number.replace('.', ',')}{NARROW_SPACE}{unit}" if french else f"{number} {unit}"
    return f"{size:.0f}{NARROW_SPACE}o" if french else f"{size:.0f} B"
