"""What a measuring run is carried with."""

from collections.abc import Callable
from dataclasses import dataclass

from app.bench.measuring.energy import Power
from app.bench.running.patience import Patience
from app.bench.running.rows import Rows
from app.bench.tasks.reading import Tasks
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry


@dataclass(frozen=True, slots=True)
class Means:
    """`publish` writes the models' labels anew, from what was measured."""

    registry: ModelRegistry
    background: BackgroundSlot
    rows: Rows
    tasks: Tasks
    power: Power
    system: str
    run_code: bool
    patience: Patience
    publish: Callable[[], None]
