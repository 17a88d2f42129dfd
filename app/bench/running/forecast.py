"""What a plan would come to, before it is begun: how many samples, and about how long they take."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.bench.measuring import plan as plans
from app.bench.running import planning
from app.bench.running.progress import count
from app.bench.running.rows import Spent
from app.bench.tasks.reading import Tasks
from app.extensions import db
from app.generation.model_registry import ModelRegistry
from app.models.lab import LabMachine, LabRun, LabSample, SampleState

# Of earlier samples, the newest: more of them would tell nothing else.
LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """`seconds` None: nothing was measured here that tells it; `left_out`: the texts that do not fit."""

    samples: int
    seconds: float | None
    left_out: dict[tuple[int, int], list[str]]


def of_plan(plan: dict[str, Any], registry: ModelRegistry, tasks: Tasks) -> Forecast:
    """Raises what launching it would raise."""
    definite, models, cells = planning.definite(plans.read(plan), registry, tasks)
    wanted = [Spent(place, cell.kind, cell.model, cell.prompt, None) for place, cell in enumerate(cells)]
    _done, _total, seconds = count([*_earlier(len(cells)), *wanted])
    return Forecast(len(cells), seconds, planning.left_out(definite, {model.name: model.context for model in models}))


def _earlier(first: int) -> list[Spent]:
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
        Spent(first + place, row[0], row[1], row[2], (row[4] - row[3]).total_seconds())
        for place, row in enumerate(rows)
    ]
