"""`judge_code` grades an answer with a program: by its source, and by the sandbox's report if it may be run."""

import ast
import math
import re
from dataclasses import replace
from typing import Any

from app.lab.code_runner import sandbox
from app.lab.code_runner.program import FENCE, PARTS, WINDOWS_ONLY, CodeTask, Program, extract
from app.lab.grading.checks import CheckResult, Judgement
from app.lab.grading.schemas import UndecidedError, compile_pattern, search_pattern
from app.lab.grading.text import find_failures, loops
from app.models.lab import Verdict

# Scores of programs that start but fall short: nothing moves; ended early or ignores the keys; cannot be decided.
STILL, EARLY, UNCLEAR = 0.3, 0.4, 0.5
# With at least this share of right results, the verdict is a reserve instead of a failure.
HALF = 0.5
# The number of different pictures that counts as movement, for a game and for a window.
MOVES = {"game": 3, "window": 2}
# A game reacts to keys when at least this share of its pictures does not appear in a play without keys.
STEERED = 0.25
# The score of a program that looks right but was not run.
UNSEEN = 0.5
# What programs may need besides Python: its name, and how an administrator installs it.
INSTALLED_BY = {
    "pygame": ("pygame-ce", ".venv/bin/pip install -r requirements-lab.txt"),
    "tkinter": ("tkinter", "apt install python3-tk"),
    "Xvfb": ("Xvfb", "apt install xvfb"),
}


# Reports of the sandbox


def verdict_of_run(task: CodeTask, report: dict[str, Any]) -> Judgement:
    """The verdict on a program with a window or in a terminal: does it start, move, react to keys, keep running?"""
    pictures, different = int(report["pictures"]), len(set(report["shown"]))
    lives = report["ended"] == "survived"
    checks = (
        CheckResult("starts_up", pictures > 0, str(pictures)),
        CheckResult("moves", different >= MOVES[task.play], str(different)),
        CheckResult("listens", bool(report["heard"]), str(int(report["pressed"]))),
        CheckResult("lives", lives, f"{report['seconds']} s"),
    )
    if report["ended"] == "crashed":
        return _crashed(report["error"], checks)
    if report["ended"] == "stuck":
        return Judgement(Verdict.FAILED, 0.0, "code_hung", {}, checks)
    return _verdict_of_checks(checks, lives, max(1, round(float(report["seconds"]))), int(report["pressed"]))


def compare_without_keys(seen: Judgement, report: dict[str, Any], alone: dict[str, Any]) -> Judgement:
    """The verdict on a game that plays well, after comparing it with a second play without keys (`alone`).

    When both show the same pictures, the game ignores the keys.
    """
    if alone["ended"] == "crashed":
        return _crashed(alone["error"], seen.checks)
    if alone["ended"] == "stuck":
        return Judgement(Verdict.FAILED, 0.0, "code_hung", {}, seen.checks)
    pictures = set(report["shown"])
    if len(pictures - set(alone["shown"])) >= STEERED * len(pictures):
        return seen
    checks = (replace(check, passed=check.passed and check.check != "listens") for check in seen.checks)
    return Judgement(Verdict.RESERVE, EARLY, "code_deaf", {}, tuple(checks))


def _verdict_of_checks(checks: tuple[CheckResult, ...], lives: bool, seconds: int, keys: int) -> Judgement:
    """The verdict on a program that neither crashed nor hung, by its checks."""
    shows, moves, listens, _ = (check.passed for check in checks)
    if lives and not shows:
        return Judgement(Verdict.FAILED, 0.0, "code_shows_nothing", {}, checks)
    if not lives and moves:
        return Judgement(Verdict.RESERVE, EARLY, "code_ended_early", {"seconds": seconds}, checks)
    if not lives:
        return Judgement(Verdict.FAILED, 0.0, "code_ended_at_once", {}, checks)
    if not moves:
        return Judgement(Verdict.RESERVE, STILL, "code_nothing_moves", {}, checks)
    if not listens:
        return Judgement(Verdict.RESERVE, EARLY, "code_deaf", {}, checks)
    return Judgement(Verdict.PASSED, 1.0, "code_plays", {"seconds": seconds, "keys": keys}, checks)


