"""What the Labo's kinds, states, settings and figures are called, and how its figures are written."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import LazyString, format_datetime, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.formatting import NARROW_SPACE, duration, filesize, number, percent, with_unit
from app.lab.messages import CATEGORIES
from app.models.lab import WORTH, Kind, LabState, SampleState, Verdict

JOULES = 3600
# The least energy that is written with its figure.
LEAST_MWH = 0.1
NOTHING = "–"

KINDS: dict[str, LazyString] = {
    Kind.LOAD: _l("Loading"),
    Kind.READING: _l("Reading"),
    Kind.TASK: _l("Tasks"),
    Kind.CROWD: _l("Several people"),
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


def prompt_name(kind: str, prompt: str, tasks: Mapping[str, Any]) -> str:
    """What a sample asked: a task's name, a length, a number of people."""
    if kind == Kind.LOAD:
        return str(LOADS.get(prompt, prompt))
    if kind == Kind.TASK:
        return tasks[prompt].name if prompt in tasks else prompt
    if not prompt.isdigit():
        return prompt
    if kind == Kind.READING:
        return str(ngettext("%(count)s token", "%(count)s tokens", int(prompt), count=number(int(prompt))))
    return str(ngettext("%(num)s person", "%(num)s people", int(prompt)))


def setting_name(setting: Mapping[str, Any]) -> str:
    """In words; empty when all is as the server is set."""
    parts = [_("with thinking")] if setting.get("think") else []
    if threads := setting.get("threads"):
        parts.append(ngettext("%(num)s thread", "%(num)s threads", threads))
    if context := setting.get("context"):
        parts.append(_("context %(count)s", count=number(context)))
    if setting.get("temperature"):
        parts.append(_("temperature %(value)s", value=number(setting["temperature"], 1)))
    return " · ".join(parts)


def cell_name(model: str, setting: Mapping[str, Any]) -> str:
    """A model and, where it matters, how it was set."""
    words = setting_name(setting)
    return f"{model} · {words}" if words else model


def facts(told: Mapping[str, Any]) -> str:
    """What the engine tells of a model, in one line."""
    size = told.get("size_bytes")
    return " · ".join(filter(None, (told.get("parameters"), told.get("quantization"), filesize(size) if size else "")))


def label_facts(label: Any) -> str:
    """How long a mail takes, and the memory, of a model's label."""
    mail = _("answers a mail of 10 lines in about %(time)s here", time=seconds(label.mail_s)) if label.mail_s else ""
    ram = _("%(size)s of memory", size=filesize(label.ram_bytes)) if label.ram_bytes else ""
    return " · ".join(filter(None, (mail, ram)))


def label_talents(label: Any) -> str:
    """What a model is good at; empty where nothing stands out."""
    return _("Good at: %(kinds)s", kinds=called(label.good_at, CATEGORIES)) if label.good_at else ""


def seconds(value: float | None) -> str:
    """44 s, 2,6 s, 3 min 41 s."""
    if value is None:
        return NOTHING
    # What rounds to sixty is a minute.
    if value < 59.5:
        return duration(value * 1000)
    minutes, rest = divmod(round(value), 60)
    if minutes >= 60:
        return f"{with_unit(minutes // 60, 'h')} {with_unit(minutes % 60, 'min')}"
    return f"{with_unit(minutes, 'min')} {with_unit(rest, 's')}" if rest else with_unit(minutes, "min")


def rate(value: float | None) -> str:
    """Tokens a second, without the unit: a column's head has it."""
    return NOTHING if value is None else number(value, 1 if value < 100 else 0)


def share(value: float | None) -> str:
    """Out of 100, as a percentage."""
    return NOTHING if value is None else percent(value / 100)


def size(value: float | None) -> str:
    """Bytes."""
    return NOTHING if value is None else filesize(value)


def energy(watt_hours: float | None) -> str:
    """Watt-hours, with as many decimals as say something."""
    if watt_hours is None:
        return NOTHING
    if watt_hours * 1000 < LEAST_MWH / 2:
        return str(_("less than %(energy)s", energy=with_unit(LEAST_MWH, "mWh", 1)))
    if watt_hours < 0.01:
        return with_unit(watt_hours * 1000, "mWh", 1)
    return with_unit(watt_hours, "Wh", 2 if watt_hours < 10 else 0)


def energy_of(figure: Any, method: str) -> str:
    """The energy of a line, called an estimate where it is one: beside other figures nothing else would say so."""
    if figure is None:
        return NOTHING
    text = energy(getattr(figure, "median", figure))
    return _("%(energy)s (estimated)", energy=text) if method == "estimated" else text


def counted(sample: Any) -> float | None:
    """A sample's score out of 100 as the ranking counts it: a person's word, else the judgement."""
    worth = WORTH[sample.overruled] if sample.overruled else sample.score
    return None if worth is None else 100 * worth


def whole(value: float | None) -> str:
    """Rounded."""
    return NOTHING if value is None else number(value)


def moment(value: Any) -> str:
    """A date and time here."""
    return format_datetime(value.astimezone(), "short", rebase=False) if value else NOTHING


def outliers(figure: Any, write: Callable[[float], str]) -> str:
    """The values far from the others."""
    return ", ".join(write(value) for value in getattr(figure, "outliers", ()))


def called(keys: Iterable[str], table: Mapping[str, Any]) -> str:
    """What these are called, one after another."""
    return ", ".join(str(table.get(key, key)) for key in keys)


def day(value: Any) -> str:
    """A date here."""
    return formatting.day(value) if value else NOTHING


def month(value: Any) -> str:
    """The month, for what nobody dated better."""
    return formatting.day(value, "MMMM y") if value else NOTHING


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
    """What begins below the least that is written begins at nothing."""
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
