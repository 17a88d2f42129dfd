"""Honest statistics: medians with intervals, shares with intervals, outliers shown, differences only where seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb, sqrt
from statistics import median
from typing import Any

# How often an interval is to hold the truth, and what that is in standard deviations.
LEVEL, Z = 0.95, 1.96
# Iglewicz and Hoaglin's bound for a value that is far from the others, in their scaled deviations.
FAR = 3.5
# Fewer values cannot tell an outlier, and fewer cannot show a difference.
MOST_ALIKE, FEWEST = 5, 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A median; the true one lies between `low` and `high` with certainty `sure`, as far as so few values tell."""

    median: float
    low: float
    high: float
    count: int
    outliers: tuple[float, ...] = ()
    sure: float = LEVEL

    def scaled(self, factor: float) -> "Figure":
        """The same in another unit."""
        return Figure(
            self.median * factor,
            self.low * factor,
            self.high * factor,
            self.count,
            tuple(value * factor for value in self.outliers),
            self.sure,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A mean of scores, in percent, with its interval."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def median(self) -> float:
        """The figure itself, where a figure is shown."""
        return self.mean


@dataclass(frozen=True, slots=True)
class Difference:
    """`b` against `a`: "better", "worse", "none" (no difference seen) or "few" (too few values to say)."""

    verdict: str
    a: Figure
    b: Figure

    @property
    def ratio(self) -> float | None:
        """How many times `a` is `b`."""
        return self.b.median / self.a.median if self.a.median else None


def figure(values: Sequence[float]) -> Figure | None:
    """The median of measured values with an interval of order statistics, which assumes nothing of how they spread.

    With fewer than six values the whole spread is less than 95 % sure; `sure` says how much.
    """
    if not values:
        return None
    ordered = sorted(values)
    place, sure = _interval(len(ordered))
    return Figure(
        median=float(median(ordered)),
        low=ordered[place],
        high=ordered[-1 - place],
        count=len(ordered),
        outliers=outliers(ordered),
        sure=sure,
    )


def typical(groups: Iterable[Sequence[float]]) -> Figure | None:
    """The median of several things that were measured several times each: repeats are not further things.

    A long task is not an outlier; one time of it that is far from its other times is.
    """
    known = [group for group in groups if group]
    if len(known) < 2:
        return figure(known[0]) if known else None
    middles = [median(group) for group in known]
    found = figure(middles)
    ratios = [
        (value / middle, value) for middle, group in zip(middles, known, strict=True) if middle for value in group
    ]
    far = set(outliers([ratio for ratio, _value in ratios]))
    return replace(found, outliers=tuple(value for ratio, value in ratios if ratio in far)) if found else None


def _interval(count: int) -> tuple[int, float]:
    """How many values lie outside at each end, and how surely the median lies between: by counting coins."""
    place, outside = 0, 2 / 2**count
    while (further := outside + 2 * comb(count, place + 1) / 2**count) <= 1 - LEVEL:
        place, outside = place + 1, further
    return place, min(LEVEL, 1 - outside)


def outliers(values: Sequence[float]) -> tuple[float, ...]:
    """Values far from the others; they stay in every figure and are shown."""
    if len(values) < MOST_ALIKE:
        return ()
    middle = median(values)
    spread = median(abs(value - middle) for value in values) * 1.4826
    # Where most values are one and the same, any other would seem far.
    return tuple(value for value in values if spread and abs(value - middle) > FAR * spread)


def share(scores: Sequence[float]) -> Share | None:
    """The mean of scores from 0 to 1 with Wilson's interval, in percent.

    For scores between 0 and 1 it is rather too wide than too narrow, and never nothing, even when all are the same.
    """
    if not scores:
        return None
    count = len(scores)
    mean = sum(scores) / count
    weight = Z * Z / count
    middle = (mean + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * sqrt(max(0.0, mean * (1 - mean)) / count + weight / count / 4)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(100 * mean, 100 * min(low, mean), 100 * max(high, mean), count)


def compare(a: Sequence[float], b: Sequence[float], *, lower_is_better: bool, least: float = 0.0) -> Difference | None:
    """Whether `b` differs from `a` beyond their noise, and by the part `least` at least; None where one is empty.

    The intervals must not overlap. Of few values an interval is only their spread, so the gap must be as wide too.
    """
    before, after = figure(a), figure(b)
    if before is None or after is None:
        return None
    if min(len(a), len(b)) < FEWEST:
        return Difference("few", before, after)
    gap = max(after.low - before.high, before.low - after.high)
    needed = 0.0 if min(before.sure, after.sure) >= LEVEL else max(_width(before), _width(after))
    seen = gap > 0 and gap >= needed and abs(after.median - before.median) >= least * abs(before.median)
    if not seen:
        return Difference("none", before, after)
    return Difference("better" if (after.median < before.median) == lower_is_better else "worse", before, after)


def compare_tasks(
    a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]], *, lower_is_better: bool, least: float = 0.0
) -> Difference | None:
    """The same for values by task, as parts of `a`: task against task, as their lengths differ far more than engines.

    Where both had too few tasks to tell noise by, their repeats do.
    """
    middles = {task: (median(a[task]), median(b[task])) for task in sorted(a.keys() & b.keys())}
    if len(middles) >= FEWEST:
        after = [late / early for early, late in middles.values() if early > 0]
        before = [1.0] * len(after)
    else:
        before, after = (
            [value / early for task, (early, _late) in middles.items() if early > 0 for value in side[task]]
            for side in (a, b)
        )
    return compare(before, after, lower_is_better=lower_is_better, least=least)


def compare_shares(a: Share, b: Share) -> str:
    """The verdict on `b` against `a`, as in `Difference`: different where the intervals do not overlap."""
    return "worse" if b.high < a.low else "better" if b.low > a.high else "none"


def as_json(figure: Figure | Share | None) -> dict[str, Any] | None:
    """For scripts and exports."""
    if figure is None:
        return None
    told: dict[str, Any] = {
        "median": figure.median,
        "low": figure.low,
        "high": figure.high,
        "count": figure.count,
    }
    return told | ({"outliers": list(figure.outliers), "sure": figure.sure} if isinstance(figure, Figure) else {})


def _width(figure: Figure) -> float:
    return figure.high - figure.low
