"""How far a measuring run is, and how long the rest will take, going by the samples that were taken."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from app.bench.running.rows import Spent
from app.models.lab import LabState


@dataclass(frozen=True, slots=True)
class Progress:
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


def count(samples: Sequence[Spent]) -> tuple[int, int, float | None]:
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


def _keys(sample: Spent) -> tuple[tuple[str, ...], ...]:
    """From the most alike to any."""
    kind, model = str(sample.kind), sample.model
    return (kind, model, sample.prompt), (kind, model), (kind,), ()
