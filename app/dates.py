"""Days and moments in words, by the server's clock; the first day of a French month is « 1er »."""

import re
from datetime import datetime

from flask_babel import format_date, format_time, get_locale
from flask_babel import gettext as _

# Babel writes it as a number like the others.
FIRST = re.compile(r"^1(?= )")


def day(moment: datetime, form: str = "long") -> str:
    """« 1er novembre 2026 », or in another of Babel's forms."""
    words = str(format_date(moment.astimezone(), form, rebase=False))
    return FIRST.sub("1er", words) if str(get_locale()) == "fr" else words


def day_and_time(moment: datetime) -> str:
    """« 23 novembre 2026 à 14 h 32 »."""
    time = format_time(moment.astimezone(), _("HH:mm"), rebase=False)
    return str(_("%(day)s at %(time)s", day=day(moment), time=time))
