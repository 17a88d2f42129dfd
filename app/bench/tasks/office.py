"""Judges an answer to a task by the task's checks and by the failures of small models."""

from app.bench.answers.failures import FATAL, failures
from app.bench.answers.judgement import Judgement
from app.bench.tasks.reading import Task
from app.models.lab import Verdict

# Below this share of the checks, an answer is of no use.
USEFUL = 0.5
# An answer that was cut is worth less than a whole one with the same checks passed.
CUT = 0.5
# A text that goes round is what expressions take longest for, and its end says nothing new.
BEGINNING = 500


def judge(task: Task, answer: str, thinking: str = "", reason: str = "stop", *, think: bool = False) -> Judgement:
    """The share of the checks passed; nothing for a failed essential check or a fatal failure.

    `reason`: why the engine stopped (stop, length); `think`: whether thinking was asked for.
    """
    seen = failures(task.question, answer, thinking, reason, language=task.language, think=think)
    judged = answer[:BEGINNING] if "loop" in seen else answer
    checks = tuple(check.result(judged, task.question) for check in task.checks)
    params = {"passed": sum(result.passed for result in checks), "total": len(checks)}
    fatal = next((failure for failure in FATAL if failure in seen), "")
    if not answer.strip() and not fatal:
        fatal = "answer_empty"
    if fatal:
        return Judgement(Verdict.FAILED, 0.0, fatal, {}, checks, seen)
    for check, result in zip(task.checks, checks, strict=True):
        if check.essential and not result.passed:
            return Judgement(Verdict.FAILED, 0.0, "essential_failed", {"check": check.kind}, checks, seen)
    score = params["passed"] / params["total"]
    if "cut" in seen:
        verdict = Verdict.RESERVE if score >= USEFUL else Verdict.FAILED
        return Judgement(verdict, score * CUT, "cut", params, checks, seen)
    if score == 1:
        return Judgement(Verdict.PASSED, 1.0, "checks_passed", params, checks, seen)
    if score >= USEFUL:
        return Judgement(Verdict.RESERVE, score, "checks_partly", params, checks, seen)
    return Judgement(Verdict.FAILED, score, "checks_failed", params, checks, seen)
