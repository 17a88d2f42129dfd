"""The labels: their class, their time and what a model is good at."""

import pytest

from app.lab import labels
from app.lab.labels import ENERGY_CLASSES, LETTERS, TIME_CLASSES, Label
from app.lab.stats.configurations import SETTING
from app.models.lab import Verdict
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
