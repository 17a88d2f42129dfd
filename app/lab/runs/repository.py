"""Database access of a run while it is executed, each call one short transaction; and its progress."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from sqlalchemy import case, func, insert, select, update

from app.engines.base import Engine
from app.errors import AppError
from app.extensions import db
from app.lab.grading.checks import Judgement
from app.lab.measuring import machine
from app.lab.measuring.meters import Power
from app.lab.measuring.plan import ModelOptions, Plan, SampleSpec, read_plan
from app.lab.measuring.sampler import SampleResult
from app.models.base import MAX_INTEGER, utcnow
from app.models.lab import ACTIVE, LabRun, LabSample, LabState, SampleKind, SampleState

# What a sample measures: its kind, model and prompt.
Subject = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """`done` of `total` samples; `remaining_s`, None while unknown; the current sample's model, kind and prompt.

    `paused` says why the run waits: "queued" behind another run, "people" use the engine, "engine" does not answer,
    "storage" refuses writes; empty while it works.
    """

    state: LabState
    done: int = 0
    total: int = 0
    remaining_s: float | None = None
    model: str = ""
    kind: str = ""
    prompt: str = ""
    paused: str = ""


class RunRepository:
    """Reads and writes runs from any thread. `context` opens an application context for each call."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context

    def create(self, run: LabRun, plan: Plan, specs: Sequence[SampleSpec]) -> LabRun:
        """Store a run with its plan and all its samples, waiting, in the order of `specs`."""
        with self._context():
            run.plan = plan.as_json()
            db.session.add(run)
            db.session.flush()
            db.session.execute(insert(LabSample), [_row(run.id, place, spec) for place, spec in enumerate(specs)])
            db.session.commit()
            return run

    def next_run(self) -> int | None:
        """The id of the run to execute: one that has begun, else the oldest that is queued; None without any."""
        unfinished = select(LabRun.id).where(LabRun.state.in_(ACTIVE))
        with self._context():
            return db.session.scalar(unfinished.order_by(LabRun.state != LabState.RUNNING, LabRun.id).limit(1))

    def begin(self, run_id: int) -> Plan | None:
        """Mark a run as running and return its plan; None when it was cancelled or deleted meanwhile."""
        change: dict[str, Any] = {"state": LabState.RUNNING, "error_code": None, "error_cause": None}
        change["started_at"] = func.coalesce(LabRun.started_at, utcnow())
        with self._context():
            begun = update(LabRun).where(LabRun.id == run_id, LabRun.state.in_(ACTIVE)).values(change)
            count: int = db.session.execute(begun).rowcount  # type: ignore[attr-defined]
            db.session.commit()
            return read_plan(db.session.get_one(LabRun, run_id).plan) if count else None

    def describe(self, run_id: int, engine: Engine, power: Power) -> None:
        """Store on the run which machine it runs on, with its power at rest, and the engine's version."""
        with self._context():
            run = db.session.get(LabRun, run_id)
            # It may have been cancelled and deleted meanwhile.
            if run is not None:
                run.machine_id = machine.this_machine(engine, power).id
                run.engine = {"name": engine.name, "label": engine.label, "version": engine.version()}
                db.session.commit()

    def state(self, run_id: int) -> LabState | None:
        """The state of a run, which another process may have changed; None when there is no such run."""
        with self._context():
            if run_id > MAX_INTEGER:
                return None
            found = db.session.scalar(select(LabRun.state).where(LabRun.id == run_id))
            return LabState(found) if found else None

    def move(self, run_id: int, state: LabState, *, since: Sequence[LabState], error: AppError | None = None) -> bool:
        """Set a run's state (and error) if it is in one of the states `since`; returns whether it was."""
        ended = None if state in ACTIVE else utcnow()
        change: dict[str, Any] = {"state": state, "finished_at": ended}
        if error is not None:
            change |= {"error_code": error.code, "error_cause": error.cause[:1000]}
        with self._context():
            moved = update(LabRun).where(LabRun.id == run_id, LabRun.state.in_(since)).values(change)
            count: int = db.session.execute(moved).rowcount  # type: ignore[attr-defined]
            db.session.commit()
            return count > 0

    def next_sample(self, run_id: int, cuts: int) -> LabSample | None:
        """The first waiting sample in the run's order, outside of a session; None when none waits.

        Samples that were interrupted in more than `cuts` attempts come after all others.
        """
        late = case((LabSample.attempt > cuts, LabSample.attempt), else_=0)
        with self._context():
            waiting = select(LabSample).where(LabSample.run_id == run_id, LabSample.state == SampleState.WAITING)
            return db.session.scalar(waiting.order_by(late, LabSample.position, LabSample.attempt).limit(1))

    def store(
        self,
        sample_id: int,
        result: SampleResult,
        begun: datetime,
        *,
        judgement: Judgement | None = None,
        again: bool = False,
    ) -> None:
        """Store a sample's result and judgement; `again` also adds a waiting sample for another attempt. One commit."""
        with self._context():
            row = db.session.get(LabSample, sample_id)
            if row is None:
                # Its run was cancelled and deleted while it was measured.
                return
            row.state = SampleState.FAILED if result.error else SampleState.DONE
            row.disturbed, row.metrics, row.series = result.disturbed, result.metrics, result.series
            row.question = result.question
            row.answer = "".join(result.record.answer)
            row.thinking = "".join(result.record.thinking)
            row.started_at, row.finished_at = begun, utcnow()
            if result.error is not None:
                row.error_code, row.error_cause = result.error.code, result.error.cause[:1000]
            if judgement is not None:
                row.verdict, row.score, row.judgement = judgement.verdict, judgement.score, judgement.as_json()
            if again:
                db.session.add(LabSample(**_row(row.run_id, row.position, spec_of(row), row.attempt + 1)))
            db.session.commit()

    def count_progress(self, run_id: int) -> tuple[int, int, float | None]:
        """The number of a run's finished samples, of all, and the seconds expected for the others, None if unknown."""
        columns: list[Any] = [LabSample.position, LabSample.kind, LabSample.model, LabSample.prompt]
        columns += [LabSample.started_at, LabSample.finished_at]
        with self._context():
            rows = db.session.execute(select(*columns).where(LabSample.run_id == run_id)).all()
        waiting: list[Subject] = []
        measured: list[tuple[Subject, timedelta]] = []
        for _position, kind, model, prompt, start, end in rows:
            if start and end:
                measured.append(((kind, model, prompt), end - start))
            else:
                waiting.append((kind, model, prompt))
        total = len({row[0] for row in rows})
        return total - len(waiting), total, expected_seconds(waiting, measured)


def _row(run_id: int, position: int, spec: SampleSpec, attempt: int = 1) -> dict[str, Any]:
    own = {"run_id": run_id, "position": position, "attempt": attempt}
    return own | vars(spec) | {"setting": spec.setting.as_json()}


def spec_of(row: LabSample) -> SampleSpec:
    """The specification of a sample that is stored."""
    return SampleSpec(row.model, ModelOptions(**row.setting), SampleKind(row.kind), row.prompt, row.repeat, row.warmup)


def expected_seconds(waiting: Iterable[Subject], measured: Iterable[tuple[Subject, timedelta]]) -> float | None:
    """How long samples will take: each as long as the most similar measured ones on average; None without any."""
    known: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for subject, duration in measured:
        for key in _keys(subject):
            known[key].append(duration.total_seconds())
    if not known:
        return None
    means = {key: fmean(seconds) for key, seconds in known.items()}
    return sum(next(means[key] for key in _keys(subject) if key in means) for subject in waiting)


def _keys(subject: Subject) -> list[tuple[str, ...]]:
    """Keys under which similar samples are averaged, the closest match first."""
    return [subject[:length] for length in (3, 2, 1, 0)]
