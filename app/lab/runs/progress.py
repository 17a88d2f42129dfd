"""The progress of a run and its estimated remaining time, from the durations of similar samples."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.generation.model_registry import ModelRegistry
from app.lab.measuring import plan as plans
from app.lab.runs import planning
from app.lab.runs.repository import SampleTiming
from app.lab.task_files import Tasks
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleState

# An estimate looks at so many of the newest samples; more would not change it.
LOOKED_AT = 2_000


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


def count_progress(samples: Sequence[SampleTiming]) -> tuple[int, int, float | None]:
    """Count samples done and in all, and estimate the seconds left (None when no sample has a duration).

    Each waiting sample is taken to last as long as the most similar finished ones did on average.
    """
    waiting = [sample for sample in samples if sample.seconds is None]
    total = len({sample.position for sample in samples})
    known: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for sample in samples:
        if sample.seconds is not None:
            for key in _keys(sample):
                known[key].append(sample.seconds)
    if not known:
        return total - len(waiting), total, None
    remaining = sum(fmean(next(known[key] for key in _keys(sample) if key in known)) for sample in waiting)
    return total - len(waiting), total, remaining


def _keys(sample: SampleTiming) -> tuple[tuple[str, ...], ...]:
    """Keys under which similar samples are averaged, the closest match first."""
    kind, model = str(sample.kind), sample.model
    return (kind, model, sample.prompt), (kind, model), (kind,), ()


@dataclass(frozen=True, slots=True)
class DurationEstimate:
    """What a plan would take: its number of samples and `seconds`, None when nothing was measured here yet.

    `left_out`: the reading lengths that do not fit, as `planning.left_out` returns them.
    """

    samples: int
    seconds: float | None
    left_out: dict[tuple[int, int], list[str]]


def estimate_duration(plan: dict[str, Any], registry: ModelRegistry, tasks: Tasks) -> DurationEstimate:
    """Estimate how long a plan would take without launching it. Raises what launching it would raise."""
    definite, models, cells = planning.definite(plans.read_plan(plan), registry, tasks)
    wanted = [SampleTiming(place, cell.kind, cell.model, cell.prompt, None) for place, cell in enumerate(cells)]
    _done, _total, seconds = count_progress([*_earlier(len(cells)), *wanted])
    return DurationEstimate(
        len(cells), seconds, planning.left_out(definite, {model.name: model.context for model in models})
    )


def _earlier(first: int) -> list[SampleTiming]:
    """Timings of earlier samples measured here; positions count from `first`, past those of the planned samples."""
    columns: list[Any] = [LabSample.kind, LabSample.model, LabSample.prompt]
    rows = db.session.execute(
        select(*columns, LabSample.started_at, LabSample.finished_at)
        .join(LabRun, LabSample.run_id == LabRun.id)
        .join(LabMachine, LabRun.machine_id == LabMachine.id)
        .where(LabMachine.source == "", LabSample.state == SampleState.DONE)
        .where(LabSample.started_at.is_not(None), LabSample.finished_at.is_not(None))
        .order_by(LabSample.id.desc())
        .limit(LOOKED_AT)
    )
    return [
        SampleTiming(first + place, row[0], row[1], row[2], (row[4] - row[3]).total_seconds())
        for place, row in enumerate(rows)
    ]
