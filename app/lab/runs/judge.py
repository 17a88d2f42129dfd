"""Grade an answer: by the code runner for coding tasks, by the text checks for office tasks; build its question."""

from dataclasses import dataclass

from app.errors import AppError
from app.lab.code_runner import verdicts
from app.lab.grading.checks import Judgement
from app.lab.grading.failures import FATAL, find_failures
from app.lab.measuring.plan import SampleSpec
from app.lab.measuring.sampler import AnswerRecord, Question
from app.lab.task_files import Task, Tasks
from app.models.lab import Verdict

# An answer that passes a smaller share of the checks fails.
USEFUL = 0.5
# The score of an answer cut at the token limit is multiplied by this.
CUT = 0.5
# Characters that are checked of an answer that loops.
BEGINNING = 500
# Tokens added to the answer's limit for thinking, and tokens of the context reserved for template and instructions.
THINKING_TOKENS, ROOM_TOKENS = 2048, 512
# Tokens for thinking that a requested context must have room for.
LEAST_THINKING = 512


def judge_office(
    task: Task, answer: str, thinking: str = "", reason: str = "stop", *, think: bool = False
) -> Judgement:
    """Grade an office task's answer: the share of its checks that pass, 0 for a failed essential check or a fatal
    failure.

    `reason`: why the engine stopped ("stop", "length"); `think`: whether thinking was requested.
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
    """The smallest context, in tokens, with room for a task's question and answer; `max_tokens` 0: the task's own."""
    answer = min(max_tokens or task.max_tokens, task.max_tokens) + (LEAST_THINKING if think else 0)
    return _prompt_tokens(task) + answer


def _prompt_tokens(task: Task) -> int:
    """Tokens of a context that the question, the system message and the template take, about."""
    return ROOM_TOKENS + len(task.question.encode()) // 3


@dataclass(frozen=True, slots=True)
class Judge:
    """Builds the questions of a run's tasks and grades the answers.

    `run_code`: programs in answers may be run in the sandbox; `max_tokens`: the longest answer, 0: each task's own.
    """

    tasks: Tasks
    run_code: bool
    max_tokens: int = 0

    def question(self, spec: SampleSpec, context: int) -> Question:
        """The question of a task, with the longest answer that fits into `context` tokens (0: unknown).

        Raises unknown_task for a task that was removed meanwhile.
        """
        task = self.tasks.get(spec.prompt)
        if task is None:
            raise AppError("unknown_task", task=spec.prompt)
        wanted = (self.max_tokens or task.max_tokens) + (THINKING_TOKENS if spec.setting.think else 0)
        room = max(64, context - _prompt_tokens(task)) if context else wanted
        return Question(task.question, min(wanted, room))

    def runs(self, spec: SampleSpec) -> bool:
        """Whether grading this sample runs a program, which needs the CPU."""
        return self.run_code and self.tasks.tasks[spec.prompt].code is not None

    def judge(self, spec: SampleSpec, record: AnswerRecord) -> Judgement:
        """Grade the answer to a task."""
        task = self.tasks.tasks[spec.prompt]
        answer, thinking = "".join(record.answer), "".join(record.thinking)
        think = spec.setting.think
        if task.code:
            return verdicts.judge_code(
                task.code, answer, record.reason, run=self.run_code, thinking=thinking, think=think
            )
        return judge_office(task, answer, thinking, record.reason, think=think)
