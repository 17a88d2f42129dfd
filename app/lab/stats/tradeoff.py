"""The trade-off of quality, speed and energy: comparable entries, Pareto front, weighted scores, recommendation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from app.lab.stats.intervals import compare_shares, compare_tasks, share, typical
from app.lab.stats.ranking import Entry
from app.models.lab import Verdict

T = TypeVar("T")

RUNNERS_UP = 3
# Different tasks that entries must have in common to be compared.
FEWEST_TASKS = 6
# The least range of a scale in the score: points of quality, and a fraction of the largest time or energy.
LEAST_POINTS, LEAST_PART = 10.0, 0.25


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each aspect counts; only the proportions matter. `sobriety`: little energy."""

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
class AspectDifference:
    """How the recommended entry compares with the next one in one aspect (a field of `Weights`).

    `verdict`: "better", "worse" or "none" (not significant); `amount`: its figure minus the other's, in points of
    quality, in seconds, or as a fraction of the other's energy.
    """

    aspect: str
    verdict: str
    amount: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The recommended entry `best`, None when there is none, with its scores and reasons.

    `scores`: 0 to 100, by the keys of the entries that did not fail; `seen`: the differences from the first
    runner-up, the aspect with the highest weight first; `few`: entries left out because they share too few tasks with
    the others; `certain`: whether `best` is also ahead of the runners-up by significant differences alone.
    """

    best: Entry | None = None
    scores: dict[str, int] = field(default_factory=dict)
    runners_up: list[Entry] = field(default_factory=list)
    seen: list[AspectDifference] = field(default_factory=list)
    few: list[Entry] = field(default_factory=list)
    certain: bool = False


def comparable(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with enough tasks in common, with their figures recomputed over those tasks alone.

    Otherwise a model that was asked easier tasks would look better and quicker. Enough is `FEWEST_TASKS`, or the most
    that any entry has.
    """
    measured = [entry for entry in entries if _has_scored(entry)]
    # A failed entry must not decide which tasks the others are compared on.
    usual = [entry for entry in measured if _recommendable(entry)] or measured
    least = min(max((entry.tasks for entry in usual), default=0), FEWEST_TASKS)
    found, tasks = max(
        (_sharing_tasks(one, measured, least) for one in usual),
        key=lambda kept: (len(kept[0]), len(kept[1])),
        default=([], frozenset()),
    )
    timed, counted = (
        tasks.intersection(*(figures for one in found if (figures := getattr(one, name)))) or tasks
        for name in ("times", "energies")
    )
    common = []
    for one in found:
        scores, times, energies = _only(one.by_task, tasks), _only(one.times, timed), _only(one.energies, counted)
        if time_s := typical(times.values()):
            common.append(
                replace(
                    one,
                    quality=share([score / 100 for score in scores.values()]),
                    time_s=time_s,
                    energy_wh=typical(energies.values()),
                    by_task=scores,
                    times=times,
                    energies=energies,
                )
            )
    return common


def pareto(entries: Sequence[Entry]) -> list[Entry]:
    """The Pareto front: the entries that no other beats in both time and quality, the quickest first."""
    front: list[Entry] = []
    for entry in sorted(comparable(entries), key=lambda one: (_time(one), -_quality(one))):
        if not front or _quality(entry) > _quality(front[-1]):
            front.append(entry)
    return front


def recommend(entries: Sequence[Entry], weights: Weights) -> Recommendation:
    """Recommend the entry with the highest weighted score; never one whose verdict is a failure."""
    rated = comparable(entries)
    keys = {one.key for one in rated}
    few = [one for one in entries if _has_scored(one) and one.key not in keys]
    allowed = [one for one in rated if _recommendable(one)]
    if not allowed:
        return Recommendation(few=few)
    parts = _parts(rated, weights)
    scores = {one.key: sum(parts[one.key].values()) for one in allowed}
    ranked = sorted(allowed, key=lambda one: (-round(scores[one.key]), -_quality(one), _time(one), one.key))
    tied = [one for one in ranked if round(scores[one.key]) == round(scores[ranked[0].key])]
    # Equal scores: the entry that is ahead by significant differences comes first.
    sure = (one for one in tied if all(_ahead(one, other, parts) for other in tied if other is not one))
    best = next(sure, ranked[0])
    others = [one for one in ranked if one is not best]
    whole = {entry.key: entry for entry in entries}
    return Recommendation(
        best=whole[best.key],
        scores={key: round(score) for key, score in scores.items()},
        runners_up=[whole[one.key] for one in others[:RUNNERS_UP]],
        seen=sorted(_differences(best, others[0]), key=lambda seen: -getattr(weights, seen.aspect)) if others else [],
        few=few,
        certain=all(_ahead(best, other, parts) for other in others[:RUNNERS_UP]),
    )


