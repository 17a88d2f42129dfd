"""Database queries of pages and reports on machines, runs and samples; also overrule a sample and delete a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, exists, func, select

from app.errors import AppError
from app.extensions import db
from app.models import User
from app.models.base import Row, get_or_none
from app.models.lab import ACTIVE, LabCampaign, LabMachine, LabRun, LabSample, SampleKind, SampleState, Verdict

RUNS_SHOWN = 200
PAGE = 100
# By date first: measurements made by hand were stored long after they were made, so ids do not give the order.
NEWEST = (LabRun.created_at.desc(), LabRun.id.desc())
# This key in a machine's description says that the machine was imported and nothing was measured on it here yet.
IMPORTED = "imported"
# The columns that samples can be filtered by, by their name in the URL.
FILTERS = {
    "run": LabSample.run_id,
    "machine": LabRun.machine_id,
    "model": LabSample.model,
    "kind": LabSample.kind,
    "prompt": LabSample.prompt,
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list, with its number of samples, of those that are over, and of those that failed undisturbed."""

    run: LabRun
    total: int
    over: int
    failed: int


def machines() -> list[LabMachine]:
    """All machines that have runs: this server's, then imported ones, then those measured by hand; in each group the
    last used first."""
    used = select(LabRun.machine_id, func.max(LabRun.id).label("last")).group_by(LabRun.machine_id).subquery()
    newest = select(LabMachine).join(used, used.c.machine_id == LabMachine.id).order_by(used.c.last.desc())
    return sorted(db.session.scalars(newest), key=lambda one: (bool(one.source), IMPORTED in one.description))


def runs() -> list[RunLine]:
    """The latest runs, the newest first."""
    return _lines(select(LabRun.id).order_by(*NEWEST).limit(RUNS_SHOWN))


def run_line(run: LabRun) -> RunLine:
    """The `RunLine` of one run."""
    return _lines(select(LabRun.id).where(LabRun.id == run.id))[0]


def get_row(table: type[Row], row_id: int) -> Row:
    """Get a row by its id. Raises not_found."""
    row = get_or_none(table, row_id)
    if row is None:
        raise AppError("not_found")
    return row


def get_run(run_id: int) -> LabRun:
    """Get a run by its id. Raises not_found."""
    return get_row(LabRun, run_id)


def get_runs(run_ids: Sequence[int]) -> list[LabRun]:
    """Get several runs, in the given order. Raises not_found if one is missing."""
    return [get_run(run_id) for run_id in run_ids]


def samples_of(run_ids: Sequence[int]) -> list[LabSample]:
    """All samples of these runs, ordered by run, position and attempt."""
    wanted = select(LabSample).where(LabSample.run_id.in_(run_ids))
    return list(db.session.scalars(wanted.order_by(LabSample.run_id, LabSample.position, LabSample.attempt)))


def get_sample(sample_id: int) -> LabSample:
    """Get a sample by its id. Raises not_found."""
    return get_row(LabSample, sample_id)


def get_samples(sample_ids: Sequence[int]) -> list[LabSample]:
    """Get the samples with these ids, in this order."""
    found = {sample.id: sample for sample in db.session.scalars(select(LabSample).where(LabSample.id.in_(sample_ids)))}
    return [found[sample_id] for sample_id in sample_ids]


def find_samples(filters: Mapping[str, Any], setting: str, page: int) -> tuple[list[LabSample], int]:
    """One page of the matching samples, newest run first, and the number of all matches.

    `filters`: values by the names in `FILTERS`; `setting`: a `setting_key`, empty for any; `page` counts from 1.
    """
    wanted = select(LabSample.id, LabSample.setting).join(LabRun)
    for name, value in filters.items():
        wanted = wanted.where(FILTERS[name] == value)
    rows = db.session.execute(wanted.order_by(LabSample.run_id.desc(), LabSample.position, LabSample.attempt))
    # The setting is compared here: databases disagree on how parts of JSON compare.
    ids = [sample_id for sample_id, used in rows if not setting or setting_key(used) == setting]
    return get_samples(ids[PAGE * (page - 1) : PAGE * page]), len(ids)


def setting_key(setting: Mapping[str, Any]) -> str:
    """Write a setting for a URL: thinking, threads, context and temperature, as in `1-8-4096-0.7`."""
    others = (setting.get(name) or 0 for name in ("threads", "context", "temperature"))
    return "-".join(f"{number:g}" for number in (int(bool(setting.get("think"))), *others))


def neighbours(sample: LabSample) -> tuple[int | None, int | None]:
    """The ids of the samples before and after this one in its run, None at the ends."""
    around = select(LabSample.id).where(LabSample.run_id == sample.run_id)
    before = around.where(LabSample.id < sample.id).order_by(LabSample.id.desc()).limit(1)
    after = around.where(LabSample.id > sample.id).order_by(LabSample.id).limit(1)
    return db.session.scalar(before), db.session.scalar(after)


def retaken(sample: LabSample) -> bool:
    """Whether the sample has a later attempt."""
    again = exists().where(
        LabSample.run_id == sample.run_id, LabSample.position == sample.position, LabSample.attempt > sample.attempt
    )
    return bool(db.session.scalar(select(again)))


def user_name(user_id: int | None) -> str:
    """A user's display name; empty when `user_id` is None or the user no longer exists."""
    person = db.session.get(User, user_id) if user_id else None
    return person.display_name if person else ""


def overrule(sample: LabSample, verdict: Verdict | None, note: str, user_id: int) -> None:
    """Replace a sample's automatic judgement by an administrator's verdict; `verdict` None restores the judgement.

    Raises invalid_field for a sample that is no finished task.
    """
    if sample.kind != SampleKind.TASK or sample.state != SampleState.DONE:
        raise AppError("invalid_field", field="verdict")
    sample.overruled, sample.overruled_note = verdict, note if verdict else ""
    sample.overruled_by = user_id if verdict else None
    db.session.commit()


def _lines(wanted: Select[Any]) -> list[RunLine]:
    total = func.count(LabSample.id)
    over = total.filter(LabSample.state != SampleState.WAITING)
    failed = total.filter(LabSample.state == SampleState.FAILED, ~LabSample.disturbed)
    counted = (
        select(LabRun, total, over, failed)
        .outerjoin(LabSample)
        .where(LabRun.id.in_(wanted))
        .group_by(LabRun.id)
        .order_by(*NEWEST)
    )
    return [RunLine(*row) for row in db.session.execute(counted)]


# Deleting runs


def delete_run(run_id: int) -> None:
    """Delete a run for good; the caller must then publish the labels.

    Raises not_found, lab_run_active, and lab_run_by_hand for a measurement made by hand.
    """
    run = get_run(run_id)
    if run.machine.source:
        raise AppError("lab_run_by_hand")
    # The state is checked in the same statement, so that a run resumed at this moment is not deleted. The database
    # cascades to the run's samples, to the campaigns on them and to their votes.
    gone = db.session.execute(delete(LabRun).where(LabRun.id == run_id, LabRun.state.not_in(ACTIVE)))
    count: int = gone.rowcount  # type: ignore[attr-defined]
    db.session.commit()
    if not count:
        raise AppError("lab_run_active")


def removable(run: LabRun) -> bool:
    """Whether the run may be deleted now."""
    return run.state not in ACTIVE and not run.machine.source


def campaigns_on(run_id: int) -> int:
    """The number of voting campaigns that would be deleted with this run."""
    counted = select(func.count()).select_from(LabCampaign).where(LabCampaign.run_id == run_id)
    return db.session.scalar(counted) or 0