def results(task: CodeTask, report: dict[str, Any]) -> Judgement:
    """The verdict on a function's return values, or on the output of a program that reads lines."""
    if report["ended"] == "crashed":
        return _crashed(report["error"])
    if report["results"] is None:
        return Judgement(Verdict.FAILED, 0.0, "code_lacks_function", {"name": task.function})
    calls = task.play == "calls"
    wanted: list[Any] = [call.returns for call in task.calls] if calls else [tuple(run.output) for run in task.runs]
    right = _same if calls else _matches
    try:
        checks = tuple(
            CheckResult("result", "value" in got and right(got["value"], want), _result_detail(got, want))
            for got, want in zip(report["results"], wanted, strict=True)
        )
    except UndecidedError:
        return Judgement(Verdict.RESERVE, UNCLEAR, "check_undecided", {"check": "result"})
    count = sum(check.passed is True for check in checks)
    share = count / len(checks)
    verdict = Verdict.PASSED if share == 1 else Verdict.RESERVE if share >= HALF else Verdict.FAILED
    return Judgement(verdict, share, "code_results", {"right": count, "all": len(checks)}, checks)


def _crashed(error: dict[str, Any] | None, checks: tuple[CheckResult, ...] = ()) -> Judgement:
    error = error or {}
    missing = str(error.get("missing") or "").partition(".")[0]
    if missing in WINDOWS_ONLY:
        return Judgement(Verdict.RESERVE, UNCLEAR, "code_windows_only", {"name": missing}, checks)
    # A part of pygame that does not exist is the program's own error.
    if missing and missing not in PARTS:
        return Judgement(Verdict.RESERVE, UNCLEAR, "code_needs_module", {"name": missing}, checks)
    said = ": ".join(part for part in (str(error.get("type") or "?"), str(error.get("message") or "")) if part)
    params = {"error": said[:300], "line": int(error.get("line") or 0)}
    return Judgement(Verdict.FAILED, 0.0, "code_crashed", params, checks)


def _same(got: Any, want: Any) -> bool:
    """Whether two JSON values are equal, numbers within a tolerance; True is not 1."""
    if isinstance(want, bool) or isinstance(got, bool) or want is None or got is None:
        return got is want
    if isinstance(want, int | float) and isinstance(got, int | float):
        return math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-6)
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(_same, got, want))
    if isinstance(want, dict) and isinstance(got, dict):
        return got.keys() == want.keys() and all(_same(got[key], want[key]) for key in want)
    return bool(got == want)


def _matches(written: Any, wanted: Any) -> bool:
    patterns = (compile_pattern(pattern, "output", case=True) for pattern in wanted)
    return all(search_pattern(pattern, str(written)) for pattern in patterns)


def _result_detail(got: dict[str, Any], want: Any) -> str:
    error = got.get("error") or {}
    value = repr(got["value"]) if "value" in got else f"{error.get('type')}: {error.get('message')}"
    return f"{value[:150]} / {want!r:.150}"


# Answers


def judge_code(
    task: CodeTask,
    answer: str,
    reason: str = "stop",
    *,
    run: bool = False,
    thinking: str = "",
    think: bool = False,
) -> Judgement:
    """Grade an answer with a program; `run`: the administrator allows running it in the sandbox.

    `reason`: why the engine stopped ("stop", "length"); `think`: whether thinking was requested.
    """
    # Loops count only in the prose, since programs repeat lines.
    prose = FENCE.sub("", answer)
    failures = [
        failure
        for failure in find_failures("", answer, thinking, reason, think=think)
        if failure != "loop" or loops(prose)
    ]
    return replace(_judge_program(task, extract(answer), reason, run), failures=tuple(failures))


