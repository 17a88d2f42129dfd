"""Measuring runs out of a file of the Labo's own, of this server or another: read whole, or refused in words."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, select

from app.bench.records import contents
from app.bench.records.readings import IMPORTED
from app.errors import AppError
from app.extensions import db
from app.models.base import MAX_INTEGER, UtcDateTime
from app.models.lab import Kind, LabMachine, LabRun, LabSample, LabState, SampleState, Verdict

FORMAT, VERSION = "couachgpt-labo", 1
MILLISECOND = timedelta(milliseconds=1)
# Outside of these nobody has measured, and moments cannot be counted with.
YEARS = range(2000, 3000)
# Numbers of rows and people are those of the server that wrote the file.
OWN = {"id", "machine_id", "run_id", "user_id", "overruled_by"}
WORDS: dict[tuple[str, str], type[StrEnum]] = {
    ("lab_runs", "state"): LabState,
    ("lab_samples", "state"): SampleState,
    ("lab_samples", "kind"): Kind,
    ("lab_samples", "verdict"): Verdict,
    ("lab_samples", "overruled"): Verdict,
}


def load(text: str) -> list[LabRun]:
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
        contents.check_prompt(values["kind"], values["prompt"])
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
        return contents.check(column.name, _of(value, dict if column.name != "series" else list))
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
