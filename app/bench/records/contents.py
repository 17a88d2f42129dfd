"""What is in the JSON columns of rows from a file: numbers, short texts and settings, as figures need them."""

from collections.abc import Callable, Mapping
from typing import Any

from app.bench.measuring import plan as plans
from app.errors import AppError
from app.models.base import MAX_INTEGER
from app.models.lab import Kind

# Metrics that are words.
WORDED = frozenset({"energy_method", "reason"})
LONGEST_WORD, LONGEST_TEXT = 80, 20_000
# Larger than any bytes or milliseconds here; far larger ones cannot even be written down on a page.
LARGEST = 1e15
# What an engine tells of a model in words.
TOLD = ("name", "label", "parameters", "quantization")
# Seconds, the engine's CPU, the machine's CPU, the engine's RAM.
SERIES_WIDTH = 4
# Samples that measure something at so many tokens, or for so many people.
COUNTED = (Kind.READING, Kind.CROWD)


def check(column: str, value: Any) -> Any:
    """The value of a JSON column as it is to be stored. Raises ValueError or TypeError."""
    try:
        return CHECKS[column](value) if column in CHECKS else value
    except AppError as error:
        raise ValueError(error.code) from None


def check_prompt(kind: str, prompt: str) -> None:
    """Raises ValueError where a number is expected and is not there."""
    if kind in COUNTED and not (prompt.isascii() and prompt.isdigit() and 0 < int(prompt) <= MAX_INTEGER):
        raise ValueError(prompt)


def _number(value: Any) -> None:
    # True is a number too.
    _must(isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST)


def _text(value: Any, longest: int = LONGEST_TEXT) -> None:
    _must(isinstance(value, str) and len(value) <= longest)


def _plain(value: Any) -> None:
    """A number, a text, a truth or nothing."""
    _must(value is None or isinstance(value, str) or (isinstance(value, int | float) and abs(value) <= LARGEST))


def _metrics(value: Mapping[str, Any]) -> Any:
    for name, one in value.items():
        if name in WORDED:
            _text(one, LONGEST_WORD)
        elif one is not None:
            _number(one)
    return value


def _series(value: list[Any]) -> Any:
    for row in value:
        _must(isinstance(row, list) and len(row) == SERIES_WIDTH)
        _number(row[0])
        for one in row[1:]:
            _must(one is None or (isinstance(one, int | float) and abs(one) <= LARGEST))
    return value


def _setting(value: Any) -> Any:
    return plans.setting(value, "setting").as_json()


def _plan(value: Any) -> Any:
    plans.read(value)
    return value


def _judgement(value: Mapping[str, Any]) -> Any:
    _text(value.get("code", ""), LONGEST_WORD)
    _text(value.get("log", ""))
    params, checks, failures = value.get("params", {}), value.get("checks", []), value.get("failures", [])
    _must(isinstance(params, dict) and isinstance(checks, list) and isinstance(failures, list))
    for one in params.values():
        _plain(one)
    for one in failures:
        _text(one, LONGEST_WORD)
    for one in checks:
        _must(isinstance(one, dict) and "passed" in one and isinstance(one["passed"], bool | None))
        _text(one.get("check"), LONGEST_WORD)
        _text(one.get("detail", ""))
    return value


def _models(value: Mapping[str, Any]) -> Any:
    for facts in value.values():
        _must(isinstance(facts, dict))
        _flat(facts, ("size_bytes", "ram_bytes", "context"))
        for name in TOLD:
            _text(facts.get(name) or "", LONGEST_TEXT)
    return value


def _engine(value: Mapping[str, Any]) -> Any:
    for one in value.values():
        _text(one, LONGEST_TEXT)
    return value


def _description(value: Mapping[str, Any]) -> Any:
    told = dict(value)
    flags, parts = told.pop("flags", []), [told.pop(name, {}) for name in ("engine", "energy")]
    _must(isinstance(flags, list) and all(isinstance(flag, str) for flag in flags))
    numbers = ("sockets", "cores", "threads", "allowed", "quota", "ram_bytes", "ram_limit", "nodes")
    for table in (told, *parts):
        _must(isinstance(table, dict))
        _flat(table, (*numbers, "idle_w", "full_w"))
    return value


def _flat(table: Mapping[str, Any], numbers: tuple[str, ...]) -> None:
    for name, one in table.items():
        _plain(one)
        if name in numbers and one is not None:
            _number(one)


def _must(holds: bool) -> None:
    if not holds:
        raise ValueError


CHECKS: dict[str, Callable[[Any], Any]] = {
    "metrics": _metrics,
    "series": _series,
    "setting": _setting,
    "plan": _plan,
    "judgement": _judgement,
    "models": _models,
    "engine": _engine,
    "description": _description,
}
