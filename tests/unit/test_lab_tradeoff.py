"""The front, the scores and the recommendation."""

from dataclasses import replace
from itertools import pairwise
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.lab.stats import tradeoff
from app.lab.stats.ranking import Entry
from app.lab.stats.tradeoff import FEWEST_TASKS, PRESETS, Weights
from app.models.lab import Verdict
from tests.support.measured import design, entry, exactly


def test_scores_and_front_are_those_of_the_design() -> None:
    found = tradeoff.recommend(design(), PRESETS["balanced"])
    assert found.scores == pytest.approx(
        {"gemma3:4b": 83, "phi3:mini": 79, "mistral": 50, "deepseek-coder:6.7b": 18}, abs=1
    )
    assert found.best is not None
    assert (found.best.model, [one.model for one in found.runners_up]) == (
        "gemma3:4b",
        ["phi3:mini", "mistral", "deepseek-coder:6.7b"],
    )
    front = ["deepseek-r1:1.5b", "phi3:mini", "gemma3:4b", "mistral"]
    assert [one.model for one in tradeoff.pareto(design())] == front


def test_nearly_the_same_stays_nearly_the_same() -> None:
    found = tradeoff.recommend([entry("a", 80, 20.0, 0.5), entry("b", 79, 20.2, 0.49)], Weights())
    assert min(found.scores.values()) >= 90
    assert found.certain is False


def test_energy_counts_where_somebody_has_a_figure() -> None:
    unknown = [entry("a", 80, 20), entry("b", 70, 10)]
    assert tradeoff.recommend(unknown, Weights(0, 0, 1)).scores == {"a": 50, "b": 50}
    some = [entry("a", 80, 20), entry("b", 70, 10, 0.3)]
    assert tradeoff.recommend(some, Weights(0, 0, 1)).scores == {"a": 0, "b": 100}


def test_who_had_few_tasks_is_not_held_against_those_that_had_more() -> None:
    few = entry("few", 100, 5, by_task={str(number): 100.0 for number in range(FEWEST_TASKS - 1)})
    assert list(tradeoff.recommend([few], Weights()).scores) == ["few"]
    found = tradeoff.recommend([few, entry("many", 70, 20)], Weights())
    assert (list(found.scores), found.few) == (["many"], [few])


def test_who_failed_has_no_score_and_keeps_nobody_else_from_having_one() -> None:
    failed = entry("failed", 20, 5, verdict=Verdict.FAILED)
    few = entry("few", 90, 20, by_task=dict.fromkeys("01", 90.0))
    found = tradeoff.recommend([failed, few], Weights(0, 100, 0))
    assert (found.best, list(found.scores), found.few) == (few, ["few"], [])
    assert tradeoff.recommend([failed], Weights()).scores == {}


def test_who_answered_nothing_useful_is_quicker_than_nobody() -> None:
    useless = entry("useless", 0, 1, verdict=Verdict.FAILED)
    poor = entry("poor", 33, 30, verdict=Verdict.FAILED, by_task=dict.fromkeys("01", 33.0))
    assert tradeoff.recommend([useless, poor], Weights()).scores == {}
    assert [one.key for one in tradeoff.pareto([useless, poor])] == ["poor"]


def of_tasks(name: str, scores: dict[str, float], seconds: dict[str, float]) -> Entry:
    """A line with its own tasks, each with its score and the seconds that it took."""
    quality, middle = fmean(scores.values()), median(seconds.values())
    times = {task: [value] for task, value in seconds.items()}
    energies = {task: [value / 100] for task, value in seconds.items()}
    return entry(name, quality, middle, middle / 100, by_task=scores, times=times, energies=energies)