def _judge_program(task: CodeTask, program: Program | None, reason: str, run: bool) -> Judgement:
    if program is None:
        return Judgement(Verdict.FAILED, 0.0, "code_none")
    if program.tree is None:
        params = {"line": program.line or 0, "error": program.error}
        code = "code_cut" if reason == "length" else "code_syntax"
        return Judgement(Verdict.FAILED, 0.0, code, params, (CheckResult("parses", False, program.error),))
    checks = (CheckResult("parses", True), *_source_checks(task, program))
    if not run:
        return _judge_source("code_not_run", {"cause": ""}, checks)
    state, cause = sandbox.state()
    if state is not sandbox.SandboxState.READY:
        return _judge_source(f"code_sandbox_{state}", {"cause": cause}, checks)
    return _judge_run(task, program, checks)


def _judge_source(code: str, params: dict[str, Any], checks: tuple[CheckResult, ...], log: str = "") -> Judgement:
    """The judgement by the source alone; `code` says why the program was not run."""
    if lacking := next((check for check in checks if not check.passed), None):
        params = {"name": lacking.detail}
        return Judgement(Verdict.FAILED, 0.0, f"code_lacks_{lacking.check}", params, checks, log=log)
    return Judgement(Verdict.RESERVE, UNSEEN, code, params, checks, log=log)


def _source_checks(task: CodeTask, program: Program) -> list[CheckResult]:
    match task.play:
        case "calls":
            function = program.functions.get(task.function)
            fits = function is not None and _takes(function.args, len(task.calls[0].args))
            return [CheckResult("function", fits, task.function)]
        case "lines":
            hears = re.search(r"\binput\(|stdin|fileinput|open\(0", program.source)
            return [CheckResult("reads", bool(hears))]
        case _:
            return [
                CheckResult("goes_on", program.has_loop),
                CheckResult("hears", program.reads_keyboard or task.play == "window"),
            ]


def _takes(arguments: ast.arguments, count: int) -> bool:
    """Whether a function can be called with `count` positional arguments."""
    places = len(arguments.posonlyargs) + len(arguments.args)
    needed = places - len(arguments.defaults)
    return needed <= count and (count <= places or arguments.vararg is not None)


def _judge_run(task: CodeTask, program: Program, checks: tuple[CheckResult, ...]) -> Judgement:
    """Run the program in the sandbox and judge what it did."""
    kind = task.play if task.play in ("calls", "lines") else "shown" if program.needs else "terminal"
    job = {
        "kind": kind,
        "needs": program.needs,
        "source": program.source,
        "keys": program.keys,
        "clicks": task.play == "window",
        "function": task.function,
        "calls": [call.args for call in task.calls],
        "inputs": [run.input for run in task.runs],
    }
    outcome = sandbox.run(job, seconds=task.seconds)
    report, log = outcome.report, outcome.log
    if report is None:
        code = {sandbox.Ended.TIME: "code_hung", sandbox.Ended.MEMORY: "code_memory"}.get(outcome.ended, "code_killed")
        return Judgement(Verdict.FAILED, 0.0, code, {}, checks, log=log)
    try:
        if report["ended"] == "lacking":
            name, how = INSTALLED_BY[report["lacks"]]
            return _judge_source("code_not_installed", {"name": name, "how": how}, checks, log)
        seen = results(task, report) if kind in ("calls", "lines") else verdict_of_run(task, report)
        if task.play == "game" and seen.verdict is Verdict.PASSED:
            alone = sandbox.run({**job, "keys": []}, seconds=task.seconds)
            if alone.report is not None:
                before, seen = seen, compare_without_keys(seen, report, alone.report)
                log = log if seen is before else alone.log
    except (AttributeError, KeyError, TypeError, ValueError):
        # The program can tamper with the report: a malformed one counts as none.
        return Judgement(Verdict.FAILED, 0.0, "code_killed", {}, checks, log=log)
    return replace(seen, checks=(*checks, *seen.checks), log=log)
