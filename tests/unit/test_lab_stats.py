"""Intervals hold the truth as often as they say, and a difference is said only where there is one."""

import random
from collections.abc import Callable
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.stats import intervals
from app.lab.stats.intervals import LEVEL

ROUNDS = 2000
values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)
scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def spread_evenly(source: random.Random) -> float:
    return source.gauss(100, 5)


def with_slow_ones(source: random.Random) -> float:
    return source.lognormvariate(0, 0.5)


@given(values)
def test_a_figure_lies_among_its_values(found: list[float]) -> None:
    figure = intervals.figure(found)
    assert figure is not None
    assert min(found) <= figure.low <= figure.median <= figure.high <= max(found)
    assert figure.median == median(found)
    assert figure.count == len(found)
    assert set(figure.outliers) <= set(found)


@given(values, st.randoms())
def test_the_order_of_values_does_not_matter(found: list[float], source: random.Random) -> None:
    mixed = found.copy()
    source.shuffle(mixed)
    assert intervals.figure(mixed) == intervals.figure(found)


@pytest.mark.parametrize(
    ("count", "outside", "sure"),
    [(1, 0, 0), (2, 0, 0.5), (3, 0, 0.75), (5, 0, 0.9375), (6, 0, LEVEL), (9, 1, LEVEL), (20, 5, LEVEL)],
)
def test_the_interval_is_the_known_one_of_order_statistics(count: int, outside: int, sure: float) -> None:
    figure = intervals.figure(list(range(count)))
    assert figure is not None
    assert (figure.low, figure.high, figure.sure) == (outside, count - 1 - outside, sure)


@pytest.mark.parametrize("draw", [spread_evenly, with_slow_ones])
@pytest.mark.parametrize("count", [3, 6, 15])
def test_an_interval_holds_the_truth_as_often_as_it_says(draw: Callable[[random.Random], float], count: int) -> None:
    source = random.Random(7)
    truth = 100 if draw is spread_evenly else 1
    held, sure = 0, 0.0
    for _ in range(ROUNDS):
        figure = intervals.figure([draw(source) for _ in range(count)])
        assert figure is not None
        held += figure.low <= truth <= figure.high
        sure = figure.sure
    assert held / ROUNDS >= sure - 0.02


def test_outliers_are_shown_and_stay() -> None:
    figure = intervals.figure([10, 11, 10, 12, 11, 10, 60])
    assert figure is not None
    assert (figure.outliers, figure.high, figure.count) == ((60,), 60, 7)
    assert intervals.outliers([10, 60]) == ()
    assert intervals.outliers([10, 10, 10, 10, 11]) == ()


def test_repeats_are_not_further_tasks_and_a_long_task_is_no_outlier() -> None:
    groups = [[10, 10.1, 9.9], [100, 101, 99], [20, 20.2, 90], [30, 30, 30.1]]
    found = intervals.typical(groups)
    assert found is not None
    assert (found.median, found.low, found.high, found.count) == (25.1, 10, 100, 4)
    assert found.outliers == (90,)
    assert intervals.typical([[1, 2, 3], []]) == intervals.figure([1, 2, 3])
    assert intervals.typical([[]]) is None


def test_nothing_has_no_figure() -> None:
    assert intervals.figure([]) is None
    assert intervals.share([]) is None
    assert intervals.compare([], [1, 2, 3], lower_is_better=True) is None


@given(scores)
def test_a_share_lies_in_its_interval_and_never_seems_certain(found: list[float]) -> None:
    share = intervals.share(found)
    assert share is not None
    assert 0 <= share.low <= share.mean <= share.high <= 100
    assert share.low < share.high
    assert share.median == share.mean


@pytest.mark.parametrize(
    ("passed", "count", "low", "high"),
    # Wilson's intervals as tables give them.
    [(0, 10, 0, 27.8), (10, 10, 72.2, 100), (5, 10, 23.7, 76.3), (81, 263, 25.5, 36.6)],
)
def test_the_interval_of_a_share_is_wilsons(passed: int, count: int, low: float, high: float) -> None:
    share = intervals.share([1.0] * passed + [0.0] * (count - passed))
    assert share is not None
    assert (share.low, share.high) == pytest.approx((low, high), abs=0.05)


def test_an_interval_of_partial_scores_holds_the_truth_often_enough() -> None:
    source = random.Random(11)
    held = 0
    for _ in range(ROUNDS):
        share = intervals.share([source.betavariate(2, 1) for _ in range(12)])
        assert share is not None
        held += share.low <= 200 / 3 <= share.high
    assert held / ROUNDS >= LEVEL


@pytest.mark.parametrize("draw", [spread_evenly, with_slow_ones])
@pytest.mark.parametrize("count", [3, 4, 5, 6, 10, 20])
def test_the_same_measured_twice_is_hardly_ever_called_different(
    draw: Callable[[random.Random], float], count: int
) -> None:
    source = random.Random(3)
    alarms = 0
    for _ in range(ROUNDS):
        pair = [[draw(source) for _ in range(count)] for _ in range(2)]
        found = intervals.compare(pair[0], pair[1], lower_is_better=True, least=0)
        assert found is not None
        alarms += found.verdict != "none"
    assert alarms / ROUNDS <= 0.05


@pytest.mark.parametrize(
    ("a", "b", "lower_is_better", "verdict"),
    [
        ([10, 10.1, 10.2], [12, 12.1, 12.2], True, "worse"),
        ([10, 10.1, 10.2], [12, 12.1, 12.2], False, "better"),
        ([12, 12.1, 12.2], [10, 10.1, 10.2], True, "better"),
        ([10, 11, 12], [12.5, 13, 14], True, "none"),
        ([10, 11, 12], [11, 12, 13], True, "none"),
        ([10, 10], [20, 20], True, "few"),
        ([10] * 8, [10.05] * 8, True, "none"),
        ([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], True, "worse"),
        ([0, 0, 0], [0, 0, 0], True, "none"),
    ],
)
def test_differences(a: list[float], b: list[float], lower_is_better: bool, verdict: str) -> None:
    found = intervals.compare(a, b, lower_is_better=lower_is_better, least=0.02)
    assert found is not None
    assert found.verdict == verdict


@given(values, values)
def test_what_is_better_one_way_is_worse_the_other(a: list[float], b: list[float]) -> None:
    there = intervals.compare(a, b, lower_is_better=True, least=0)
    back = intervals.compare(b, a, lower_is_better=True, least=0)
    assert there is not None
    assert back is not None
    opposite = {"better": "worse", "worse": "better", "none": "none", "few": "few"}
    assert back.verdict == opposite[there.verdict]


def test_ratios() -> None:
    found = intervals.compare([2000, 2000, 2000], [3000, 3000, 3000], lower_is_better=True)
    assert found is not None
    assert found.ratio == 1.5
    unknown = intervals.compare([0, 0, 0], [1, 1, 1], lower_is_better=True)
    assert unknown is not None
    assert unknown.ratio is None
