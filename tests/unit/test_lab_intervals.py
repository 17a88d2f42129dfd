"""How the Labo's figures, their parts and the ends of their intervals are written."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.lab.presentation import display
from app.lab.presentation.display import spread
from app.lab.stats.configurations import Sample
from app.lab.stats.intervals import Figure
from app.lab.stats.ranking import split_duration
from app.models.lab import LabSample, SampleKind, SampleState, Verdict


@pytest.fixture(autouse=True)
def french() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("fr"):
        yield


@pytest.mark.parametrize(
    ("write", "low", "high", "said"),
    [
        (display.seconds, 59.9, 67, "60–67 s"),
        (display.seconds, 0.635, 0.889, "635–889 ms"),
        (display.seconds, 0.889, 2.6, "0,9–2,6 s"),
        (display.seconds, 67, 123, "1 min 7 s – 2 min 3 s"),
        (display.seconds, 3000, 3720, "50–62 min"),
        (display.seconds, 2.61, 2.62, ""),
        (display.energy, 0.0019, 0.02, "1,9–20 mWh"),
        (display.energy, 0.00001, 0.003, "0–3,0 mWh"),
        (display.energy, 0.00001, 0.00002, ""),
        (display.energy, 0.36, 0.38, "0,36–0,38 Wh"),
        (display.size, 810e6, 1.2e9, "0,8–1,2 Go"),
        (display.size, 1.2e9, 1.4e9, "1,2–1,4 Go"),
        (display.rate, 7.9, 8.4, "7,9 – 8,4"),
    ],
)
def test_an_interval_has_one_unit(write: Callable[[float], str], low: float, high: float, said: str) -> None:
    assert spread(Figure(low, low, high, 3), write).replace("\u202f", " ") == said


@pytest.mark.parametrize(("seconds", "said"), [(59.4, "59 s"), (59.6, "1 min"), (67, "1 min 7 s")])
def test_sixty_seconds_are_a_minute(seconds: float, said: str) -> None:
    assert display.seconds(seconds).replace("\u202f", " ") == said


def test_next_to_no_energy_is_not_written_as_none() -> None:
    for least in (0.0, 0.00004):
        assert "0,0" not in display.energy(least)
        assert display.energy(least).endswith("0,1\u202fmWh")
        assert display.energy(least) != display.energy(0.0001)


@pytest.mark.parametrize(
    ("overruled", "score", "counted"),
    [(None, 0.4, 40), (Verdict.PASSED, 0.0, 100), (Verdict.FAILED, 1.0, 0), (None, None, None)],
)
def test_a_persons_word_is_what_a_sample_counts(
    overruled: Verdict | None, score: float | None, counted: float | None
) -> None:
    assert display.counted(LabSample(overruled=overruled, score=score)) == counted


def test_the_parts_of_the_time_are_those_of_the_answers_that_nobody_disturbed_and_make_the_whole() -> None:
    answers = [
        answer("a", 1000, 300), answer("a", 9000, 8000, disturbed=True), answer("b", 800, 100), answer("c", 889, 700),
    ]  # fmt: skip
    found = split_duration(answers, 0.889)
    assert sum(found.values()) == pytest.approx(0.889)
    # Medians of 300, 100, 700 and of 700, 700, 189.
    assert found["reading"] == pytest.approx(0.889 * 300 / 1000)
    assert split_duration(answers, None) == {}


def answer(task: str, total_ms: float, prefill_ms: float, *, disturbed: bool = False) -> Sample:
    return Sample(
        id=1, run_id=1, position=0, attempt=1, kind=SampleKind.TASK, model="a", setting={}, prompt=task,
        state=SampleState.DONE, disturbed=disturbed, metrics={"total_ms": total_ms, "prefill_ms": prefill_ms},
        verdict=Verdict.PASSED, overruled=None, score=1.0, judgement={}, error_code=None,
    )  # fmt: skip
