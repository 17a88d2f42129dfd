"""Judges an answer to a task by the task's checks and by the failures of small models."""

from app.bench.answers.failures import FATAL, failures
from app.bench.answers.judgement import Judgement
from app.bench.tasks.reading import Task
from app.models.lab import Verdict

# Below this share of the checks, an answer is of no use.
USEFUL = 0.5
# An answer that was cut is worth less than a whole one with the same checks passed.
CUT = 0.5
# The end of a text that goes round says nothing new.
BEGINNING = 500


def judge(task: Task, answer: str, thinking: str = "", reason: str = "stop", *, think: bool = False) -> Judgement:
    """The share of the checks passed; nothing for a failed essential check or a fatal failure.

    `reason`: why the engine stopped (stop, length); `think`: whether thinking was asked for.
    """
    seen = failures(task.question, answer, thinking, reason, language=task.language, think=think)
    judged = answer[:BEGINNING] if "loop" in seen else answer
    checks = tuple(check.result(judged, task.question) for check in task.checks)
    params = {"passed": sum(result.passed is True for result in checks), "total": len(checks)}
    fatal = next((failure for failure in FATAL if failure in seen), "")
    if not answer.strip() and not fatal:
        fatal = "answer_empty"
    if fatal:
        return Judgement(Verdict.FAILED, 0.0, fatal, {}, checks, seen)
    for check, result in zip(task.checks, checks, strict=True):
        if check.essential and result.passed is False:
            return Judgement(Verdict.FAILED, 0.0, "essential_failed", {"check": check.kind}, checks, seen)
    score = params["passed"] / params["total"]
    if undecided := next((result for result in checks if result.passed is None), None):
        return Judgement(Verdict.RESERVE, score, "check_undecided", {"check": undecided.check}, checks, seen)
    if "cut" in seen:
        verdict = Verdict.RESERVE if score >= USEFUL else Verdict.FAILED
        return Judgement(verdict, score * CUT, "cut", params, checks, seen)
    verdict, code = Verdict.FAILED, "checks_failed"
    if score >= USEFUL:
        verdict, code = (Verdict.PASSED, "checks_passed") if score == 1 else (Verdict.RESERVE, "checks_partly")
    return Judgement(verdict, score, code, params, checks, seen)
