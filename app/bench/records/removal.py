"""Deleting a measuring run with its samples; what the company measured by hand stays."""

from sqlalchemy import delete, func, select

from app.bench.records.readings import ACTIVE, run_of
from app.errors import AppError
from app.extensions import db
from app.models.lab import LabCampaign, LabRun


def remove(run_id: int) -> None:
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