def _parts(rated: Sequence[Entry], weights: Weights) -> dict[str, dict[str, float]]:
    """The points of each aspect in each entry's score of 100: all for the best entry, none for the worst.

    When all entries are nearly equal in an aspect (see `LEAST_POINTS`), so are their points. An entry without an energy
    figure gets no points for energy; when no entry has one, energy is left out of the score.
    """
    figures = {
        "quality": {one.key: _quality(one) for one in rated},
        "speed": {one.key: _time(one) for one in rated},
        "sobriety": {one.key: one.energy_wh.median for one in rated if one.energy_wh},
    }
    counts = {aspect: getattr(weights, aspect) for aspect, known in figures.items() if known}
    if sum(counts.values()) <= 0:
        counts = dict.fromkeys(counts, 1.0)
    parts: dict[str, dict[str, float]] = {one.key: {} for one in rated}
    for aspect, count in counts.items():
        low, high = min(figures[aspect].values()), max(figures[aspect].values())
        best, least = (high, LEAST_POINTS) if aspect == "quality" else (low, LEAST_PART * high)
        width = max(high - low, least) or 1.0
        for key, value in figures[aspect].items():
            parts[key][aspect] = 100 * count / sum(counts.values()) * (1 - abs(best - value) / width)
    return parts


def _has_scored(entry: Entry) -> bool:
    """Whether any answer scored: a model that only answers nonsense is not compared for its speed."""
    return entry.time_s is not None and _quality(entry) > 0


def _recommendable(entry: Entry) -> bool:
    return entry.verdict not in (None, Verdict.FAILED)


def _sharing_tasks(first: Entry, entries: Sequence[Entry], least: int) -> tuple[list[Entry], frozenset[str]]:
    """Entries that share at least `least` tasks with `first` and each other, and those common tasks.

    Greedy: at each step an entry is kept if the common tasks stay numerous enough.
    """
    found, tasks = [], frozenset(first.by_task)
    for one in sorted(entries, key=lambda one: -len(tasks & one.by_task.keys())):
        if len(common := tasks & one.by_task.keys()) >= least:
            found.append(one)
            tasks = common
    return found, tasks


def _only(figures: Mapping[str, T], tasks: Iterable[str]) -> dict[str, T]:
    return {task: figures[task] for task in sorted(tasks) if task in figures}


def _differences(one: Entry, other: Entry) -> list[AspectDifference]:
    """The differences of `one` from `other` in each aspect, tested as in the comparison of two models."""
    if not one.quality or not other.quality:
        return []
    points = one.quality.mean - other.quality.mean
    found = [AspectDifference("quality", compare_shares(other.quality, one.quality), points)]
    seconds = _time(one) - _time(other)
    found.append(AspectDifference("speed", _compare_lower(other.times, one.times, seconds), seconds))
    if one.energy_wh and other.energy_wh and other.energy_wh.median > 0:
        part = one.energy_wh.median / other.energy_wh.median - 1
        found.append(AspectDifference("sobriety", _compare_lower(other.energies, one.energies, part), part))
    return found


def _compare_lower(a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]], amount: float) -> str:
    """The verdict on `b` compared with `a`, where less is better; "none" when `amount` points the other way."""
    found = compare_tasks(a, b, lower_is_better=True)
    said = "better" if amount < 0 else "worse"
    return said if found and found.verdict == said else "none"


def _ahead(best: Entry, other: Entry, parts: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether `best` also has the higher score when only significant differences count."""
    first, second = parts[best.key], parts[other.key]
    aspects = [seen.aspect for seen in _differences(best, other) if seen.verdict != "none"]
    return sum(first.get(aspect, 0.0) - second.get(aspect, 0.0) for aspect in aspects) > 0


def _quality(entry: Entry) -> float:
    return entry.quality.mean if entry.quality else 0.0


def _time(entry: Entry) -> float:
    return entry.time_s.median if entry.time_s else 0.0
