"""Figures over runs: what became worse beyond noise is told, noise is not, and only the same is held together."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from app.lab.stats import changes
from app.lab.stats.configurations import gather_configurations
from app.models.lab import LabMachine, LabSample, SampleKind
from tests.support.measured import machine, run, sample, task
from tests.support.site import Site

TASKS = "abcdefgh"


@pytest.fixture(autouse=True)
def rows(site: Site) -> Iterator[None]:
    with site.app.app_context():
        yield


def answers(seconds: float = 10, wobble: float = 0.01, score: float = 1, **metrics: Any) -> list[LabSample]:
    """Tasks that differ much from each other in length, and a little from one time to the next."""
    return [
        task(name, score, seconds * (1 + place) * (1 + wobble * (place % 3 - 1)), **metrics)
        for place, name in enumerate(TASKS)
    ]


def readings(rate: float, wobble: float = 0.01) -> list[LabSample]:
    return [
        sample(SampleKind.READING, "1000", prefill_tps=rate * (1 + wobble * turn), total_ms=1) for turn in (-1, 0, 1)
    ]


def told(where: LabMachine | None = None) -> list[tuple[str, str]]:
    found = changes.regressions(where.id if where else None)
    return [(change.after.figure, change.after.prompt) for change in found]


def between(before_id: int, after_id: int) -> list[changes.FigureChange]:
    return [
        change for _before, _after, found in changes.side_by_side(str(before_id), str(after_id)) for change in found
    ]


def test_the_same_again_is_no_regression() -> None:
    where = machine()
    for day in range(3):
        run(where, answers(wobble=0.03 * (-1) ** day) + readings(60, 0.02), day=day)
    assert told() == []


def test_what_is_slower_than_before_is_told_with_both_versions() -> None:
    where = machine()
    first = run(where, answers(10) + readings(60), day=0, version="1")
    second = run(where, answers(12) + readings(50), day=1, version="2")
    assert told(where) == [("prefill_tps", "1000"), ("total", "")]
    reading, total = changes.regressions()
    assert (reading.before.run_id, reading.after.run_id) == (first.id, second.id)
    assert (reading.before.version, reading.after.version) == ("1", "2")
    assert (reading.before.value.median, reading.after.value.median) == (60, 50)
    assert total.ratio == pytest.approx(1.2)
    assert told(machine("elsewhere")) == []


def test_what_is_quicker_is_better_and_no_regression() -> None:
    where = machine()
    first = run(where, readings(60))
    second = run(where, readings(70), day=1)
    assert told() == []
    assert [change.verdict for change in between(first.id, second.id)] == ["better"]
    assert [change.verdict for change in between(second.id, first.id)] == ["worse"]


def test_a_little_worse_is_not_worth_an_alert() -> None:
    where = machine()
    run(where, answers(10, wobble=0))
    run(where, answers(10.3, wobble=0), day=1)
    assert told() == []


def test_worse_quality_is_told_where_the_intervals_do_not_overlap() -> None:
    where = machine()
    run(where, answers())
    run(where, answers(score=0.9), day=1)
    assert told() == []
    run(where, answers(score=0.2), day=2)
    assert told() == [("quality", "")]


def test_only_the_last_two_runs_of_a_figure_count() -> None:
    where = machine()
    run(where, readings(90), day=0)
    run(where, readings(60), day=1)
    run(where, answers(), day=2)
    run(where, readings(60), day=3)
    assert told() == []
    run(where, answers(), day=4)
    assert told() == []
    run(where, readings(40), day=5)
    assert told() == [("prefill_tps", "1000")]


def test_the_pace_of_writing_after_a_text_has_its_own_course() -> None:
    where = machine()
    for day, pace in ((0, 10.0), (1, 7.0)):
        texts = [sample(SampleKind.READING, "4000", prefill_tps=60, decode_tps=pace + turn / 10) for turn in (-1, 0, 1)]
        run(where, answers(decode_tps=10) + texts, day=day)
    assert told(where) == [("pace_after", "4000")]


def test_other_tasks_models_settings_and_machines_are_not_held_together() -> None:
    where, other = machine("here"), machine("there")
    run(where, answers(10))
    run(where, [task(name, 1, 500) for name in "xyz"], day=1)
    run(where, [task(name, 1, 500, model="mistral") for name in TASKS], day=1)
    run(where, [task(name, 1, 500, setting={"think": True}) for name in TASKS], day=1)
    run(other, answers(500), day=1)
    assert told() == []


def test_too_few_values_say_nothing() -> None:
    where = machine()
    first = run(where, [sample(SampleKind.LOAD, "cold", load_ms=1000)])
    second = run(where, [sample(SampleKind.LOAD, "cold", load_ms=9000)], day=1)
    assert told() == []
    (change,) = between(first.id, second.id)
    assert (change.verdict, change.ratio) == ("few", 9)


def test_the_repeats_of_one_task_are_compared_where_nothing_else_is_shared() -> None:
    where = machine()
    first = run(where, [task("a", 1, seconds) for seconds in (10, 10.1, 10.2)])
    second = run(where, [task("a", 1, seconds) for seconds in (13, 13.1, 13.2)], day=1)
    assert told() == [("total", "")]
    (better,) = [one for one in between(second.id, first.id) if one.after.figure == "total"]
    assert (better.verdict, better.before.value.median) == ("better", 13_100)
    run(where, [task("a", 1, seconds) for seconds in (11, 13, 16)], day=2)
    assert told() == []


def test_looking_for_changes_takes_twice_as_long_for_twice_as_many_tasks() -> None:
    few, many = machine("few"), machine("many")
    for day in range(changes.RECENT):
        for where, count in ((few, 40), (many, 80)):
            run(where, [task(f"task-{number}", 1, 10) for number in range(count)], day=day)
    assert calls(many) < 3 * calls(few)


def calls(where: LabMachine) -> int:
    """How many functions are called in looking for changes: seconds depend on the machine."""
    count = 0

    def called(_frame: FrameType, event: str, _about: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(called)
    try:
        assert told(where) == []
    finally:
        sys.setprofile(None)
    return count


def test_two_models_of_one_run_are_compared_task_by_task() -> None:
    slow = [task(name, 1, 20, model="mistral", decode_tps=5) for name in TASKS]
    run(machine(), [task(name, 1, 10, decode_tps=10) for name in TASKS] + slow)
    phi3, mistral = sorted(gather_configurations(), key=lambda cell: cell.model, reverse=True)
    found = {change.after.figure: change.verdict for change in changes.compared(phi3, mistral)}
    assert found == {"decode_tps": "worse", "total": "worse", "quality": "none"}
    assert {change.after.model for change in changes.compared(phi3, mistral)} == {"mistral"}


def test_the_history_has_each_figure_of_each_run_the_oldest_first() -> None:
    where = machine()
    first = run(where, [*readings(60), task("a", 1, 10, energy_j=20)], version="1")
    second = run(where, readings(50), day=1, version="2")
    found = [(point.figure, point.prompt, point.run_id, point.value.median) for point in changes.history()]
    assert found == [
        ("prefill_tps", "1000", first.id, 60),
        ("total", "", first.id, 10_000),
        ("energy", "", first.id, 20),
        ("quality", "", first.id, 100),
        ("prefill_tps", "1000", second.id, 50),
    ]
    assert {(point.version, point.at) for point in changes.history(where.id)} == {
        ("1", first.started_at),
        ("2", second.started_at),
    }
