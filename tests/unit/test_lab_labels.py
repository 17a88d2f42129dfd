"""The labels: their class, their time and what a model is good at."""

import pytest

from app.lab import labels
from app.lab.labels import ENERGY_CLASSES, LETTERS, TIME_CLASSES, Label
from app.lab.stats.configurations import SETTING
from app.models.lab import LabLabel, Verdict
from tests.support.measured import entry, exactly


@pytest.mark.parametrize(
    ("energy", "seconds", "letter", "basis"),
    [
        (ENERGY_CLASSES[0], 500, "A", "energy"),
        (ENERGY_CLASSES[2] + 0.001, 1, "D", "energy"),
        (ENERGY_CLASSES[-1] * 2, 1, "F", "energy"),
        (None, TIME_CLASSES[1], "B", "time"),
        (None, None, "", ""),
    ],
)
def test_classes(energy: float | None, seconds: float | None, letter: str, basis: str) -> None:
    found = labels.label(entry("a", 80, seconds, energy), {})
    assert (found.letter, found.basis) == (letter, basis)


def test_a_model_that_failed_has_neither_a_class_nor_a_time() -> None:
    line = entry("a", 0, 0.9, ENERGY_CLASSES[0] / 2, verdict=Verdict.FAILED, mail_s=3.0)
    assert labels.label(line, {}) == Label("", "failed", None, None, ())


def test_there_are_as_many_classes_as_letters() -> None:
    for bounds in (ENERGY_CLASSES, TIME_CLASSES):
        assert len(bounds) == len(LETTERS) - 1
        assert list(bounds) == sorted(bounds)


def test_a_label() -> None:
    scores = {
        "mail-1": 100.0,
        "mail-2": 90.0,
        "sum-1": 100.0,
        "calc-1": 50.0,
        "calc-2": 60.0,
        "own": 100.0,
        "fmt-1": 80.0,
        "fmt-2": 80.0,
    }
    categories = {task: task.partition("-")[0] for task in scores if task != "own"}
    line = entry("a", 80, 20, 0.4, by_task=scores, mail_s=23.6, ram_bytes=exactly(3e9))
    assert labels.label(line, categories) == Label("D", "energy", 25, 3e9, ("mail", "fmt"))
    bare = entry("a", None, None, by_task={}, facts={"ram_bytes": 2e9})
    assert labels.label(bare, categories) == Label("", "", None, 2e9, ())


@pytest.mark.parametrize(("seconds", "said"), [(0.2, 1), (3.6, 4), (23, 25), (58, 60), (104, 100), (131, 130)])
def test_times_as_one_says_them(seconds: float, said: int) -> None:
    assert labels.rounded(seconds) == said


def test_one_label_for_each_model_of_this_server() -> None:
    lines = [
        entry("a", 80, 20, 5.0, setting=SETTING | {"think": True}, key="a|think"),
        entry("a", 80, 20, 0.01),
        entry("b", 80, 20, 0.2, setting=SETTING | {"threads": 2}),
        entry("c", 80, 20, historical=True),
    ]
    assert {model: label.letter for model, label in labels.by_model(lines, {}).items()} == {"a": "A", "b": "C"}


@pytest.mark.parametrize(
    ("scores", "reading", "abstention"),
    [
        ({"passages-1": 100.0, "passages-2": 100.0}, None, None),
        ({"passages-1": 100.0, "passages-2": 100.0, "passages-3": 39.9, "abstention-1": 0.0}, 79, None),
        ({"abstention-1": 80.0, "abstention-2": 90.0, "abstention-3": 100.0, "passages-1": 0.0}, None, 90),
        # Short texts and whole documents do not count.
        ({"read-1": 100.0, "read-2": 100.0, "read-3": 100.0, "honest-1": 100.0, "document-1": 100.0}, None, None),
    ],
)
def test_what_proves_that_a_model_may_answer_from_passages(
    scores: dict[str, float], reading: int | None, abstention: int | None
) -> None:
    found = labels.label(entry("a", 80, 20, by_task=scores), {})
    assert (found.reading, found.abstention) == (reading, abstention)


@pytest.mark.parametrize(
    ("reading", "abstention", "proven"),
    [(80, 80, True), (100, 79, False), (79, 100, False), (None, 100, False), (100, None, False)],
)
def test_both_must_be_good_enough(reading: int | None, abstention: int | None, proven: bool) -> None:
    assert LabLabel(model="a", reading=reading, abstention=abstention).proven is proven