def test_models_are_held_against_each_other_on_the_tasks_that_all_of_them_had() -> None:
    easy, hard = "abcdef", "uvwxyz"
    # Better and quicker at the same tasks than the other, and asked harder ones besides.
    better = of_tasks(
        "better",
        dict.fromkeys(easy, 90.0) | dict.fromkeys(hard, 20.0),
        dict.fromkeys(easy, 10.0) | dict.fromkeys(hard, 90.0),
    )
    worse = of_tasks("worse", dict.fromkeys(easy, 70.0), dict.fromkeys(easy, 20.0))
    found = tradeoff.recommend([better, worse], Weights())
    assert (found.best, found.runners_up) == (better, [worse])
    assert [one.key for one in tradeoff.pareto([better, worse])] == ["better"]
    common = {one.key: one for one in tradeoff.comparable([better, worse])}["better"]
    assert (_quality(common), _time(common), sorted(common.by_task)) == (pytest.approx(90), 10, list(easy))
    assert common.energy_wh
    assert common.energy_wh.median == pytest.approx(0.1)


def test_the_time_of_wrong_answers_counts_in_the_choice() -> None:
    # Slow where it is wrong: its own figure tells of its good answers only.
    scores = dict.fromkeys("abc", 100.0) | dict.fromkeys("defg", 0.0)
    slow = of_tasks("slow", scores, {task: 10.0 if score else 200.0 for task, score in scores.items()})
    slow = replace(slow, time_s=exactly(10))
    quick = of_tasks("quick", scores, dict.fromkeys(scores, 20.0))
    assert [(one.key, _time(one)) for one in tradeoff.comparable([slow, quick])] == [("slow", 200), ("quick", 20)]


def test_who_was_asked_other_tasks_is_not_rated() -> None:
    usual = [entry(name, 80, 20, by_task=dict.fromkeys("abcdefgh", 80.0)) for name in ("a", "b")]
    other = entry("other", 100, 5, by_task=dict.fromkeys("qrstuvwxyz", 100.0))
    assert {one.key for one in tradeoff.comparable([other, *usual])} == {"a", "b"}


entries_drawn = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.floats(0.5, 300),
        st.none() | st.floats(0.001, 5),
        st.sampled_from([None, *Verdict]),
    ),
    max_size=8,
).map(
    lambda found: [
        entry(str(number), quality, seconds, energy, verdict=verdict)
        for number, (quality, seconds, energy, verdict) in enumerate(found)
    ]
)
weights_drawn = st.builds(Weights, *[st.floats(0, 100)] * 3)


@settings(deadline=None)
@given(entries_drawn, weights_drawn)
def test_whatever_was_measured(entries: list[Entry], weights: Weights) -> None:
    found = tradeoff.recommend(entries, weights)
    assert all(0 <= score <= 100 for score in found.scores.values())
    allowed = [one for one in entries if one.verdict in (Verdict.PASSED, Verdict.RESERVE) and _quality(one)]
    assert set(found.scores) == {one.key for one in allowed}
    assert (found.best is None) == (not allowed)
    if found.best is not None:
        assert found.best in allowed
        assert found.scores[found.best.key] == max(found.scores[one.key] for one in allowed)
        assert found.best not in found.runners_up
    front = tradeoff.pareto(entries)
    assert bool(front) == any(_quality(one) for one in entries)
    for one in tradeoff.comparable(entries):
        beaten = any(_time(other) <= _time(one) and _quality(other) >= _quality(one) for other in front)
        assert beaten
    for one in front:
        rated = tradeoff.comparable(entries)
        assert not any(_time(other) < _time(one) and _quality(other) > _quality(one) for other in rated)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.5, 300)), min_size=2, max_size=8), st.floats(0, 100))
def test_more_weight_on_quality_never_lowers_the_quality_that_is_recommended(
    found: list[tuple[float, float]], speed: float
) -> None:
    entries = [entry(str(number), quality, seconds) for number, (quality, seconds) in enumerate(found)]
    chosen = [tradeoff.recommend(entries, Weights(quality, speed, 0)).best for quality in (0, 10, 50, 200)]
    qualities = [_quality(one) for one in chosen if one]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(qualities[1:]))


def _time(one: Entry) -> float:
    assert one.time_s
    return one.time_s.median


def _quality(one: Entry) -> float:
    assert one.quality
    return one.quality.mean
