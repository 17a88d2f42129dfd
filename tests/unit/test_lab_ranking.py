"""The leaderboard's lines, from rows: what counts, what is left out, and what verdict comes of it."""

from collections.abc import Iterator

import pytest

from app.extensions import db
from app.lab import wording
from app.lab.stats import ranking
from app.lab.stats.intervals import Figure, ScoreShare
from app.lab.stats.ranking import FAILED_QUALITY, PASSED_QUALITY, PASSED_SECONDS, Entry
from app.models.lab import SampleKind, SampleState, Verdict
from tests.support.measured import exactly, machine, run, sample, task
from tests.support.site import Site

THINKING = {"think": True}


@pytest.fixture(autouse=True)
def rows(site: Site) -> Iterator[None]:
    with site.app.app_context():
        yield


def only() -> Entry:
    (found,) = ranking.leaderboard()
    return found


def medians(found: dict[str, Figure]) -> dict[str, float]:
    return {name: figure.median for name, figure in found.items()}


def test_a_file_that_stayed_in_memory_was_not_loaded_from_the_disk() -> None:
    cold = [sample(SampleKind.LOAD, "cold", load_ms=ms, from_disk=known) for ms, known in ((8000, 1), (900, 0))]
    run(machine(), [*cold, sample(SampleKind.LOAD, "cold", load_ms=8000)])
    found = only().load_cold_s
    # Where nothing was noted of it, as in older files, the word stands.
    assert found is not None
    assert (found.median, found.count) == (8, 2)


def test_a_line_has_all_figures_of_its_samples() -> None:
    answer = {
        "first_token_ms": 500, "decode_tps": 9.0, "load_ms": 0, "prefill_ms": 400, "thinking_ms": 1600,
        "cpu_machine_mean": 90, "cpu_engine_mean": 180, "ram_engine_peak": 3e9, "ram_machine_peak": 40,
        "energy_j": 1800, "energy_method": "rapl",
    }  # fmt: skip
    samples = [
        task("a", 1, 10, **answer),
        task("a", 0, 20, **answer),
        task("b", 1, 30, **answer, judgement={"failures": ["loop", "cut"]}),
        sample(SampleKind.LOAD, "cold", load_ms=8000),
        sample(SampleKind.LOAD, "warm", load_ms=1000),
        sample(SampleKind.READING, "1000", prefill_tps=50, decode_tps=7),
        sample(SampleKind.READING, "100", prefill_tps=60, decode_tps=8),
        sample(SampleKind.CROWD, "2", total_tps=12, person_tps=6, first_token_ms=900),
    ]
    where = machine()
    run(where, samples, version="0.30", models={"phi3:mini": {"quantization": "Q4_0"}})
    found = only()
    assert found.quality is not None
    # Repeats of a task are not more tasks: a is worth a half, b is worth all.
    assert (found.quality.mean, found.quality.count, found.by_task) == (75, 2, {"a": 50, "b": 100})
    assert found.time_s is not None
    # What was wrong was waited for too: the same seconds as where two models are compared.
    assert (found.time_s.median, found.time_s.count, found.times) == (22.5, 2, {"a": [10, 20], "b": [30]})
    figures = {
        "first_token_s": 0.5, "decode_tps": 9, "load_cold_s": 8, "load_warm_s": 1, "cpu": 90,
        "ram_bytes": 3e9, "ram_percent": 40, "energy_wh": 0.5,
    }  # fmt: skip
    assert {name: getattr(found, name).median for name in figures} == pytest.approx(figures)
    assert list(medians(found.prefill_tps).items()) == [("100", 60), ("1000", 50)]
    # Writing after a text is a figure of its own, and no part of that of answers.
    assert list(medians(found.pace_after).items()) == [("100", 8), ("1000", 7)]
    assert medians(found.crowds[2]) == {
        "total_tps": 12,
        "person_tps": 6,
    }
    assert found.split == {"loading": 0, "reading": 0.4, "thinking": 1.6, "writing": 20.5}
    assert (found.energy_method, found.facts) == ("rapl", {"quantization": "Q4_0"})
    assert (found.failures, found.answers, found.samples) == ({"loop": 1, "cut": 1}, 3, 8)
    assert (found.machine_id, found.historical, found.tasks) == (where.id, False, 2)


