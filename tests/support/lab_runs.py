"""Measuring runs in tests: a plan, its run until the end, and what was stored of it."""

from typing import Any

from app.lab.runs.runner import RetryPolicy
from app.lab.service import Lab
from app.models.lab import LabRun, LabSample, LabState
from tests.support.processes import wait_until
from tests.support.site import Site

# The machine that runs the tests is busy with other things, which must not decide what is stored.
STEADY = RetryPolicy(tries=1, quiet_s=0)
ENDS = (LabState.DONE, LabState.CANCELLED, LabState.FAILED)


class Measuring:
    """The Labo of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lab: Lab = site.app.extensions["lab"]
        self.lab.retry_policy = STEADY

    def launch(self, **plan: Any) -> int:
        """Begin a run of one model and one repeat, unless the plan says otherwise; its number."""
        wanted = {"models": ["phi3:mini"], "kinds": ["reading"], "readings": [100], "repeats": 1, "seed": 7} | plan
        with self.site.app.app_context():
            return self.lab.launch(wanted).id

    def ended(self, run_id: int) -> LabRun:
        """The run, once it has ended."""
        wait_until(lambda: self.run(run_id).state in ENDS, 30)
        return self.run(run_id)

    def run(self, run_id: int) -> LabRun:
        with self.site.rows() as session:
            found: LabRun = session.get_one(LabRun, run_id)
            return found

    def samples(self, run_id: int, *, warmup: bool = False) -> list[LabSample]:
        """What was stored, in the order of taking; the warm-ups are left out unless they are asked for."""
        with self.site.rows() as session:
            rows = session.get_one(LabRun, run_id).samples
            return sorted(
                (row for row in rows if warmup or not row.warmup), key=lambda row: (row.position, row.attempt)
            )

    def taken(self, **plan: Any) -> list[LabSample]:
        """The samples of a run that was carried to its end."""
        run_id = self.launch(**plan)
        assert self.ended(run_id).state == LabState.DONE
        return self.samples(run_id)
