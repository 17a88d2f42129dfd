"""From a player's report to a verdict with its reason."""

from typing import Any

import pytest

from app.lab import wording
from app.lab.code_runner import sandbox
from app.lab.code_runner.programs import CodeTask, compare_without_keys, judge_code, results, verdict_of_run
from app.models.lab import Verdict

WELL: dict[str, Any] = {
    "ended": "survived",
    "seconds": 5.0,
    "pictures": 50,
    "shown": list(range(22)),
    "pressed": 12,
    "heard": True,
    "error": None,
}
GAME, WINDOW = CodeTask(play="game"), CodeTask(play="window")


def calls(*pairs: tuple[list[Any], Any]) -> CodeTask:
    """A task whose function returns the second of each pair for the arguments in the first."""
    return CodeTask(play="calls", function="f", calls=[{"args": args, "returns": want} for args, want in pairs])


def error(kind: str, message: str = "", missing: str | None = None) -> dict[str, Any]:
    return {"type": kind, "message": message, "line": 7, "missing": missing}


@pytest.mark.parametrize(
    ("changed", "verdict", "code"),
    [
        ({}, Verdict.PASSED, "code_plays"),
        ({"ended": "returned", "seconds": 2.1}, Verdict.RESERVE, "code_ended_early"),
        ({"ended": "returned", "pictures": 0, "shown": []}, Verdict.FAILED, "code_ended_at_once"),
        ({"ended": "returned", "pictures": 1, "shown": [5]}, Verdict.FAILED, "code_ended_at_once"),
        ({"pictures": 0, "shown": []}, Verdict.FAILED, "code_shows_nothing"),
        ({"shown": [5]}, Verdict.RESERVE, "code_nothing_moves"),
        ({"heard": False}, Verdict.RESERVE, "code_deaf"),
        ({"ended": "stuck"}, Verdict.FAILED, "code_hung"),
        ({"ended": "crashed", "error": error("NameError", "x")}, Verdict.FAILED, "code_crashed"),
        ({"ended": "crashed", "error": None}, Verdict.FAILED, "code_crashed"),
        ({"ended": "crashed", "error": error("M", missing="msvcrt")}, Verdict.RESERVE, "code_windows_only"),
        ({"ended": "crashed", "error": error("M", missing="numpy.linalg")}, Verdict.RESERVE, "code_needs_module"),
        ({"ended": "crashed", "error": error("M", missing="pygame.harbour")}, Verdict.FAILED, "code_crashed"),
    ],
)
def test_a_game(changed: dict[str, Any], verdict: Verdict, code: str) -> None:
    seen = verdict_of_run(GAME, WELL | changed)
    assert (seen.verdict, seen.code) == (verdict, code)
    assert (seen.score == 1) == (verdict is Verdict.PASSED)
    assert (seen.score == 0) == (verdict is Verdict.FAILED)
    assert wording.SENTENCES[seen.code]


@pytest.mark.parametrize(
    ("alone", "verdict", "code"),
    [
        ({"shown": [1, 2, 3], "pressed": 0, "heard": False}, Verdict.PASSED, "code_plays"),
        ({"shown": [1, 2, 3], "ended": "returned"}, Verdict.PASSED, "code_plays"),
        ({"shown": list(range(18))}, Verdict.RESERVE, "code_deaf"),
        ({"ended": "crashed", "seconds": 1.4, "error": error("TypeError", "x")}, Verdict.FAILED, "code_crashed"),
        ({"ended": "stuck"}, Verdict.FAILED, "code_hung"),
    ],
)
def test_a_game_that_is_left_alone(alone: dict[str, Any], verdict: Verdict, code: str) -> None:
    seen = compare_without_keys(verdict_of_run(GAME, WELL), WELL, WELL | alone)
    assert (seen.verdict, seen.code) == (verdict, code)
    assert {check.check: check.passed for check in seen.checks}["listens"] is (code != "code_deaf")


def test_a_window_that_answers_one_click_has_moved() -> None:
    assert verdict_of_run(WINDOW, WELL | {"shown": [5, 6]}).code == "code_plays"
    assert verdict_of_run(WINDOW, WELL | {"shown": [5]}).code == "code_nothing_moves"


@pytest.mark.parametrize(
    ("want", "right", "wrong"),
    [
        (120, [120, 120.0, 120.0000000001], [121, "120", None, True]),
        (True, [True], [1, "True", None]),
        (0.5, [0.5], [0.50001]),
        ([1.5, [2]], [[1.5, [2.0]]], [[1.5], [1.5, [3]], "1.5"]),
        ({"a": 1}, [{"a": 1.0}], [{"a": 1, "b": 2}, {"a": 2}]),
        ("Durand", ["Durand"], ["durand", "Durand ", 5]),
    ],
)
def test_values_are_compared_as_a_person_would(want: Any, right: list[Any], wrong: list[Any]) -> None:
    task = calls(([], want))
    given = [results(task, {"ended": "called", "results": [{"value": got}]}).score for got in right + wrong]
    assert given == [1.0] * len(right) + [0.0] * len(wrong)


def test_results_are_a_share() -> None:
    task = calls(([1], 1), ([2], 2), ([3], 3), ([4], 4))
    for count, verdict in ((4, Verdict.PASSED), (2, Verdict.RESERVE), (1, Verdict.FAILED), (0, Verdict.FAILED)):
        given = [{"value": place if place <= count else -1} for place in (1, 2, 3, 4)]
        seen = results(task, {"ended": "called", "error": None, "results": given})
        assert (seen.verdict, seen.score, seen.params) == (verdict, count / 4, {"right": count, "all": 4})


def test_a_call_that_fails_is_one_wrong_result() -> None:
    task = calls(([1], 1), ([0], 0))
    given = [{"value": 1}, {"error": error("ZeroDivisionError", "division by zero")}]
    seen = results(task, {"ended": "called", "error": None, "results": given})
    assert (seen.score, [check.passed for check in seen.checks]) == (0.5, [True, False])
    assert "ZeroDivisionError" in seen.checks[1].detail


def test_a_program_without_the_function_has_failed() -> None:
    seen = results(calls(([], 1)), {"ended": "returned", "results": None})
    assert (seen.verdict, seen.code) == (Verdict.FAILED, "code_lacks_function")


@pytest.mark.parametrize("changed", [{"ended": "crashed", "error": "x"}, {"shown": None}, {"seconds": "x"}])
def test_a_report_that_the_program_tampered_with_is_none(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = sandbox.Outcome(WELL | changed, "", sandbox.Ended.ITSELF)
    monkeypatch.setattr(sandbox, "state", lambda: (sandbox.SandboxState.READY, ""))
    monkeypatch.setattr(sandbox, "run", lambda *_job, **_seconds: outcome)
    judgement = judge_code(GAME, "```python\nwhile True:\n    key = input()\n```", run=True)
    assert (judgement.verdict, judgement.code) == (Verdict.FAILED, "code_killed")


def test_what_a_program_wrote_is_searched_for_a_bounded_time() -> None:
    task = CodeTask(play="lines", runs=[{"input": "1", "output": ["^(a|aa)+$"]}])
    seen = [results(task, {"ended": "called", "results": [{"value": text}]}) for text in ("aaa", "AAA", "a" * 60 + "!")]
    assert [one.verdict for one in seen] == [Verdict.PASSED, Verdict.FAILED, Verdict.RESERVE]
    assert seen[-1].code == "check_undecided"
    assert wording.SENTENCES[seen[-1].code]
