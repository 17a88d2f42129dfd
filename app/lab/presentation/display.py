"""Display names of kinds, states and settings, and formatting of the Labo's figures in the current language."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import LazyString, format_datetime, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.formatting import NARROW_SPACE, duration, filesize, number, percent, with_unit
from app.lab.messages import CATEGORIES
from app.models.lab import WORTH, LabState, SampleKind, SampleState, Verdict

JOULES = 3600
# Smaller energies (in mWh) are shown as "less than" this.
LEAST_MWH = 0.1
NOTHING = "–"

KINDS: dict[str, LazyString] = {
    SampleKind.LOAD: _l("Loading"),
    SampleKind.READING: _l("Reading"),
    SampleKind.TASK: _l("Tasks"),
    SampleKind.CROWD: _l("Several people"),
}
RUN_STATES: dict[str, LazyString] = {
    LabState.QUEUED: _l("In the queue"),
    LabState.RUNNING: _l("Being measured"),
    LabState.DONE: _l("Finished"),
    LabState.CANCELLED: _l("Cancelled"),
    LabState.INTERRUPTED: _l("Interrupted"),
    LabState.FAILED: _l("Failed"),
}
SAMPLE_STATES: dict[str, LazyString] = {
    SampleState.WAITING: _l("Waiting"),
    SampleState.DONE: _l("Taken"),
    SampleState.FAILED: _l("Failed"),
}
VERDICTS: dict[str, LazyString] = {
    Verdict.PASSED: _l("Passed"),
    Verdict.RESERVE: _l("With reserve"),
    Verdict.FAILED: _l("Failed"),
}
LOADS: dict[str, LazyString] = {"cold": _l("from the disk"), "warm": _l("from memory")}
METHODS: dict[str, LazyString] = {"rapl": _l("measured"), "estimated": _l("estimated")}
POWERS = {"Go": 9, "GB": 9, "Mo": 6, "MB": 6, "ko": 3, "kB": 3}
MINUTE, HOUR = 60, 3600


# Names


def prompt_name(kind: str, prompt: str, tasks: Mapping[str, Any]) -> str:
    """The display name of a sample's prompt: a task's name, a length in tokens, or a number of people."""
    if kind == SampleKind.LOAD:
        return str(LOADS.get(prompt, prompt))
    if kind == SampleKind.TASK:
        return tasks[prompt].name if prompt in tasks else prompt
    if not prompt.isdigit():
        return prompt
    if kind == SampleKind.READING:
        return str(ngettext("%(count)s token", "%(count)s tokens", int(prompt), count=number(int(prompt))))
    return str(ngettext("%(num)s person", "%(num)s people", int(prompt)))


def setting_name(setting: Mapping[str, Any]) -> str:
    """A setting in words; empty for the server's defaults."""
    parts = [_("with thinking")] if setting.get("think") else []
    if threads := setting.get("threads"):
        parts.append(ngettext("%(num)s thread", "%(num)s threads", threads))
    if context := setting.get("context"):
        parts.append(_("context %(count)s", count=number(context)))
    if setting.get("temperature"):
        parts.append(_("temperature %(value)s", value=number(setting["temperature"], 1)))
    return " · ".join(parts)


def cell_name(model: str, setting: Mapping[str, Any]) -> str:
    """The model's name, followed by its setting unless that is the default."""
    words = setting_name(setting)
    return f"{model} · {words}" if words else model


def facts(told: Mapping[str, Any]) -> str:
    """A model's parameters, quantization and file size in one line."""
    size = told.get("size_bytes")
    return " · ".join(filter(None, (told.get("parameters"), told.get("quantization"), filesize(size) if size else "")))


def label_facts(label: Any) -> str:
    """The mail time and memory of a model's label, in one line."""
    mail = _("answers a mail of 10 lines in about %(time)s here", time=seconds(label.mail_s)) if label.mail_s else ""
    ram = _("%(size)s of memory", size=filesize(label.ram_bytes)) if label.ram_bytes else ""
    return " · ".join(filter(None, (mail, ram)))


def label_talents(label: Any) -> str:
    """The categories a model is good at, as a sentence; empty without any."""
    return _("Good at: %(kinds)s", kinds=called(label.good_at, CATEGORIES)) if label.good_at else ""


# Single values


def seconds(value: float | None) -> str:
    """Format a duration, as in « 2,6 s », « 44 s », « 3 min 41 s »; a dash for None."""
    if value is None:
        return NOTHING
    # 59.5 s and more would round to 60 s.
    if value < 59.5:
        return duration(value * 1000)
    minutes, rest = divmod(round(value), 60)
    if minutes >= 60:
        return f"{with_unit(minutes // 60, 'h')} {with_unit(minutes % 60, 'min')}"
    return f"{with_unit(minutes, 'min')} {with_unit(rest, 's')}" if rest else with_unit(minutes, "min")


def rate(value: float | None) -> str:
    """Format tokens per second, without the unit, which the column's header shows."""
    return NOTHING if value is None else number(value, 1 if value < 100 else 0)


