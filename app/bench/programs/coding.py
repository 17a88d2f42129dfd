"""Coding tasks: the verdict on a program, run in the sandbox where that is allowed, else judged by its text."""

import re
from typing import Any

from app.bench.answers.failures import failures as failures_of
from app.bench.answers.failures import loops
from app.bench.answers.judgement import CheckResult, Judgement
from app.bench.programs import sandbox
from app.bench.programs.code import FENCE, Program, extract
from app.bench.programs.code_task import CodeTask
from app.bench.programs.code_verdicts import left_alone, played, results
from app.models.lab import Verdict

# Judged by its text alone a program is a reserve: it looks right, nobody saw it run.
UNSEEN = 0.5
# What the programs of models need beside Python: its name, and how an administrator adds it.
INSTALLED_BY = {
    "pygame": ("pygame-ce", ".venv/bin/pip install -r requirements-lab.txt"),
    "tkinter": ("tkinter", "apt install python3-tk"),
    "Xvfb": ("Xvfb", "apt install xvfb"),
}


def judge(
    task: CodeTask,
    answer: str,
    reason: str = "stop",
    *,
    run: bool = False,
    thinking: str = "",
    think: bool = False,
) -> Judgement:
    """The verdict on an answer; `run` is whether the administrator allowed that programs are run."""
    program = extract(answer)
    failures = _failures(answer, thinking, reason, think)
    if program is None:
        return _failed("code_none", {}, (), failures)
    if program.tree is None:
        params = {"line": program.line or 0, "error": program.error}
        code = "code_cut" if "cut" in failures else "code_syntax"
        return _failed(code, params, (CheckResult("parses", False, program.error),), failures)
    checks = (CheckResult("parses", True), *_words(task, program))
    ready, cause = sandbox.state() if run else (None, "")
    if ready is sandbox.State.READY:
        return _seen(task, program, checks, failures)
    code = "code_not_run" if ready is None else f"code_sandbox_{ready}"
    return _read(code, {"cause": cause}, checks, failures)


def _read(
    code: str, params: dict[str, Any], checks: tuple[CheckResult, ...], failures: tuple[str, ...], log: str = ""
) -> Judgement:
    """The verdict by the text alone; `code` says why the program was not run."""
    if lacking := next((check for check in checks if not check.passed), None):
        return _failed(f"code_lacks_{lacking.check}", {"name": lacking.detail}, checks, failures, log)
    return Judgement(Verdict.RESERVE, UNSEEN, code, params, checks, failures, log)


def _failures(answer: str, thinking: str, reason: str, think: bool) -> tuple[str, ...]:
    """How small models fail; programs repeat lines, only the prose around them goes round."""
    prose = FENCE.sub("", answer)
    seen = failures_of("", answer, thinking, reason, think=think)
    return tuple(name for name in seen if name != "loop" or loops(prose))


def _failed(
    code: str, params: dict[str, Any], checks: tuple[CheckResult, ...], failures: tuple[str, ...], log: str = ""
) -> Judgement:
    return Judgement(Verdict.FAILED, 0.0, code, params, checks, failures, log)


def _words(task: CodeTask, program: Program) -> list[CheckResult]:
    """What the text of the program tells."""
    match task.play:
        case "calls":
            function = program.functions.get(task.function)
            wanted = len(task.calls[0][0])
            fits = function is not None and _takes(function.args, wanted)
            return [CheckResult("function", fits, task.function)]
        case "lines":
            hears = re.search(r"\binput\(|stdin|fileinput|open\(0", program.source)
            return [CheckResult("reads", bool(hears))]
        case _:
            return [
                CheckResult("goes_on", program.goes_round),
                CheckResult("hears", program.hears or task.play == "window"),
            ]


def _takes(arguments: Any, count: int) -> bool:
    """Whether a function can be called with so many values."""
    places = len(arguments.posonlyargs) + len(arguments.args)
    needed = places - len(arguments.defaults)
    return needed <= count and (count <= places or arguments.vararg is not None)


def _seen(task: CodeTask, program: Program, checks: tuple[CheckResult, ...], failures: tuple[str, ...]) -> Judgement:
    """The verdict on what the program did."""
    kind = task.play if task.play in ("calls", "lines") else "shown" if program.needs else "terminal"
    job = {
        "kind": kind,
        "needs": program.needs,
        "source": program.source,
        "keys": program.keys,
        "clicks": task.play == "window",
        "function": task.function,
        "calls": [list(args) for args, _ in task.calls],
        "inputs": [given for given, _ in task.runs],
    }
    outcome = sandbox.run(job, seconds=task.seconds)
    report, log = outcome.report, outcome.log
    if report is None:
        code = {sandbox.Ended.TIME: "code_hung", sandbox.Ended.MEMORY: "code_memory"}.get(outcome.ended, "code_killed")
        return _failed(code, {}, checks, failures, log)
    try:
        if report["ended"] == "lacking":
            name, how = INSTALLED_BY[report["lacks"]]
            return _read("code_not_installed", {"name": name, "how": how}, checks, failures, log)
        told = results(task, report) if kind in ("calls", "lines") else played(task, report)
        if task.play == "game" and told.verdict is Verdict.PASSED:
            alone = sandbox.run({**job, "keys": []}, seconds=task.seconds)
            if alone.report is not None:
                before, told = told, left_alone(told, report, alone.report)
                log = log if told is before else alone.log
    except (KeyError, TypeError, ValueError):
        # The report lies within the program's reach: what is no report counts as none.
        return _failed("code_killed", {}, checks, failures, log)
    return Judgement(told.verdict, told.score, told.code, told.params, (*checks, *told.checks), failures, log)