def test_warm_up_waiting_and_failed_samples_are_in_no_figure() -> None:
    samples = [
        task("a", 1, 10),
        task("a", 0, 99, warmup=True),
        task("b", 0, 99, state=SampleState.WAITING),
        task("c", None, 99, state=SampleState.FAILED, error_code="engine_cut"),
        task("d", None, 99, state=SampleState.FAILED, error_code="disturbed", disturbed=True),
    ]
    run(machine(), samples)
    found = only()
    assert (found.by_task, found.failed, found.disturbed, found.samples) == ({"a": 100}, 1, 1, 3)
    assert found.time_s == Figure(10, 10, 10, 1, (), 0)


def test_an_answer_without_end_is_a_wrong_one() -> None:
    endless = task("a", None, state=SampleState.FAILED, error_code="answer_too_long")
    run(machine(), [endless, task("b", 1)])
    found = only()
    assert (found.by_task, found.failed) == ({"a": 0, "b": 100}, 0)


def test_disturbed_samples_count_for_the_answer_and_not_for_the_time() -> None:
    run(machine(), [task("a", 0, 50, disturbed=True), task("a", 1, 10)])
    found = only()
    assert found.by_task == {"a": 50}
    assert found.time_s is not None
    assert (found.time_s.median, found.disturbed) == (10, 1)


def test_a_disturbed_answer_that_was_taken_again_counts_no_more() -> None:
    again = {"disturbed": True, "judgement": {"failures": ["loop"]}}
    samples = [task("a", 0, 50, **again), task("b", 0, 50, **again), task("c", 1, 10)]
    made = run(machine(), samples)
    db.session.add(task("a", 1, 10, run_id=made.id, position=0, attempt=2))
    # It came to nothing: the disturbed one is all there is.
    gone = {"state": SampleState.FAILED, "error_code": "engine_cut"}
    db.session.add(task("b", None, 99, run_id=made.id, position=1, attempt=2, **gone))
    db.session.commit()
    found = only()
    assert (found.by_task, found.failures, found.answers) == ({"a": 100, "b": 0, "c": 100}, {"loop": 1}, 3)
    assert (found.disturbed, found.failed, found.samples) == (2, 1, 5)


def test_a_model_whose_every_answer_failed_was_asked_all_the_same() -> None:
    gone = {"state": SampleState.FAILED, "error_code": "engine_cut"}
    run(
        machine(),
        [task("a", None, 1, **gone), task("b", None, 1, **gone), sample(SampleKind.READING, "100", prefill_tps=9)],
    )
    assert (only().verdict, only().reason, only().params) == (None, "model_failed", {"count": 2})
    assert wording.sentence(only().reason, only().params) != str(wording.UNKNOWN)


def test_where_all_were_disturbed_their_time_is_better_than_none() -> None:
    run(machine(), [task("a", 1, 50, disturbed=True)])
    assert only().time_s is not None


def test_a_persons_word_counts_instead() -> None:
    run(machine(), [task("a", 0, overruled=Verdict.PASSED), task("b", 1, overruled=Verdict.RESERVE)])
    assert only().by_task == {"a": 100, "b": 50}


def test_figures_of_an_older_engine_or_another_file_are_not_mixed_in() -> None:
    where = machine()
    run(where, [task("a", 0, 99)], day=0, version="1")
    run(where, [task("a", 1, 10)], day=1, version="2")
    run(where, [task("b", 1, 20)], day=2, version="2")
    found = only()
    assert (found.by_task, found.samples) == ({"a": 100, "b": 100}, 2)
    run(where, [task("a", 0, 30)], day=3, version="2", models={"phi3:mini": {"size_bytes": 7}})
    assert only().by_task == {"a": 0}


