"""What is expected of the next answers, learnt from the last ones."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.base import Usage
from app.generation.estimates import HISTORY, MIN_READ_TIMEOUT_S, READS_FASTER, SUSPICION, Estimates

LIMIT_S = 900.0
seconds = st.floats(0.1, 100)
# Three models and what an answer of each takes.
paces = st.fixed_dictionaries({"a": seconds, "b": seconds, "c": seconds})
orders = st.lists(st.sampled_from("abc"), max_size=20)
at_work = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 200)), max_size=4)


def taught(durations: dict[str, float]) -> Estimates:
    estimates = Estimates(LIMIT_S)
    for model, took in durations.items():
        estimates.learn(model, took, Usage())
    return estimates


def reader(*reads: tuple[int, int | None, float]) -> Estimates:
    """A estimates that has seen prompts read: tokens, how many of them were cached, seconds."""
    estimates = Estimates(LIMIT_S)
    for tokens, cached, took in reads:
        estimates.learn("a", 1.0, Usage(prompt_tokens=tokens, cached_tokens=cached, prefill_ms=took * 1000))
    return estimates


def test_a_duration_is_the_mean_of_the_last_ones() -> None:
    estimates = taught({"a": 500})
    for _ in range(HISTORY - 1):
        estimates.learn("a", 2, Usage())
    assert estimates.expected_duration("a") == pytest.approx((500 + 2 * (HISTORY - 1)) / HISTORY)
    estimates.learn("a", 2, Usage())
    assert estimates.expected_duration("a") == pytest.approx(2)


def test_a_new_model_is_expected_to_be_like_the_others() -> None:
    assert Estimates(LIMIT_S).expected_duration("a") is None
    assert taught({"a": 2, "b": 4}).expected_duration("new") == pytest.approx(3)


@given(paces, orders, st.sampled_from("abc"), st.floats(0, 200))
def test_with_one_slot_each_starts_when_the_one_before_it_ends(
    durations: dict[str, float], order: list[str], model: str, elapsed: float
) -> None:
    starts = taught(durations).queue_waits([(each, 0.0) for each in order], [(model, elapsed)], 1)
    left = max(0.0, durations[model] - elapsed)
    assert starts == pytest.approx(list(accumulate([durations[each] for each in order], initial=left))[:-1])


@given(paces, orders, at_work, st.integers(1, 6))
def test_nobody_starts_before_the_one_in_front_nor_later_for_one_more_slot(
    durations: dict[str, float], order: list[str], running: list[tuple[str, float]], slots: int
) -> None:
    estimates = taught(durations)
    starts = estimates.queue_waits([(each, 0.0) for each in order], running[:slots], slots)
    assert len(starts) == len(order)
    assert all(earlier <= later for earlier, later in pairwise(starts))
    more = estimates.queue_waits([(each, 0.0) for each in order], running[:slots], slots + 1)
    assert all(sooner <= start + 1e-6 for sooner, start in zip(more, starts, strict=True))
    # As many as have a free slot start now.
    assert starts[: slots - len(running[:slots])] == [0.0] * min(len(order), slots - len(running[:slots]))


@given(orders, at_work)
def test_before_the_first_answer_nothing_is_expected(order: list[str], running: list[tuple[str, float]]) -> None:
    assert Estimates(LIMIT_S).queue_waits([(each, 0.0) for each in order], running, 1) == [None] * len(order)


def test_documents_that_are_to_be_read_make_those_behind_wait_longer() -> None:
    waits = taught({"a": 10}).queue_waits([("a", 0.0), ("a", 25.0), ("a", 0.0)], [], 1)
    assert waits == pytest.approx([0, 10, 45])


def test_the_pace_is_the_mean_of_all_that_was_read() -> None:
    # The few tokens, whose fixed costs count most, count least.
    assert reader((1000, 0, 20.0), (2100, 100, 39.0), (60, 0, 1.0)).reading_pace("a") == pytest.approx(3060 / 60)
    assert reader((1000, 0, 20.0)).reading_pace("another") is None


def test_the_pace_is_not_what_an_untold_cache_makes_it_seem() -> None:
    cold, warm = (1000, None, 20.0), (1000, None, 0.2)
    estimates = reader(cold, *[warm] * 20)
    estimates.learn("a", 6.0, Usage(output_tokens=50, decode_ms=5000.0))
    assert estimates.reading_pace("a") == pytest.approx(50)


def test_the_silence_allowed_is_three_times_the_expected_reading() -> None:
    estimates = reader((1000, 0, 20.0), (2100, 100, 40.0))
    assert estimates.read_timeout("a", 4000) == pytest.approx(SUSPICION * 80)
    assert estimates.read_timeout("another", 4000) == LIMIT_S


@given(st.lists(st.tuples(st.integers(0, 9000), st.none(), st.floats(0.01, 500))), st.integers(0, 100_000))
def test_the_silence_allowed_has_a_floor_and_a_limit(reads: list[tuple[int, None, float]], tokens: int) -> None:
    assert MIN_READ_TIMEOUT_S <= reader(*reads).read_timeout("a", tokens) <= LIMIT_S


def test_a_few_tokens_say_nothing_about_the_pace() -> None:
    assert reader((2000, 1990, 9.0)).read_timeout("a", 4000) == LIMIT_S


def test_a_cache_that_the_engine_does_not_tell_of_makes_nobody_impatient() -> None:
    cold, warm = (1000, None, 20.0), (1000, None, 0.2)
    assert reader(cold, *[warm] * 20).read_timeout("a", 4000) >= 80


def test_an_engine_that_tells_nothing_of_its_cache_is_given_the_time_that_it_takes_to_write() -> None:
    estimates = Estimates(LIMIT_S)
    warm = Usage(prompt_tokens=1000, prefill_ms=20.0, output_tokens=50, decode_ms=5000.0)
    for _ in range(HISTORY):
        estimates.learn("a", 6.0, warm)
    assert estimates.read_timeout("a", 3000) >= 3000 * 0.1
    # It may read faster than it writes, but not by any factor.
    assert estimates.prefill_duration("a", 3000) == pytest.approx(3000 * 0.1 / READS_FASTER)


def test_an_engine_that_tells_of_its_cache_is_judged_by_what_it_read() -> None:
    estimates = Estimates(LIMIT_S)
    usage = Usage(prompt_tokens=1000, cached_tokens=0, prefill_ms=20_000.0, output_tokens=50, decode_ms=50_000.0)
    estimates.learn("a", 70.0, usage)
    assert estimates.read_timeout("a", 4000) == pytest.approx(SUSPICION * 80)
    assert estimates.prefill_duration("a", 4000) == pytest.approx(80)
    assert estimates.prefill_duration("another", 4000) is None


def test_what_is_usual_is_a_model_s_own() -> None:
    estimates = taught({"a": 2, "b": 4})
    assert estimates.typical_duration("a") == pytest.approx(2)
    assert estimates.typical_duration("new") is None
