"""Import runs from files that this Labo or another one exported, and the measurements made by hand."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from sqlalchemy import select

from app.errors import AppError
from app.extensions import db
from app.lab.grading.schemas import Number
from app.lab.measuring.plan import ModelOptions, NullIsDefault, read_plan
from app.lab.runs.queries import IMPORTED
from app.models.base import MAX_INTEGER
from app.models.lab import ACTIVE, LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

FORMAT, VERSION = "couachgpt-labo", 1
# Lists of rows in a file, and their tables.
ROWS = {"machines": "lab_machines", "runs": "lab_runs", "samples": "lab_samples"}
# Samples that measure something at so many tokens, or for so many people.
COUNTED = (SampleKind.READING, SampleKind.CROWD)
# The years of a plausible date.
YEARS = range(2000, 3000)
MILLISECOND = timedelta(milliseconds=1)
# The company's own measurements before the Labo existed: one answer of each model, a stopwatch, and the task manager's
# figures of the whole machine. The sizes of the models are as the company wrote them.
HISTORY = Path(__file__).with_name("history.json")

logger = logging.getLogger(__name__)


# What a file may hold


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("no moment")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.year not in YEARS:
        raise ValueError(value)
    return moment


def _plan(value: dict[str, Any]) -> dict[str, Any]:
    try:
        read_plan(value)
    except AppError as error:
        raise ValueError(error.code) from None
    return value


def _checked(kind: Any) -> AfterValidator:
    """What a JSON column holds is checked, and stored as it is in the file."""
    adapter = TypeAdapter(kind)

    def check(value: Any) -> Any:
        adapter.validate_python(value)
        return value

    return AfterValidator(check)


Moment = Annotated[datetime, BeforeValidator(_moment)]
# PostgreSQL stores no NUL.
Stored = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Integer = Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Word = Annotated[str, Field(max_length=80)]
LongText = Annotated[str, Field(max_length=20_000)]
Plain = str | bool | Number | None
# Seconds, the engine's CPU, the machine's CPU, the engine's RAM.
Reading = Annotated[tuple[Number, Number | None, Number | None, Number | None], Field(strict=False)]
VerdictWord = Annotated[Verdict, Field(strict=False)]


class _Open(BaseModel):
    """An object in a JSON column; its other keys have a number, text, boolean or null."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Plain] = Field(init=False)


class _Metrics(_Open):
    __pydantic_extra__: dict[str, Number | None] = Field(init=False)  # type: ignore[assignment]
    energy_method: Word = ""
    reason: Word = ""


class _ModelFacts(_Open):
    name: LongText | None = None
    label: LongText | None = None
    parameters: LongText | None = None
    quantization: LongText | None = None
    size_bytes: Number | None = None
    ram_bytes: Number | None = None
    context: Number | None = None


class _Facts(_Open):
    sockets: Number | None = None
    cores: Number | None = None
    threads: Number | None = None
    allowed: Number | None = None
    quota: Number | None = None
    ram_bytes: Number | None = None
    ram_limit: Number | None = None
    nodes: Number | None = None
    idle_w: Number | None = None
    full_w: Number | None = None


class _Description(_Facts):
    flags: list[str] = []
    engine: _Facts = _Facts()
    energy: _Facts = _Facts()


class _Result(BaseModel):
    model_config = ConfigDict(strict=True)

    check: Word
    passed: bool | None
    detail: LongText = ""


class _Judgement(BaseModel):
    model_config = ConfigDict(strict=True)

    code: Word = ""
    params: dict[str, Plain] = {}
    checks: list[_Result] = []
    failures: list[Word] = []
    log: LongText = ""


