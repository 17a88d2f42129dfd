"""A comparison's figures and its verdict: same, slower and where, uncertain, or not to be had."""

import time

import pytest

from app.diagnostics import FindingState
from app.diagnostics.checkup import PAUSE_S, PROBE_EVENTS, proxy_probe
from app.diagnostics.client import NotComparedError
from app.diagnostics.comparison import Clock, Comparison, TimedAnswer, comparison_finding, comparison_table

pytestmark = pytest.mark.usefixtures("in_english")


def answer(*, pace: float = 10, tokens: int = 61, first_s: float = 1, after_s: float = 0) -> TimedAnswer:
    writing = (tokens - 1) / pace
    return TimedAnswer(first_s, first_s + writing + after_s, tokens, writing)


def compared(*pairs: tuple[TimedAnswer, TimedAnswer]) -> Comparison:
    return Comparison("phi3:mini", pairs)


def test_answers_of_any_length_are_compared_as_if_they_had_one() -> None:
    short, long = answer(tokens=11), answer(tokens=301)
    assert short.total_s == pytest.approx(long.total_s) == pytest.approx(1 + 19.9)
    assert compared((short, long)).total.difference == pytest.approx(1)


@pytest.mark.parametrize(
    ("made", "usable"),
    [
        (answer(tokens=8), True),
        (answer(tokens=7), False),
        (TimedAnswer(1, 2, 60, 0), False),
        (TimedAnswer(1, 2, 60, 1, waited_ms=101), False),
    ],
)
def test_which_answers_say_something(made: TimedAnswer, usable: bool) -> None:
    assert made.usable is usable


def test_the_pair_in_the_middle_is_shown_for_each_measure() -> None:
    result = compared(
        (answer(first_s=1.0), answer(first_s=1.01, pace=9)),
        (answer(first_s=1.1), answer(first_s=1.13, pace=9.9)),
        (answer(first_s=0.9), answer(first_s=1.9, pace=10.5)),
    )
    assert (result.first.direct, result.first.web) == (1.1, 1.13)
    assert (result.pace.direct, result.pace.web) == (10, pytest.approx(9.9))
    assert result.total.difference == pytest.approx(result.total.web / result.total.direct)
    later, pace, total = comparison_table(result)
    assert later == {"name": "First word after", "direct": "1.1 s", "web": "1.1 s", "difference": "30 ms later"}
    assert pace["difference"] == "−1%"
    assert total["name"] == "200 tokens in all"


def test_the_same() -> None:
    found = comparison_finding(compared(*[(answer(), answer(first_s=1.049, pace=9.8))] * 3))
    assert (found.state, found.fix) == (FindingState.OK, "")
    assert found.sentence == "Yes, with phi3:mini: total time +2%, first word 49 ms later (medians of 3 pairs)."


@pytest.mark.parametrize(
    ("web", "where"),
    [
        (answer(pace=9), "Writing is slowed down"),
        (answer(first_s=1.2), "before the first word"),
        (answer(after_s=3), "after the last word"),
    ],
)
def test_slower_and_where(web: TimedAnswer, where: str) -> None:
    found = comparison_finding(compared(*[(answer(), web)] * 3))
    assert (found.state, found.sentence[:3], where in found.fix) == (FindingState.BAD, "No,", True)


def test_an_engine_that_differs_as_much_from_itself_proves_nothing() -> None:
    pairs = [(answer(pace=pace), answer(pace=9)) for pace in (10, 10, 8)]
    found = comparison_finding(compared(*pairs))
    assert (found.state, "differ as much" in found.fix) == (FindingState.WARNING, True)


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("away", FindingState.BAD, "make run"),
        ("stranger", FindingState.BAD, "SECRET_KEY"),
        ("other_engine", FindingState.BAD, "ENGINE="),
        ("refused", FindingState.BAD, "Mend that"),
        ("engine", FindingState.BAD, "log"),
        ("nobody", FindingState.UNKNOWN, "first account"),
        ("no_model", FindingState.UNKNOWN, "flask models pull"),
        ("busy", FindingState.UNKNOWN, "calm"),
        ("crowded", FindingState.UNKNOWN, "calm"),
        ("slow", FindingState.UNKNOWN, "smaller"),
        ("short", FindingState.UNKNOWN, "another default"),
        ("broken", FindingState.BAD, "log"),
    ],
)
def test_why_there_is_no_comparison(code: str, state: FindingState, words: str) -> None:
    found = comparison_finding(NotComparedError(code, "the detail"))
    assert (found.state, words in found.fix) == (state, True)
    assert found.sentence


def test_the_clock_counts_where_the_engine_does_not() -> None:
    clock = Clock(started=time.monotonic() - 5)
    for _word in range(10):
        clock.word("quatre.")
    told = clock.answer(60, 3000, 12)
    assert (told.tokens, told.writing_s, told.waited_ms) == (60, 3, 12)
    counted = clock.answer(None, None)
    assert counted.tokens == 70 // 4
    assert 5 <= counted.first_s <= counted.end_s
    assert not Clock().answer(None, None).usable


def test_beats_are_numbered_and_apart() -> None:
    pauses: list[float] = []
    frames = list(proxy_probe(pauses.append))
    assert [frame.partition(b"\n")[0] for frame in frames] == [b"id: %d" % n for n in range(1, PROBE_EVENTS + 1)]
    assert all(b"event: beat\n" in frame and frame.endswith(b"\n\n") for frame in frames)
    assert pauses == [PAUSE_S] * (PROBE_EVENTS - 1)
