"""Medians and mean scores with 95 % intervals, outliers, and tests whether two series of values differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb, sqrt
from statistics import median

# The confidence level of the intervals, and its quantile of the normal distribution.
LEVEL, Z = 0.95, 1.96
# An outlier's modified z-score (distance from the median in scaled MADs) exceeds this: Iglewicz and Hoaglin's bound.
FAR = 3.5
# Values needed to call one an outlier, and values needed on each side to call a difference.
MOST_ALIKE, FEWEST = 5, 3
# A difference counts as a change if it is at least this fraction.
WORSE_PART = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of `count` values with its confidence interval `low` to `high`, of level `sure` (0 to 1)."""

    median: float
    low: float
    high: float
    count: int
    outliers: tuple[float, ...] = ()
    sure: float = LEVEL


@dataclass(frozen=True, slots=True)
class ScoreShare:
    """The mean of `count` scores with its confidence interval, in percent."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def median(self) -> float:
        """The mean, so that a `Share` can be shown where a `Figure` is expected."""
        return self.mean


@dataclass(frozen=True, slots=True)
class Difference:
    """`b` compared with `a`: `verdict` is "better", "worse", "none" (not significant) or "few" (too few values).

    `ratio`: `b` divided by `a`, by their medians; None when `a` is 0.
    """

    verdict: str
    ratio: float | None


def figure(values: Sequence[float]) -> Figure | None:
    """The median of the values with a distribution-free interval from order statistics; None without values.

    With fewer than six values even the whole range is an interval of less than 95 %; `sure` says which.
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
    """The median over groups of repeats, each group counted once by its median; None without values.

    `groups`: the repeated values of each task. Outliers are values far from their own task's median, so that a task
    that takes long is none.
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
    """How many values to leave out at each end of `count` sorted ones, and the confidence level of the rest.

    Each value lies below the true median with probability 1/2, so the number below it is binomial.
    """
    place, outside = 0, 2 / 2**count
    while (further := outside + 2 * comb(count, place + 1) / 2**count) <= 1 - LEVEL:
        place, outside = place + 1, further
    return place, min(LEVEL, 1 - outside)


def outliers(values: Sequence[float]) -> tuple[float, ...]:
    """The outliers, by the median absolute deviation; they are shown, and still count in every figure."""
    if len(values) < MOST_ALIKE:
        return ()
    middle = median(values)
    spread = median(abs(value - middle) for value in values) * 1.4826
    # A spread of 0 (most values are equal) would make an outlier of any other value.
    return tuple(value for value in values if spread and abs(value - middle) > FAR * spread)


def share(scores: Sequence[float]) -> ScoreShare | None:
    """The mean of scores from 0 to 1 with its Wilson interval, in percent; None without scores.

    For fractional scores the interval is too wide rather than too narrow; it never has width 0.
    """
    if not scores:
        return None
    count = len(scores)
    mean = sum(scores) / count
    weight = Z * Z / count
    middle = (mean + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * sqrt(max(0.0, mean * (1 - mean)) / count + weight / count / 4)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return ScoreShare(100 * mean, 100 * min(low, mean), 100 * max(high, mean), count)


def compare(
    a: Sequence[float], b: Sequence[float], *, lower_is_better: bool, least: float = WORSE_PART
) -> Difference | None:
    """Whether `b` differs significantly from `a`, and by at least the fraction `least`; None when one is empty.

    The intervals must not overlap. With so few values that an interval is below 95 %, the gap between them must also
    be as wide as the wider interval.
    """
    before, after = figure(a), figure(b)
    if before is None or after is None:
        return None
    ratio = after.median / before.median if before.median else None
    if min(len(a), len(b)) < FEWEST:
        return Difference("few", ratio)
    gap = max(after.low - before.high, before.low - after.high)
    wider = max(before.high - before.low, after.high - after.low)
    needed = 0.0 if min(before.sure, after.sure) >= LEVEL else wider
    seen = gap > 0 and gap >= needed and abs(after.median - before.median) >= least * abs(before.median)
    if not seen:
        return Difference("none", ratio)
    return Difference("better" if (after.median < before.median) == lower_is_better else "worse", ratio)


def compare_tasks(
    a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]], *, lower_is_better: bool
) -> Difference | None:
    """`compare` for values by task: compares each task's ratio of `b` to `a`, since tasks differ more than engines do.

    With fewer than `FEWEST` common tasks, the repeats of each task are compared, as ratios to `a`'s median.
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
    return compare(before, after, lower_is_better=lower_is_better)


def compare_shares(a: ScoreShare, b: ScoreShare) -> str:
    """The verdict on `b` compared with `a`, as in `Difference`: they differ when the intervals do not overlap."""
    return "worse" if b.high < a.low else "better" if b.low > a.high else "none"