class _Row(NullIsDefault):
    """A row's columns, without its own id and those of other rows, which hold on the other server only."""

    model_config = ConfigDict(extra="ignore")

    def values(self, *left_out: str) -> dict[str, Any]:
        """The columns that are in the file; the others have their defaults."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in left_out}


class _MachineRow(_Row):
    fingerprint: Stored = Field(max_length=64)
    name: Stored = Field(max_length=200)
    description: Annotated[dict[str, Any], _checked(_Description)] = {}
    source: Stored = Field("", max_length=300)
    created_at: Moment


class _SampleRow(_Row):
    position: Integer
    attempt: Integer = 1
    kind: SampleKind = Field(strict=False)
    model: Stored = Field(max_length=200)
    setting: ModelOptions = ModelOptions()
    prompt: Stored = Field(max_length=80)
    repeat: Integer = 1
    warmup: bool = False
    state: SampleState = Field(strict=False)
    disturbed: bool = False
    metrics: Annotated[dict[str, Any], _checked(_Metrics)] = {}
    series: Annotated[list[Any], _checked(list[Reading])] = []
    question: Stored = ""
    answer: Stored = ""
    thinking: Stored = ""
    verdict: VerdictWord | None = None
    score: float | None = Field(None, ge=0, le=1)
    judgement: Annotated[dict[str, Any], _checked(_Judgement)] = {}
    overruled: VerdictWord | None = None
    overruled_note: Stored = Field("", max_length=1000)
    error_code: Stored | None = Field(None, max_length=40)
    error_cause: Stored | None = Field(None, max_length=1000)
    started_at: Moment | None = None
    finished_at: Moment | None = None

    @field_validator("prompt")
    @classmethod
    def _counts(cls, prompt: str, info: ValidationInfo) -> str:
        number = int(prompt) if prompt.isascii() and prompt.isdigit() else 0
        if info.data.get("kind") in COUNTED and not 0 < number <= MAX_INTEGER:
            raise ValueError(prompt)
        return prompt


class _RunRow(_Row):
    title: Stored = Field("", max_length=200)
    state: LabState = Field(strict=False)
    plan: Annotated[dict[str, Any], AfterValidator(_plan)] = {}
    engine: dict[str, LongText] = {}
    models: Annotated[dict[str, Any], _checked(dict[str, _ModelFacts])] = {}
    error_code: Stored | None = Field(None, max_length=40)
    error_cause: Stored | None = Field(None, max_length=1000)
    created_at: Moment
    started_at: Moment | None = None
    finished_at: Moment | None = None
    # Its fingerprint.
    machine: str
    samples: list[_SampleRow]


class _Archive(_Row):
    machines: list[_MachineRow]
    runs: list[_RunRow]


def import_archive(text: str) -> list[LabRun]:
    """Store the runs of a file that are not here yet, all in one commit.

    Raises lab_import_syntax, lab_import_damaged, import_version; then nothing is stored.
    """
    archive = _read(text)
    machines = {machine.fingerprint: machine for machine in archive.machines}
    made = []
    try:
        for number, each in enumerate(archive.runs):
            if each.machine not in machines:
                raise AppError("lab_import_damaged", part=f"runs[{number}].machine")
            run = _stored(each, machines[each.machine])
            if run is not None:
                db.session.add(run)
                db.session.flush()
                made.append(run)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return made


def _read(text: str) -> _Archive:
    try:
        given = json.loads(text)
        # Python reads infinite numbers and lone surrogates, which databases refuse.
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError as error:
        raise AppError("lab_import_syntax", line=error.lineno, cause=error.msg) from None
    except (ValueError, RecursionError) as error:
        raise AppError("lab_import_damaged", part="JSON", cause=str(error)) from None
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise AppError("lab_import_damaged", part="format")
    if given.get("version") != VERSION:
        raise AppError("import_version", version=str(given.get("version"))[:20])
    try:
        return _Archive.model_validate(given)
    except ValidationError as error:
        place = error.errors(include_url=False)[0]["loc"]
    raise AppError("lab_import_damaged", part=_part(place))


def _part(place: tuple[str | int, ...]) -> str:
    """The list, the column or the row at that place, as in `runs[0].samples[1].kind`."""
    part = ""
    for step in place:
        part += f"[{step}]" if isinstance(step, int) else f".{step}" if part else step
        if isinstance(step, str) and step not in ROWS:
            return part
    # The row itself is no object.
    return f"{part}.{ROWS[str(place[-2])]}" if isinstance(place[-1], int) else part


def _stored(run: _RunRow, machine_values: _MachineRow) -> LabRun | None:
    """The run with its samples; None for one that is here already."""
    machine = db.session.scalar(select(LabMachine).where(LabMachine.fingerprint == run.machine))
    if machine is None:
        # Until this program measures on that very hardware: its own machines come first.
        description = machine_values.description | {IMPORTED: True}
        machine = LabMachine(**machine_values.values("description"), description=description)
    else:
        # Files have a resolution of milliseconds.
        close = LabRun.created_at.between(run.created_at - MILLISECOND, run.created_at + MILLISECOND)
        if db.session.scalar(select(LabRun.id).where(close, LabRun.machine_id == machine.id).limit(1)) is not None:
            return None
    values = run.values("machine", "samples")
    # Samples that were not measured there are not to be measured here.
    if run.state in ACTIVE:
        values["state"] = LabState.INTERRUPTED
    samples = [
        LabSample(**each.values("setting"), setting=each.setting.as_json())
        for each in run.samples
        if each.state != SampleState.WAITING
    ]
    return LabRun(**values, machine=machine, samples=samples)


def load_historical() -> int:
    """Import the measurements made by hand that are not in the database yet; returns how many runs that were."""
    imported = import_archive(HISTORY.read_text())
    if imported:
        logger.info("historical measurements loaded runs=%d", len(imported))
    return len(imported)
