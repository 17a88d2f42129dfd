"""Why one is recommended, in a sentence, and whether that is certain."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.lab.presentation import sentences
from app.lab.stats import tradeoff
from app.lab.stats.ranking import Entry
from app.lab.stats.tradeoff import PRESETS, Weights
from app.models.lab import Verdict
from tests.support.measured import design, entry

APP = Flask(__name__)
Babel(APP)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Sentences need a language, nothing else of an application."""
    with APP.app_context(), force_locale("en"):
        yield


def sentence(entries: list[Entry], weights: Weights) -> str:
    return sentences.why_recommended(tradeoff.recommend(entries, weights))


EVEN = "No difference of quality was seen from"
CHANCE = "a difference that may be chance"


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (
            PRESETS["balanced"],
            f"7 points of quality more than phi3:mini, {CHANCE}, for 6.0 s more for an answer and 15% more energy.",
        ),
        (
            Weights(100, 0, 0),
            f"3 points of quality more than gemma3:4b, {CHANCE}, "
            "for 42 s more for an answer and 2.0 times as much energy.",
        ),
        (
            Weights(0, 100, 0),
            "6.0 s less for an answer than gemma3:4b, with 13% less energy, without any difference of quality seen.",
        ),
        (
            Weights(0, 0, 100),
            "13% less energy than gemma3:4b, with 6.0 s less for an answer, without any difference of quality seen.",
        ),
    ],
)
def test_the_reason_is_one_sentence_with_what_counts_most_first(weights: Weights, told: str) -> None:
    assert sentence(design(), weights) == told


@pytest.mark.parametrize(
    ("entries", "weights", "told"),
    [
        ([], Weights(), "Nothing can be recommended yet: no model has succeeded, not even with reserve."),
        (
            [entry("a", 20, 5, verdict=Verdict.FAILED)],
            Weights(),
            "Nothing can be recommended yet: no model has succeeded, not even with reserve.",
        ),
        ([entry("a", 80, 5)], Weights(), "It is the only one that can be recommended."),
        (
            [entry("a", 98, 20), entry("b", 50, 10)],
            Weights(),
            "48 points of quality more than b, for 10 s more for an answer.",
        ),
        (
            [entry("a", 98, 20), entry("b", 50, 10)],
            Weights(0, 1, 0),
            "10 s less for an answer than a, for 48 points of quality less.",
        ),
        (
            [entry("a", 80, 20, 0.5), entry("b", 79, 20.2, 0.49)],
            Weights(),
            f"{EVEN} b, nor of time, nor of energy.",
        ),
        (
            [entry("a", 80, 20, 0.5), entry("b", 79, 10, 0.25)],
            Weights(),
            f"{EVEN} a, but with 10 s less for an answer and 50% less energy.",
        ),
        (
            [entry("a", 98, 20, 0.1), entry("b", 50, 20, 0.5)],
            Weights(0, 0, 0),
            "48 points of quality more than b, with 80% less energy, without any difference of time seen.",
        ),
        # A quality that may be chance and a time that is sure come to the same: what is sure goes first.
        (
            [entry("a", 85, 20), entry("b", 75, 10)],
            Weights(50, 50, 0),
            "No difference of quality was seen from a, but with 10 s less for an answer.",
        ),
        # Neither the quality nor the time, which put it first, is sure; the energy is.
        (
            [entry("a", 80, 20, 0.5), entry("b", 80, 20.4, 0.4)],
            Weights(0, 100, 0),
            f"400 ms less for an answer than b, {CHANCE}, for 25% more energy, without any difference of quality seen.",
        ),
        # Nobody knows the energy: what counts next comes first.
        (
            [entry("a", 98, 20), entry("b", 50, 20)],
            Weights(0, 1, 99),
            "No difference of time was seen from b, but with 48 points of quality more.",
        ),
    ],
)
def test_reasons(entries: list[Entry], weights: Weights, told: str) -> None:
    assert sentence(entries, weights) == told


def test_no_difference_is_claimed_that_the_comparison_of_two_models_does_not_see() -> None:
    # 43–94 against 54–98: the intervals overlap.
    tasks = [str(number) for number in range(8)]
    better = entry("better", 94, 20, 0.2, by_task=dict(zip(tasks, [100.0] * 7 + [50.0], strict=True)))
    other = entry("other", 81, 20.1, 0.2, by_task=dict(zip(tasks, [100.0] * 6 + [50.0, 0.0], strict=True)))
    found = tradeoff.recommend([better, other], Weights(100, 0, 0))
    assert sentences.why_recommended(found) == f"{EVEN} other, nor of time, nor of energy."
    assert found.certain is False
    # Where half of the answers are quicker and half are slower, no time is.
    uneven = replace(other, times={task: [12.0 if int(task) % 2 else 30.0] for task in tasks})
    assert sentence([better, uneven], Weights(100, 0, 0)) == f"{EVEN} other, nor of time, nor of energy."


def test_it_is_certain_where_the_differences_that_were_seen_are_enough() -> None:
    assert tradeoff.recommend([entry("a", 98, 20), entry("b", 50, 40)], Weights()).certain is True
    # Quicker for sure, but it is first for a quality that may be chance.
    chance = [entry("a", 85, 20), entry("b", 75, 10)]
    assert tradeoff.recommend(chance, Weights(90, 10, 0)).certain is False
    assert tradeoff.recommend(chance, Weights(10, 90, 0)).certain is True
    # Apart from the next, and not from the one after it.
    third = [*chance, entry("c", 74, 9.8)]
    assert tradeoff.recommend(third, Weights(10, 90, 0)).certain is False
    once = [entry(name, 90, seconds, times={"0": [seconds]}) for name, seconds in (("a", 9), ("b", 99))]
    assert tradeoff.recommend(once, Weights()).certain is False
