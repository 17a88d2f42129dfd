"""Who judges what: a coding task's program, an office task's answer."""

from dataclasses import dataclass

from app.errors import AppError
from app.lab.code_runner import verdicts
from app.lab.grading.failures import FATAL, find_failures
from app.lab.grading.judgement import Judgement
from app.lab.measuring.plan import SampleSpec
from app.lab.measuring.sampler import AnswerRecord, Question
from app.lab.task_files import Task, Tasks
from app.models.lab import Verdict

# Below this share of the checks, an answer is of no use.
USEFUL = 0.5
# An answer that was cut is worth less than a whole one with the same checks passed.
CUT = 0.5
# The end of a text that goes round says nothing new.
BEGINNING = 500
# Tokens that a model may think beside its answer, and those of a context that question and template take.
THINKING_TOKENS, ROOM_TOKENS = 2048, 512
# Of a context that is asked for: below that hardly a thought comes to its end.
LEAST_THINKING = 512


def judge_office(
    task: Task, answer: str, thinking: str = "", reason: str = "stop", *, think: bool = False
) -> Judgement:
    """The share of the checks passed; nothing for a failed essential check or a fatal failure.

    `reason`: why the engine stopped (stop, length); `think`: whether thinking was asked for.
    """
    seen = find_failures(task.question, answer, thinking, reason, language=task.language, think=think)
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


def least_context(task: Task, max_tokens: int, *, think: bool) -> int:
    """The smallest context that has room for a task's answer; in a smaller one every model fails alike."""
    answer = min(max_tokens or task.max_tokens, task.max_tokens) + (LEAST_THINKING if think else 0)
    return _taken(task) + answer


def _taken(task: Task) -> int:
    """What the question and what goes with it take of a context."""
    return ROOM_TOKENS + len(task.question.encode()) // 3


@dataclass(frozen=True, slots=True)
class Judge:
    """`run_code`: programs of models may be run, in the sandbox; `max_tokens` 0: each task's own."""

    tasks: Tasks
    run_code: bool
    max_tokens: int = 0

    def question(self, cell: SampleSpec, context: int) -> Question:
        """What a task asks, and the longest answer. Raises unknown_task for one that was removed meanwhile."""
        task = self.tasks.get(cell.prompt)
        if task is None:
            raise AppError("unknown_task", task=cell.prompt)
        wanted = (self.max_tokens or task.max_tokens) + (THINKING_TOKENS if cell.setting.think else 0)
        room = max(64, context - _taken(task)) if context else wanted
        return Question(task.question, min(wanted, room))

    def runs(self, cell: SampleSpec) -> bool:
        """Whether judging an answer takes the machine, since its program is run."""
        return self.run_code and self.tasks.tasks[cell.prompt].code is not None

    def judge(self, cell: SampleSpec, heard: AnswerRecord) -> Judgement:
        """What an answer is worth."""
        task = self.tasks.tasks[cell.prompt]
        answer, thinking = "".join(heard.answer), "".join(heard.thinking)
        think = cell.setting.think
        if task.code:
            return verdicts.judge_code(
                task.code, answer, heard.reason, run=self.run_code, thinking=thinking, think=think
            )
        return judge_office(task, answer, thinking, heard.reason, think=think)
