"""The best compromise of quality, speed and sobriety: the front, a score for each, the recommended one and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.lab.stats.intervals import Figure, compare_shares, compare_tasks, share, typical
from app.lab.stats.ranking import Entry
from app.lab.stats.thresholds import FEWEST_TASKS, LEAST_PART, LEAST_POINTS, WORSE_PART
from app.models.lab import Verdict

RUNNERS_UP = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts, in any unit: only their proportions matter."""

    quality: float = 50
    speed: float = 30
    sobriety: float = 20


PRESETS = {
    "balanced": Weights(50, 30, 20),
    "quick": Weights(25, 60, 15),
    "careful": Weights(80, 10, 10),
    "sober": Weights(25, 15, 60),
}


@dataclass(frozen=True, slots=True)
class ObservedDifferences:
    """How the best stands to the next in a respect (a name in `Weights`): "better", "worse" or "none", and its own
    figure less the other's in points of quality, in seconds, or in parts of the other's energy.
    """

    aspect: str
    verdict: str
    amount: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`best` None: nothing can be recommended. `seen`: against the first of the runners-up, what counts most first.

    `scores`: of 100, by the keys of those that did not fail; `few`: those that were not asked enough of what the
    others were; `certain`: whether it stays before the runners-up by those differences alone that were seen.
    """

    best: Entry | None = None
    scores: dict[str, int] = field(default_factory=dict)
    runners_up: list[Entry] = field(default_factory=list)
    seen: list[ObservedDifferences] = field(default_factory=list)
    few: list[Entry] = field(default_factory=list)
    certain: bool = False


def comparable(entries: Sequence[Entry]) -> list[Entry]:
    """Those that were asked enough of the same tasks (fewer, where nobody had more), with their figures over these:
    who was asked easier tasks is neither better nor quicker for that.
    """
    measured = [entry for entry in entries if _useful(entry)]
    # Who failed is held against the others, not the others against it.
    usual = [entry for entry in measured if _allowed(entry)] or measured
    least = min(max((entry.tasks for entry in usual), default=0), FEWEST_TASKS)
    found, tasks = max(
        (_alike(one, measured, least) for one in usual),
        key=lambda kept: (len(kept[0]), len(kept[1])),
        default=([], frozenset()),
    )
    timed, counted = (
        tasks.intersection(*(figures for one in found if (figures := getattr(one, name)))) or tasks
        for name in ("times", "energies")
    )
    common = [
        replace(
            one,
            quality=share([one.by_task[task] / 100 for task in sorted(tasks)]),
            time_s=_over(one.times, timed),
            energy_wh=_over(one.energies, counted),
            by_task={task: one.by_task[task] for task in sorted(tasks)},
            times=_only(one.times, timed),
            energies=_only(one.energies, counted),
        )
        for one in found
    ]
    return [one for one in common if one.time_s]


def pareto(entries: Sequence[Entry]) -> list[Entry]:
    """Those that no other beats in both time and quality, the quickest first."""
    front: list[Entry] = []
    for entry in sorted(comparable(entries), key=lambda one: (_time(one), -_quality(one))):
        if not front or _quality(entry) > _quality(front[-1]):
            front.append(entry)
    return front


def recommend(entries: Sequence[Entry], weights: Weights) -> Recommendation:
    """The best by these weights; never one that failed."""
    rated = comparable(entries)
    keys = {one.key for one in rated}
    few = [one for one in entries if _useful(one) and one.key not in keys]
    allowed = [one for one in rated if _allowed(one)]
    if not allowed:
        return Recommendation(few=few)
    parts = _parts(rated, weights)
    scores = {one.key: sum(parts[one.key].values()) for one in allowed}
    ranked = sorted(allowed, key=lambda one: (-round(scores[one.key]), -_quality(one), _time(one), one.key))
    tied = [one for one in ranked if round(scores[one.key]) == round(scores[ranked[0].key])]
    # Of two with the same score the one is first that earned it with differences that were seen.
    sure = (one for one in tied if all(_ahead(one, other, parts) for other in tied if other is not one))
    best = next(sure, ranked[0])
    others = [one for one in ranked if one is not best]
    whole = {entry.key: entry for entry in entries}
    return Recommendation(
        best=whole[best.key],
        scores={key: round(score) for key, score in scores.items()},
        runners_up=[whole[one.key] for one in others[:RUNNERS_UP]],
        seen=sorted(_seen(best, others[0]), key=lambda seen: -getattr(weights, seen.aspect)) if others else [],
        few=few,
        certain=all(_ahead(best, other, parts) for other in others[:RUNNERS_UP]),
    )


def _parts(rated: Sequence[Entry], weights: Weights) -> dict[str, dict[str, float]]:
    """What each respect adds to a score of 100: the best there is in it has all of it, the worst nothing.

    Where all are nearly the same they stay so: a difference that hardly matters is not blown up. Who has no figure of
    energy has nothing there, unless nobody has one: then it does not count.
    """
    scales = {
        "quality": _scale([_quality(one) for one in rated], LEAST_POINTS, higher=True),
        "speed": _scale([_time(one) for one in rated], LEAST_PART * max(map(_time, rated))),
    }
    if energies := [one.energy_wh.median for one in rated if one.energy_wh]:
        scales["sobriety"] = _scale(energies, LEAST_PART * max(energies))
    counts = {aspect: getattr(weights, aspect) for aspect in scales}
    if sum(counts.values()) <= 0:
        counts = dict.fromkeys(scales, 1.0)
    total = sum(counts.values())
    return {
        one.key: {
            aspect: 100 * counts[aspect] / total * scales[aspect](value)
            for aspect, value in _values(one).items()
            if aspect in scales
        }
        for one in rated
    }


def _values(entry: Entry) -> dict[str, float]:
    """The figures by the respects that they count in; without energy where it is not known."""
    known = {"quality": _quality(entry), "speed": _time(entry)}
    return known | ({"sobriety": entry.energy_wh.median} if entry.energy_wh else {})


def _useful(entry: Entry) -> bool:
    """Whether anything useful was answered: who answers nonsense is not quick."""
    return entry.time_s is not None and _quality(entry) > 0


def _allowed(entry: Entry) -> bool:
    return entry.verdict not in (None, Verdict.FAILED)


def _alike(first: Entry, entries: Sequence[Entry], least: int) -> tuple[list[Entry], frozenset[str]]:
    """Who can be held against this one, those with most of its tasks first, and the tasks that all of them had."""
    found, tasks = [], frozenset(first.by_task)
    for one in sorted(entries, key=lambda one: -len(tasks & one.by_task.keys())):
        if len(common := tasks & one.by_task.keys()) >= least:
            found.append(one)
            tasks = common
    return found, tasks


def _over(figures: Mapping[str, Sequence[float]], tasks: Iterable[str]) -> Figure | None:
    return typical(_only(figures, tasks).values())


def _only(figures: Mapping[str, Sequence[float]], tasks: Iterable[str]) -> dict[str, list[float]]:
    return {task: list(figures[task]) for task in sorted(tasks) if task in figures}


def _scale(values: Sequence[float], least: float, *, higher: bool = False) -> Callable[[float], float]:
    """From 0 to 1: the best value is 1; what is worse by all there is, but by `least` at least, is 0."""
    best, worst = (max(values), min(values)) if higher else (min(values), max(values))
    width = max(abs(best - worst), least) or 1.0
    return lambda value: 1 - abs(best - value) / width


def _seen(one: Entry, other: Entry) -> list[ObservedDifferences]:
    """What differs beyond noise, by the same tests as where two models are compared."""
    if not one.quality or not other.quality:
        return []
    points = one.quality.mean - other.quality.mean
    found = [ObservedDifferences("quality", compare_shares(other.quality, one.quality), points)]
    seconds = _time(one) - _time(other)
    found.append(ObservedDifferences("speed", _less(other.times, one.times, seconds), seconds))
    if one.energy_wh and other.energy_wh and other.energy_wh.median > 0:
        part = one.energy_wh.median / other.energy_wh.median - 1
        found.append(ObservedDifferences("sobriety", _less(other.energies, one.energies, part), part))
    return found


def _less(a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]], amount: float) -> str:
    """The verdict on `b` against `a`, where less is better; none where the medians do not say the same."""
    found = compare_tasks(a, b, lower_is_better=True, least=WORSE_PART)
    said = "better" if amount < 0 else "worse"
    return said if found and found.verdict == said else "none"


def _ahead(best: Entry, other: Entry, parts: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether the differences that were seen are enough for it to have the better score."""
    first, second = parts[best.key], parts[other.key]
    told = [seen.aspect for seen in _seen(best, other) if seen.verdict != "none"]
    return sum(first.get(aspect, 0.0) - second.get(aspect, 0.0) for aspect in told) > 0


def _quality(entry: Entry) -> float:
    return entry.quality.mean if entry.quality else 0.0


def _time(entry: Entry) -> float:
    return entry.time_s.median if entry.time_s else 0.0
