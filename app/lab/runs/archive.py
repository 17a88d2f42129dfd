"""Measuring runs out of a file of the Labo's own, of this server or another: read whole, or refused in words."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, select

from app.errors import AppError
from app.extensions import db
from app.lab.measuring import plan as plans
from app.lab.runs.queries import IMPORTED
from app.models.base import MAX_INTEGER, UtcDateTime
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

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
COUNTED = (SampleKind.READING, SampleKind.CROWD)
FORMAT, VERSION = "couachgpt-labo", 1
MILLISECOND = timedelta(milliseconds=1)
# Outside of these nobody has measured, and moments cannot be counted with.
YEARS = range(2000, 3000)
# Numbers of rows and people are those of the server that wrote the file.
OWN = {"id", "machine_id", "run_id", "user_id", "overruled_by"}
WORDS: dict[tuple[str, str], type[StrEnum]] = {
    ("lab_runs", "state"): LabState,
    ("lab_samples", "state"): SampleState,
    ("lab_samples", "kind"): SampleKind,
    ("lab_samples", "verdict"): Verdict,
    ("lab_samples", "overruled"): Verdict,
}


def check_archive(column: str, value: Any) -> Any:
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
    return plans.read_setting(value).as_json()


def _plan(value: Any) -> Any:
    plans.read_plan(value)
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


def import_archive(text: str) -> list[LabRun]:
    """Store the runs of a file that are not here yet, all in one commit.

    Raises lab_import_syntax, lab_import_damaged, import_version; then nothing is stored.
    """
    told = _parsed(text)
    machines = {}
    for number, each in enumerate(_list(told, "machines")):
        with _within(f"machines[{number}]"):
            values = _values(LabMachine, each)
            machines[values["fingerprint"]] = values
    made = []
    try:
        for number, each in enumerate(_list(told, "runs")):
            with _within(f"runs[{number}]"):
                run = _run(each, machines)
            if run is not None:
                db.session.add(run)
                db.session.flush()
                made.append(run)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return made


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        told = json.loads(text)
        # Numbers without end and halves of characters are read by Python, and by nobody else.
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError as error:
        raise AppError("lab_import_syntax", line=error.lineno, cause=error.msg) from None
    except (ValueError, RecursionError) as error:
        raise AppError("lab_import_damaged", part="JSON", cause=str(error)) from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise AppError("lab_import_damaged", part="format")
    if told.get("version") != VERSION:
        raise AppError("import_version", version=str(told.get("version"))[:20])
    return told


def _run(told: Any, machines: Mapping[str, dict[str, Any]]) -> LabRun | None:
    """The run with its samples; None for one that is here already."""
    values = _values(LabRun, told)
    mark = told.get("machine")
    if not isinstance(mark, str) or mark not in machines:
        raise AppError("lab_import_damaged", part="machine")
    machine = db.session.scalar(select(LabMachine).where(LabMachine.fingerprint == mark))
    if machine is None:
        machine = LabMachine(**machines[mark])
        # Until this program measures on that very hardware: its own machines come first.
        machine.description = (machine.description or {}) | {IMPORTED: True}
    elif _is_here(machine, values):
        return None
    # What was not measured there is not to be measured here.
    if values["state"] in (LabState.QUEUED, LabState.RUNNING):
        values["state"] = LabState.INTERRUPTED
    samples = []
    for number, each in enumerate(_list(told, "samples")):
        with _within(f"samples[{number}]"):
            samples.append(_sample(each))
    kept = [LabSample(**each) for each in samples if each["state"] != SampleState.WAITING]
    return LabRun(**values, machine=machine, samples=kept)


def _sample(told: Any) -> dict[str, Any]:
    values = _values(LabSample, told)
    try:
        check_prompt(values["kind"], values["prompt"])
    except ValueError:
        raise AppError("lab_import_damaged", part="prompt") from None
    return values


@contextmanager
def _within(place: str) -> Iterator[None]:
    """What is wrong in there is told with its place in the file."""
    try:
        yield
    except AppError as error:
        if error.code != "lab_import_damaged":
            raise
        raise AppError(error.code, cause=error.cause, part=f"{place}.{error.params['part']}") from None


def _is_here(machine: LabMachine, values: Mapping[str, Any]) -> bool:
    # Files tell milliseconds.
    since = values["created_at"] - MILLISECOND
    same = select(LabRun.id).where(LabRun.created_at.between(since, since + 2 * MILLISECOND))
    return db.session.scalar(same.where(LabRun.machine_id == machine.id).limit(1)) is not None


def _list(told: Any, name: str) -> list[Any]:
    found = told.get(name) if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise AppError("lab_import_damaged", part=name)
    return found


def _values(row: type[LabMachine | LabRun | LabSample], told: Any) -> dict[str, Any]:
    """The columns of one row, each of its kind; what is not told has the column's default."""
    if not isinstance(told, dict):
        raise AppError("lab_import_damaged", part=row.__tablename__)
    values = {}
    for column in row.__table__.columns:
        if column.name in OWN:
            continue
        if told.get(column.name) is not None:
            values[column.name] = _value(column, told[column.name])
        elif column.name in ("created_at", "state") or (not column.nullable and column.default is None):
            raise AppError("lab_import_damaged", part=column.name)
    return values


def _value(column: Column[Any], value: Any) -> Any:
    try:
        return _converted(column, value)
    except (ValueError, TypeError):
        raise AppError("lab_import_damaged", part=column.name) from None


def _converted(column: Column[Any], value: Any) -> Any:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None or moment.year not in YEARS:
            raise ValueError(value)
        return moment
    if isinstance(kind, JSON):
        return check_archive(column.name, _of(value, dict if column.name != "series" else list))
    if isinstance(kind, Boolean):
        return _of(value, bool)
    if isinstance(kind, Integer | Float):
        if isinstance(value, bool):
            raise TypeError(value)
        if not -MAX_INTEGER <= value <= MAX_INTEGER or (column.name == "score" and not 0 <= value <= 1):
            raise ValueError(value)
        return _of(value, int if isinstance(kind, Integer) else int | float)
    word = WORDS.get((column.table.name, column.name))
    text = _of(value, str)
    if "\0" in text:
        raise ValueError("PostgreSQL stores no zeros")
    if isinstance(kind, String) and kind.length and len(text) > kind.length:
        raise ValueError(value)
    return word(text) if word else text


def _of(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value