def test_lines_by_model_setting_and_machine_the_best_first() -> None:
    here, there = machine("here"), machine("there")
    first = run(here, [task("a", 0.5), task("a", 1, model="mistral"), task("a", 1, 5, setting=THINKING)])
    run(there, [task("a", 0.5)])
    assert [(line.model, line.setting["think"], line.machine) for line in ranking.leaderboard()] == [
        ("phi3:mini", True, "here"),
        ("mistral", False, "here"),
        ("phi3:mini", False, "here"),
        ("phi3:mini", False, "there"),
    ]
    assert [line.machine for line in ranking.leaderboard(there.id)] == ["there"]
    assert len(ranking.leaderboard(run_ids=[first.id])) == 3
    assert len({line.key for line in ranking.leaderboard()}) == 4


def test_what_thinking_does_not_change_is_measured_once_and_shown_for_both() -> None:
    reading = sample(SampleKind.READING, "100", prefill_tps=60)
    run(machine(), [task("a", 1, setting=THINKING), reading, task("a", 1), task("a", 1, setting={"threads": 2})])
    shown = {
        (line.setting["think"], line.setting["threads"]): medians(line.prefill_tps) for line in ranking.leaderboard()
    }
    assert shown == {(True, 0): {"100": 60}, (False, 0): {"100": 60}, (False, 2): {}}


def test_a_setting_that_only_read_is_no_line_beside_one_that_answered() -> None:
    reading = sample(SampleKind.READING, "100", prefill_tps=60)
    where = machine()
    run(where, [reading])
    assert (only().setting["think"], only().verdict, only().reason) == (False, None, "model_not_asked")
    run(where, [task("a", 1, setting=THINKING)], day=1)
    assert (only().setting["think"], medians(only().prefill_tps)) == (True, {"100": 60})


def test_what_was_measured_by_hand_keeps_its_verdict_and_comes_last() -> None:
    run(machine("by hand", "The company"), [task("snake", 1, 210, cpu_machine_mean=99, ram_machine_peak=41)])
    run(machine("here"), [task("a", 0)])
    lines = ranking.leaderboard()
    assert [(line.historical, line.verdict, line.reason) for line in lines] == [
        (False, Verdict.FAILED, "model_poor"),
        (True, Verdict.PASSED, "by_hand"),
    ]
    assert (lines[1].energy_wh, lines[1].split) == (None, {})


@pytest.mark.parametrize(
    ("quality", "seconds", "wrong", "verdict", "reason"),
    [
        (PASSED_QUALITY, PASSED_SECONDS - 1, 0, Verdict.PASSED, "model_good"),
        (PASSED_QUALITY, PASSED_SECONDS, 0, Verdict.RESERVE, "model_slow"),
        (PASSED_QUALITY - 1, 10, 0, Verdict.RESERVE, "model_middling"),
        (FAILED_QUALITY, PASSED_SECONDS, 0, Verdict.RESERVE, "model_middling_and_slow"),
        (FAILED_QUALITY - 1, 10, 0, Verdict.FAILED, "model_poor"),
        (90, 10, 2, Verdict.FAILED, "model_wrong_language"),
        (90, 10, 1, Verdict.PASSED, "model_good"),
    ],
)
def test_verdicts(quality: float, seconds: float, wrong: int, verdict: Verdict, reason: str) -> None:
    found = ranking.verdict_of(ScoreShare(quality, 0, 100, 10), exactly(seconds), wrong, 10)
    assert found[:2] == (verdict, reason)


def test_the_mail_of_ten_lines_is_measured_or_worked_out() -> None:
    where = machine()
    rates = {"prefill_tps": 70.0, "decode_tps": 10.0, "thinking_ms": 2000}
    run(where, [task("a", 1, **rates)])
    assert only().mail_s == pytest.approx(350 / 70 + 2 + 150 / 10)
    run(where, [task("mail-reply-ten-lines", 1, 24), task("b", 1)], day=1)
    assert only().mail_s == 24
    # What is empty or wrong is no mail.
    wrong = task("mail-reply-ten-lines", 0.2, 2, verdict=Verdict.FAILED)
    run(where, [task("mail-reply-ten-lines", 0, 1), wrong], day=2)
    assert only().mail_s == 24
    run(machine("there"), [task("a", 1, model="mistral")])
    assert next(line.mail_s for line in ranking.leaderboard() if line.model == "mistral") is None


def test_without_runs_there_are_no_lines() -> None:
    assert ranking.leaderboard() == []
    assert ranking.leaderboard(run_ids=[]) == []
