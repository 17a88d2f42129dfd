"""How far a measuring run is, and how long the rest will take, going by the samples that were taken."""

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

# Of earlier samples, the newest: more of them would tell nothing else.
LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class RunProgress:
    """`done` of `total` samples; the one in hand; `remaining_s` None while nothing is known of it.

    `paused`: "" at work; "queued" behind another run; "people" are served first; "engine" is away; "storage" is full.
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
    """Samples done, samples in all, seconds that the others will take: as long as the most alike ones did."""
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
    """From the most alike to any."""
    kind, model = str(sample.kind), sample.model
    return (kind, model, sample.prompt), (kind, model), (kind,), ()


@dataclass(frozen=True, slots=True)
class DurationEstimate:
    """`seconds` None: nothing was measured here that tells it; `left_out`: the texts that do not fit."""

    samples: int
    seconds: float | None
    left_out: dict[tuple[int, int], list[str]]


def estimate_duration(plan: dict[str, Any], registry: ModelRegistry, tasks: Tasks) -> DurationEstimate:
    """Raises what launching it would raise."""
    definite, models, cells = planning.definite(plans.read_plan(plan), registry, tasks)
    wanted = [SampleTiming(place, cell.kind, cell.model, cell.prompt, None) for place, cell in enumerate(cells)]
    _done, _total, seconds = count_progress([*_earlier(len(cells)), *wanted])
    return DurationEstimate(
        len(cells), seconds, planning.left_out(definite, {model.name: model.context for model in models})
    )


def _earlier(first: int) -> list[SampleTiming]:
    """Samples that this program took; numbered after those that are wanted."""
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