def share(value: float | None) -> str:
    """Format a value from 0 to 100 as a percentage."""
    return NOTHING if value is None else percent(value / 100)


def size(value: float | None) -> str:
    """Format a number of bytes."""
    return NOTHING if value is None else filesize(value)


def energy(watt_hours: float | None) -> str:
    """Format watt-hours, in mWh below 0.01 Wh, with as many decimals as are meaningful."""
    if watt_hours is None:
        return NOTHING
    if watt_hours * 1000 < LEAST_MWH / 2:
        return str(_("less than %(energy)s", energy=with_unit(LEAST_MWH, "mWh", 1)))
    if watt_hours < 0.01:
        return with_unit(watt_hours * 1000, "mWh", 1)
    return with_unit(watt_hours, "Wh", 2 if watt_hours < 10 else 0)


def energy_of(figure: Any, method: str) -> str:
    """Format an entry's energy (`Figure` or watt-hours), marked if it is estimated."""
    if figure is None:
        return NOTHING
    text = energy(getattr(figure, "median", figure))
    return _("%(energy)s (estimated)", energy=text) if method == "estimated" else text


def counted(sample: Any) -> float | None:
    """A sample's score of 100 as the ranking counts it: by an administrator's verdict, else the judgement, or None."""
    worth = WORTH[sample.overruled] if sample.overruled else sample.score
    return None if worth is None else 100 * worth


def whole(value: float | None) -> str:
    """Format a number rounded to an integer."""
    return NOTHING if value is None else number(value)


def moment(value: Any) -> str:
    """Format a date and time in the server's time zone."""
    return format_datetime(value.astimezone(), "short", rebase=False) if value else NOTHING


def outliers(figure: Any, write: Callable[[float], str]) -> str:
    """A figure's outliers, formatted by `write`; empty without any."""
    return ", ".join(write(value) for value in getattr(figure, "outliers", ()))


def called(keys: Iterable[str], table: Mapping[str, Any]) -> str:
    """The names of `keys` in `table`, separated by commas."""
    return ", ".join(str(table.get(key, key)) for key in keys)


def day(value: Any) -> str:
    """Format a date."""
    return formatting.day(value) if value else NOTHING


def month(value: Any) -> str:
    """Format a month and year, for measurements whose day is unknown."""
    return formatting.day(value, "MMMM y") if value else NOTHING


# Intervals


def spread(figure: Any, write: Callable[[float], str]) -> str:
    """Format a figure's interval with `write`, the unit once if possible; empty when both ends look the same."""
    low, high = TOGETHER.get(write, _each(write))(figure.low, figure.high)
    if low == high:
        return ""
    gap = NARROW_SPACE if NARROW_SPACE in low else " "
    head, _space, unit_name = low.rpartition(gap)
    # A duration of two units, as in “1 min 7 s”, is written whole.
    once = head and high.endswith(gap + unit_name) and not any(letter.isalpha() for letter in head)
    return f"{head}–{high}" if once else f"{low} – {high}"


def ranged(figure: Any, write: Callable[[Any], str]) -> str:
    """Format a figure's median, with its interval if it was measured more than once; a dash for None."""
    if figure is None:
        return NOTHING
    ends = spread(figure, write) if figure.count > 1 else ""
    return f"{write(figure.median)} ({ends})" if ends else write(figure.median)


def _each(write: Callable[[float], str]) -> Callable[[float, float], tuple[str, str]]:
    return lambda low, high: (write(low), write(high))


def _seconds(low: float, high: float) -> tuple[str, str]:
    if high < 0.9995 or low >= HOUR or MINUTE <= low <= high < HOUR:
        return seconds(low), seconds(high)
    if high < HOUR:
        return _decimal(low, "s"), _decimal(high, "s")
    return _decimal(low / MINUTE, "min"), _decimal(high / MINUTE, "min")


def _energy(low: float, high: float) -> tuple[str, str]:
    """Both ends of an interval of watt-hours; an end below `LEAST_MWH` is written as 0."""
    if low >= 0.01:
        return energy(low), energy(high)
    if high * 1000 < LEAST_MWH / 2:
        return "", ""
    least = low if low * 1000 >= LEAST_MWH / 2 else 0
    return _decimal(least * 1000, "mWh"), _decimal(high * 1000, "mWh")


def _size(low: float, high: float) -> tuple[str, str]:
    unit_name = filesize(high).split(" ")[-1].split(NARROW_SPACE)[-1]
    if filesize(low).endswith(unit_name) or unit_name not in POWERS:
        return filesize(low), filesize(high)
    return _decimal(low / 10 ** POWERS[unit_name], unit_name), filesize(high)


def _decimal(value: float, name: str) -> str:
    return with_unit(value, name, 0 if value >= 9.95 or not value else 1 if value >= 0.0995 else 2)


TOGETHER: dict[Callable[..., str], Callable[[float, float], tuple[str, str]]] = {
    seconds: _seconds,
    energy: _energy,
    size: _size,
}
