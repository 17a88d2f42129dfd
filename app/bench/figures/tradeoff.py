"""The best compromise of quality, speed and sobriety: the front, a score for each, the recommended one and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import ngettext

from app.bench import names
from app.bench.figures.ranking import Entry
from app.bench.figures.stats import FEWEST, Figure, share, typical
from app.bench.figures.thresholds import FEWEST_TASKS, LEAST_PART, LEAST_POINTS, WORSE_PART
from app.doctor.figures import number
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
class Recommendation:
    """`best` None: nothing can be recommended; `reason` and `params` say why it is best (`app/bench/words.py`).

    `scores`: of 100, by the entries' keys; `certain`: whether it differs beyond noise from the next one.
    """

    best: Entry | None = None
    scores: dict[str, int] = field(default_factory=dict)
    runners_up: list[Entry] = field(default_factory=list)
    reason: str = "choice_none"
    params: dict[str, Any] = field(default_factory=dict)
    certain: bool = False


def rateable(entries: Sequence[Entry]) -> list[Entry]:
    """Those that were asked enough of the same tasks (fewer, where nobody had more), with their figures over these:
    who was asked easier tasks is neither better nor quicker for that.
    """
    measured = [entry for entry in entries if entry.quality and entry.time_s]
    least = min(max((entry.tasks for entry in measured), default=0), FEWEST_TASKS)
    found, tasks = max(
        (_alike(one, measured, least) for one in measured),
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
        )
        for one in found
    ]
    return [one for one in common if one.time_s]


def pareto(entries: Sequence[Entry]) -> list[Entry]:
    """Those that no other beats in both time and quality, the quickest first."""
    front: list[Entry] = []
    for entry in sorted(rateable(entries), key=lambda one: (_time(one), -_quality(one))):
        if not front or _quality(entry) > _quality(front[-1]):
            front.append(entry)
    return front


def recommend(entries: Sequence[Entry], weights: Weights) -> Recommendation:
    """The best by these weights; never one that failed."""
    rated = scores(entries, weights)
    allowed = [entry for entry in rateable(entries) if entry.verdict not in (None, Verdict.FAILED)]
    whole = {entry.key: entry for entry in entries}
    ordered = sorted(allowed, key=lambda one: (-rated[one.key], -_quality(one), _time(one), one.key))
    shown = {key: round(score) for key, score in rated.items()}
    if not ordered:
        return Recommendation(scores=shown)
    best, others = ordered[0], ordered[1:]
    reason, params = _why(best, allowed)
    certain = not others or _apart(best, others[0])
    runners_up = [whole[one.key] for one in others[:RUNNERS_UP]]
    return Recommendation(whole[best.key], shown, runners_up, reason, params, certain)


def scores(entries: Sequence[Entry], weights: Weights) -> dict[str, float]:
    """Of 100 for each that can be rated: the best there is in a respect has all of it, the worst nothing.

    Where all are nearly the same they stay so: a difference that hardly matters is not blown up. Who has no figure of
    energy has nothing there, unless nobody has one: then it does not count.
    """
    rated = rateable(entries)
    if not rated:
        return {}
    parts = [
        (weights.quality, _scale([_quality(one) for one in rated], LEAST_POINTS, higher=True)),
        (weights.speed, _scale([_time(one) for one in rated], LEAST_PART * max(map(_time, rated)))),
    ]
    energies = [one.energy_wh.median for one in rated if one.energy_wh]
    if energies:
        scale = _scale(energies, LEAST_PART * max(energies))
        parts.append((weights.sobriety, scale))
    total = sum(weight for weight, _scale in parts)
    if total <= 0:
        parts, total = [(1.0, scale) for _weight, scale in parts], len(parts)
    found = {}
    for one in rated:
        seen = [_quality(one), _time(one), one.energy_wh.median if one.energy_wh else None]
        points = sum(
            weight * scale(value) for (weight, scale), value in zip(parts, seen, strict=False) if value is not None
        )
        found[one.key] = 100 * points / total
    return found


def _alike(first: Entry, entries: Sequence[Entry], least: int) -> tuple[list[Entry], frozenset[str]]:
    """Who can be held against this one, those with most of its tasks first, and the tasks that all of them had."""
    found, tasks = [], frozenset(first.by_task)
    for one in sorted(entries, key=lambda one: -len(tasks & one.by_task.keys())):
        if len(common := tasks & one.by_task.keys()) >= least:
            found.append(one)
            tasks = common
    return found, tasks


def _over(figures: Mapping[str, Sequence[float]], tasks: Iterable[str]) -> Figure | None:
    return typical(figures[task] for task in sorted(tasks) if task in figures)


def _scale(values: Sequence[float], least: float, *, higher: bool = False) -> Callable[[float], float]:
    """From 0 to 1: the best value is 1; what is worse by all there is, but by `least` at least, is 0."""
    best, worst = (max(values), min(values)) if higher else (min(values), max(values))
    width = max(abs(best - worst), least) or 1.0
    return lambda value: 1 - abs(best - value) / width


def _why(best: Entry, allowed: Sequence[Entry]) -> tuple[str, dict[str, Any]]:
    """One sentence against its neighbours on the front of those that could be chosen."""
    front = pareto(allowed)
    keys = [one.key for one in front]
    if best.key not in keys:
        beats = next(one for one in front[::-1] if _time(one) <= _time(best))
        less = _less(best, beats)
        return ("choice_sober", {"less": less, "better": _name(beats)}) if less else ("choice_close", {})
    place = keys.index(best.key)
    faster = front[place - 1] if place else None
    better = front[place + 1] if place + 1 < len(front) else None
    if faster is None and better is None:
        return ("choice_only", {}) if len(allowed) == 1 else ("choice_alone", {})
    told: dict[str, Any] = {}
    if faster:
        told |= {"more": _apart_s(best, faster), "faster": _name(faster), "points": _points(best, faster)}
    if better is None:
        return "choice_best", told
    if faster is None:
        told = {"sooner": _apart_s(better, best), "better": _name(better), "points": _points(better, best)}
        return "choice_fastest", told
    if less := _less(best, better):
        return "choice_between_energy", told | {"less": less, "better": _name(better)}
    return "choice_between_time", told | {"sooner": _apart_s(better, best), "better": _name(better)}


def _apart(one: Entry, other: Entry) -> bool:
    """Whether a difference was seen in quality or in time."""
    a, b = one.quality, other.quality
    if a and b and (a.low > b.high or b.low > a.high):
        return True
    first, second = one.time_s, other.time_s
    if not first or not second or min(first.count, second.count) < FEWEST:
        return False
    if abs(first.median - second.median) < WORSE_PART * first.median:
        return False
    return first.low > second.high or second.low > first.high


def _less(one: Entry, other: Entry) -> str:
    """How much less energy; empty where it is not less, or not known."""
    if not one.energy_wh or not other.energy_wh or one.energy_wh.median > 0.95 * other.energy_wh.median:
        return ""
    return names.share(100 * (1 - one.energy_wh.median / other.energy_wh.median))


def _points(one: Entry, other: Entry) -> str:
    points = _quality(one) - _quality(other)
    shown = number(points) if points >= 2 else number(points, 1)
    return str(ngettext("%(count)s point", "%(count)s points", int(points), count=shown))


def _apart_s(slower: Entry, quicker: Entry) -> str:
    return names.seconds(_time(slower) - _time(quicker))


def _name(entry: Entry) -> str:
    return names.cell_name(entry.model, entry.setting)


def _quality(entry: Entry) -> float:
    return entry.quality.mean if entry.quality else 0.0


def _time(entry: Entry) -> float:
    return entry.time_s.median if entry.time_s else 0.0
