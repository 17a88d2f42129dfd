"""What the Labo's pages and reports read of the rows: machines, runs, samples; and a person's word on a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, select

from app.errors import AppError
from app.extensions import db
from app.models import User
from app.models.base import get_or_none
from app.models.lab import Kind, LabCampaign, LabMachine, LabRun, LabSample, LabState, SampleState, Verdict

RUNS_SHOWN = 200
PAGE = 100
# What was measured by hand was stored later than it was measured.
NEWEST = (LabRun.created_at.desc(), LabRun.id.desc())
# Marks the description of a machine that came in a file, until this program measures on it.
IMPORTED = "imported"
ACTIVE = (LabState.QUEUED, LabState.RUNNING)
# What can be looked for in samples, by the name in an address.
FILTERS = {
    "run": LabSample.run_id,
    "machine": LabRun.machine_id,
    "model": LabSample.model,
    "kind": LabSample.kind,
    "prompt": LabSample.prompt,
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list, with how many samples it has and how many of them are over and failed."""

    run: LabRun
    total: int
    over: int
    failed: int


def machines() -> list[LabMachine]:
    """All machines of runs: this program's first, then those of other servers, then what was measured by hand; of each
    the last used first."""
    used = select(LabRun.machine_id, func.max(LabRun.id).label("last")).group_by(LabRun.machine_id).subquery()
    newest = select(LabMachine).join(used, used.c.machine_id == LabMachine.id).order_by(used.c.last.desc())
    return sorted(db.session.scalars(newest), key=_origin)


def runs() -> list[RunLine]:
    """The latest runs, the newest first."""
    return _lines(select(LabRun.id).order_by(*NEWEST).limit(RUNS_SHOWN))


def line_of(run: LabRun) -> RunLine:
    """One run as the list has it."""
    return _lines(select(LabRun.id).where(LabRun.id == run.id))[0]


def run_of(run_id: int) -> LabRun:
    """A run; raises not_found."""
    run: LabRun = _found(LabRun, run_id)
    return run


def several(run_ids: Sequence[int]) -> list[LabRun]:
    """These runs, in their order; raises not_found for one that is missing."""
    return [run_of(run_id) for run_id in run_ids]


def taken(run_ids: Sequence[int]) -> list[LabSample]:
    """All samples of these runs, in the order in which they were taken."""
    wanted = select(LabSample).where(LabSample.run_id.in_(run_ids))
    return list(db.session.scalars(wanted.order_by(LabSample.run_id, LabSample.position, LabSample.attempt)))


def sample_of(sample_id: int) -> LabSample:
    """A sample; raises not_found."""
    sample: LabSample = _found(LabSample, sample_id)
    return sample


def matching(filters: Mapping[str, Any], setting: str, page: int) -> tuple[list[LabSample], int]:
    """One page of the samples that match, the newest run first, and how many match in all."""
    wanted = select(LabSample.id, LabSample.setting).join(LabRun)
    for name, value in filters.items():
        wanted = wanted.where(FILTERS[name] == value)
    rows = db.session.execute(wanted.order_by(LabSample.run_id.desc(), LabSample.position, LabSample.attempt))
    # Databases do not agree on how parts of JSON are compared.
    ids = [sample_id for sample_id, told in rows if not setting or mark(told) == setting]
    shown = ids[PAGE * (page - 1) : PAGE * page]
    found = {sample.id: sample for sample in db.session.scalars(select(LabSample).where(LabSample.id.in_(shown)))}
    return [found[sample_id] for sample_id in shown], len(ids)


def mark(setting: Mapping[str, Any]) -> str:
    """A setting as it stands in an address: thinking, threads, context, temperature."""
    others = (setting.get(name) or 0 for name in ("threads", "context", "temperature"))
    return "-".join(f"{number:g}" for number in (int(bool(setting.get("think"))), *others))


def neighbours(sample: LabSample) -> tuple[int | None, int | None]:
    """The samples before and after this one in its run."""
    around = select(LabSample.id).where(LabSample.run_id == sample.run_id)
    before = around.where(LabSample.id < sample.id).order_by(LabSample.id.desc()).limit(1)
    after = around.where(LabSample.id > sample.id).order_by(LabSample.id).limit(1)
    return db.session.scalar(before), db.session.scalar(after)


def name_of(user_id: int | None) -> str:
    """Who that was; empty for nobody, or somebody who has left."""
    person = db.session.get(User, user_id) if user_id else None
    return person.display_name if person else ""


def overrule(sample: LabSample, verdict: Verdict | None, note: str, user_id: int) -> None:
    """A person's word, which counts instead of the judgement; None takes it back."""
    if sample.kind != Kind.TASK or sample.state != SampleState.DONE:
        raise AppError("invalid_field", field="verdict")
    sample.overruled, sample.overruled_note = verdict, note if verdict else ""
    sample.overruled_by = user_id if verdict else None
    db.session.commit()


def _lines(wanted: Select[Any]) -> list[RunLine]:
    over = func.sum(func.iif(LabSample.state != SampleState.WAITING, 1, 0))
    failed = func.sum(func.iif((LabSample.state == SampleState.FAILED) & ~LabSample.disturbed, 1, 0))
    counted = (
        select(LabRun, func.count(LabSample.id), over, failed)
        .outerjoin(LabSample)
        .where(LabRun.id.in_(wanted))
        .group_by(LabRun.id)
        .order_by(*NEWEST)
    )
    return [RunLine(run, total, done or 0, bad or 0) for run, total, done, bad in db.session.execute(counted)]


def _origin(machine: LabMachine) -> tuple[bool, bool]:
    return bool(machine.source), IMPORTED in (machine.description or {})


def _found(kind: Any, row_id: int) -> Any:
    row = get_or_none(kind, row_id)
    if row is None:
        raise AppError("not_found")
    return row


def delete_run(run_id: int) -> None:
    """For good. Raises not_found, lab_run_active, lab_run_by_hand; the caller tells the labels anew."""
    run = run_of(run_id)
    if run.machine.source:
        raise AppError("lab_run_by_hand")
    # In one statement with the question, so that a run which is gone on with just now is not taken away from it. The
    # database takes the samples along, the campaigns on them and their votes.
    gone = db.session.execute(delete(LabRun).where(LabRun.id == run_id, LabRun.state.not_in(ACTIVE)))
    count: int = gone.rowcount  # type: ignore[attr-defined]
    db.session.commit()
    if not count:
        raise AppError("lab_run_active")


def removable(run: LabRun) -> bool:
    """Whether it may be deleted now."""
    return run.state not in ACTIVE and not run.machine.source


def campaigns_on(run_id: int) -> int:
    """How many blind votes would go with it."""
    counted = select(func.count()).select_from(LabCampaign).where(LabCampaign.run_id == run_id)
    return db.session.scalar(counted) or 0
