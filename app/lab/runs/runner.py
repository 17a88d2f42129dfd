"""Execute one run: measure its samples while no user needs the engine, grade and store each, retry after failures."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from app.engines.base import Cancel
from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.lab.code_runner import programs
from app.lab.grading.checks import Judgement
from app.lab.grading.text import FATAL, find_failures
from app.lab.measuring.meters import Power
from app.lab.measuring.plan import SampleSpec
from app.lab.measuring.sampler import Question, Sampler, SampleResult
from app.lab.runs.planning import prompt_tokens
from app.lab.runs.repository import RunProgress, RunRepository, spec_of
from app.lab.task_files import Task, Tasks
from app.models.base import utcnow
from app.models.lab import LabSample, LabState, SampleKind, Verdict

# Seconds before each retry of a database write; the last one repeats.
DATABASE_RETRY_S = (0.2, 1.0, 3.0, 10.0)
# Seconds between two checks whether an unreachable engine is back.
ENGINE_POLL_S = 0.5
# Errors after which the engine may be unreachable.
UNREACHABLE_CODES = ("engine_unreachable", "engine_cut", "engine_busy")
# The verdict on a program whose time ran out.
HUNG_CODE = "code_hung"
# An answer that passes a smaller share of the checks fails.
MIN_PASSED_SHARE = 0.5
# The score of an answer cut at the token limit is multiplied by this.
CUT_FACTOR = 0.5
# Characters that are checked of an answer that loops.
LOOP_CHECKED_CHARACTERS = 500
# Tokens added to the answer's limit for thinking, and the shortest limit.
THINKING_TOKENS, MIN_ANSWER_TOKENS = 2048, 64

T = TypeVar("T")

logger = logging.getLogger(__name__)


class ShuttingDownError(Exception):
    """The program shuts down before a database write succeeded."""


def retry_on_database_error(write: Callable[[], T], ending: threading.Event, refused: Callable[[], None]) -> T:
    """Call `write` until the database accepts it and return its result; `refused` is called after each failure.

    Raises ShuttingDownError when `ending` is set meanwhile.
    """
    tries = 0
    while True:
        try:
            return write()
        except OperationalError as error:
            refused()
            logger.warning("not stored, trying again cause=%s", error.orig)
        if ending.wait(DATABASE_RETRY_S[min(tries, len(DATABASE_RETRY_S) - 1)]):
            raise ShuttingDownError
        tries += 1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a run retries; times in seconds.

    `cuts`: attempts of a sample that users interrupt before it moves behind the others; `late_cuts`: attempts after
    that. `tries`: attempts of a sample while other programs disturb the machine. `quiet_s`: time without any user
    request that is awaited after an interruption; it doubles with each further one up to `quiet_most_s`. `away_s`: how
    long an unreachable engine is awaited before the run fails.
    """

    cuts: int = 8
    late_cuts: int = 30
    tries: int = 3
    quiet_s: float = 5.0
    quiet_most_s: float = 600.0
    away_s: float = 120.0


@dataclass
class Runner:
    """Executes the run `run_id`.

    `system`: the system message of the questions; `run_code`: programs may be run in the sandbox; `publish`: rewrites
    the models' labels from what was measured; `ending` is set when the program shuts down; `report` receives each new
    progress.
    """

    run_id: int
    registry: ModelRegistry
    background: BackgroundSlot
    repository: RunRepository
    tasks: Tasks
    power: Power
    system: str
    run_code: bool
    retry_policy: RetryPolicy
    publish: Callable[[], None]
    ending: threading.Event
    report: Callable[[RunProgress], None]
    _progress: RunProgress = field(default=RunProgress(LabState.RUNNING), init=False)
    # The longest answer in tokens, 0: each task's own.
    _max_tokens: int = field(default=0, init=False)
    # Whether the machine was busy during all attempts of the last sample.
    _was_disturbed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._quiet_s = self.retry_policy.quiet_s

    def execute(self) -> None:
        """Measure until no sample waits, the run is cancelled or fails, or the program shuts down.

        The samples that are left stay waiting in the database.
        """
        try:
            plan = self._retry(lambda: self.repository.begin(self.run_id))
            if plan is None:
                logger.info("run cancelled before it began run=%s", self.run_id)
                return
            self._report_counts()
            self._describe()
            sampler = Sampler(self.registry.engine, self.power, self.system, plan.seed)
            self._max_tokens = plan.max_tokens
            with self.registry.without_preloading():
                self._take_samples(sampler)
            self._load_default_model()
        except ShuttingDownError:
            logger.warning("run not finished: the program ends run=%s", self.run_id)

    def _take_samples(self, sampler: Sampler) -> None:
        while not self.ending.is_set() and self._state() == LabState.RUNNING:
            sample = self._retry(lambda: self.repository.next_sample(self.run_id, self.retry_policy.cuts))
            if sample is None:
                # Before the state changes: a command that follows the run exits at that.
                self._publish()
                self._move(LabState.DONE)
                break
            if self.power.idle_w is None:
                self._describe()
            self._measure(sample, sampler)
        else:
            self._publish()

    def _describe(self) -> None:
        """Measure the machine's power at rest, if users leave the time for it, and store the machine's description."""
        self._in_background("", lambda cancel: self.power.calibrate(cancel.wait), self._wanted)
        try:
            self._retry(lambda: self.repository.describe(self.run_id, self.registry.engine, self.power))
        except AppError as error:
            logger.warning("engine not described code=%s cause=%s", error.code, error.cause)

    def _measure(self, sample: LabSample, sampler: Sampler) -> None:
        """Take one sample, grade and store it; then wait where people or the engine need it."""
        spec = spec_of(sample)
        self._report(model=spec.model, kind=str(spec.kind), prompt=spec.prompt)
        begun = utcnow()
        result = self._take(spec, sampler)
        if result is None or (result.cut and (self.ending.is_set() or self._state() != LabState.RUNNING)):
            # The sample stays waiting and is measured again if the run continues.
            return
        judgement = None
        again = False
        if result.cut:
            again = sample.attempt < self.retry_policy.cuts + self.retry_policy.late_cuts
            result.disturbed = True
            result.error = AppError("disturbed" if again else "disturbed_too_often")
        elif result.error is None:
            again = self._worth_another_try(sample, result)
            judgement = self._grade(spec, result)
        self._retry(lambda: self.repository.store(sample.id, result, begun, judgement=judgement, again=again))
        self._report_counts()
        logger.info("sample %s run=%s model=%s kind=%s", result.error or "done", self.run_id, spec.model, spec.kind)
        if result.cut:
            self._wait_for_people(self._quiet_s)
            # After each interruption a user waits for his model to load again: with many users, pause longer.
            self._quiet_s = min(2 * self._quiet_s, self.retry_policy.quiet_most_s)
        elif result.error is not None:
            self._recover(spec.model, result.error)
        else:
            self._quiet_s = self.retry_policy.quiet_s

    def _worth_another_try(self, sample: LabSample, result: SampleResult) -> bool:
        """Whether to measure a disturbed sample again; not once a whole series of attempts was disturbed."""
        if not result.disturbed:
            self._was_disturbed = False
            return False
        last = sample.attempt >= self.retry_policy.tries
        again = not last and not self._was_disturbed
        self._was_disturbed = self._was_disturbed or last
        return again

    def _grade(self, spec: SampleSpec, result: SampleResult) -> Judgement | None:
        """Grade a task's answer, None for other kinds; an error in grading fails this sample only."""
        if spec.kind != SampleKind.TASK:
            return None
        try:
            task, record, think = self.tasks.tasks[spec.prompt], result.record, spec.setting.think
            answer, thinking = "".join(record.answer), "".join(record.thinking)
            if task.code is None:
                return judge_office(task, answer, thinking, record.reason, think=think)
            judge = partial(programs.judge_code, task.code, answer, record.reason, thinking=thinking, think=think)
            return self._grade_program(judge) if self.run_code else judge()
        except Exception as error:
            logger.exception("answer not judged run=%s task=%s", self.run_id, spec.prompt)
            result.error = AppError("internal_error", cause=repr(error))
            return None

    def _grade_program(self, judge: Callable[..., Judgement]) -> Judgement:
        """Grade an answer by running its program while no user needs the engine.

        It is run again if it timed out while a user's request took the CPU.
        """
        for _ in range(self.retry_policy.tries):
            if self.background.engine_needed:
                self._wait_for_people(0)
            turn = self.background.starts
            judgement = judge(run=True)
            if judgement.code != HUNG_CODE or self.background.starts == turn:
                break
        return judgement

    def _take(self, spec: SampleSpec, sampler: Sampler) -> SampleResult | None:
        """Measure one sample when no user needs the engine; None when the run ended before it could begin."""
        found: list[SampleResult] = []
        context = spec.setting.context or self.registry.context_of(spec.model)
        try:
            question = self._question(spec, context)
        except AppError as error:
            return SampleResult(error=error)

        def take(cancel: Cancel) -> None:
            self._report(paused="")
            found.append(sampler.take(spec, question, context, self.background.starts, cancel))

        self._in_background(spec.model, take, self._wanted)
        return found[0] if found else None

    def _question(self, spec: SampleSpec, context: int) -> Question:
        """The question of a task, with the longest answer that fits into `context` tokens (0: unknown).

        Raises unknown_task for a task that was removed meanwhile.
        """
        if spec.kind != SampleKind.TASK:
            return Question("", 1)
        task = self.tasks.get(spec.prompt)
        if task is None:
            raise AppError("unknown_task", task=spec.prompt)
        wanted = (self._max_tokens or task.max_tokens) + (THINKING_TOKENS if spec.setting.think else 0)
        room = max(MIN_ANSWER_TOKENS, context - prompt_tokens(task)) if context else wanted
        *earlier, question = task.turns
        return Question(question, min(wanted, room), earlier=tuple(earlier), images=task.images)

    def _in_background(self, model: str, work: Callable[[Cancel], None], wanted: Callable[[], bool]) -> None:
        """Do `work` when no user needs the engine, unless `wanted` returns False by then."""
        if self.background.engine_needed:
            self._report(paused="people")
        try:
            self.background.run(model, work, wanted)
        except AppError as error:
            logger.info("nothing done in the background code=%s", error.code)

    def _wait_for_people(self, quiet_s: float) -> None:
        """Wait until no user has asked anything for `quiet_s` seconds."""
        self._report(paused="people")
        self.background.wait_until_quiet(self.ending, quiet_s, self._wanted)

    def _recover(self, model: str, error: AppError) -> None:
        """Recover from a failed sample: reset an engine that hangs, wait for one that is unreachable.

        Fails the run when the engine stays unreachable for too long.
        """
        if error.code == "engine_silent":
            try:
                self.registry.engine.reset(model)
            except AppError as failure:
                logger.warning("engine not freed code=%s", failure.code)
        if error.code not in UNREACHABLE_CODES:
            return
        waited = 0.0
        self.registry.refresh()
        while not self.registry.reachable and self._state() == LabState.RUNNING:
            self._report(paused="engine")
            if waited >= self.retry_policy.away_s:
                self._move(LabState.FAILED, error)
                return
            if self.ending.wait(ENGINE_POLL_S):
                return
            waited += ENGINE_POLL_S
            self.registry.refresh()

    def _load_default_model(self) -> None:
        """Load the default model again, so that the next user does not wait for it."""
        engine, default = self.registry.engine, self.registry.default().effective

        def load(_cancel: Cancel) -> None:
            if default and default not in engine.loaded():
                engine.warm(default)

        if not self.ending.is_set():
            self._in_background(default or "", load, lambda: True)
            self.registry.wake()

    def _wanted(self) -> bool:
        """Whether the run is still to be executed; another process may have cancelled it."""
        try:
            return self.repository.state(self.run_id) == LabState.RUNNING
        except OperationalError:
            return True

    def _publish(self) -> None:
        """Publish the labels. An error is only logged, since they can be written again from the samples."""
        try:
            self._retry(self.publish)
        except ShuttingDownError:
            raise
        except Exception:
            logger.exception("labels not published run=%s", self.run_id)

    def _state(self) -> LabState | None:
        return self._retry(lambda: self.repository.state(self.run_id))

    def _move(self, state: LabState, error: AppError | None = None) -> None:
        self._retry(lambda: self.repository.move(self.run_id, state, since=(LabState.RUNNING,), error=error))
        logger.info("run %s run=%s", state, self.run_id)

    def _report_counts(self) -> None:
        done, total, remaining = self._retry(lambda: self.repository.count_progress(self.run_id))
        self._report(done=done, total=total, remaining_s=remaining, paused="")

    def _report(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        self.report(self._progress)

    def _retry(self, call: Callable[[], T]) -> T:
        """Call the database until it succeeds. Raises ShuttingDownError."""
        return retry_on_database_error(call, self.ending, lambda: self._report(paused="storage"))


# Grading by text


def judge_office(
    task: Task, answer: str, thinking: str = "", reason: str = "stop", *, think: bool = False
) -> Judgement:
    """Grade an office task's answer: the share of its checks that pass, 0 for a failed essential check or a fatal
    failure.

    `reason`: why the engine stopped ("stop", "length"); `think`: whether thinking was requested.
    """
    seen = find_failures(task.turns[-1], answer, thinking, reason, language=task.language, think=think)
    judged = answer[:LOOP_CHECKED_CHARACTERS] if "loop" in seen else answer
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
        verdict = Verdict.RESERVE if score >= MIN_PASSED_SHARE else Verdict.FAILED
        return Judgement(verdict, score * CUT_FACTOR, "cut", params, checks, seen)
    verdict, code = Verdict.FAILED, "checks_failed"
    if score >= MIN_PASSED_SHARE:
        verdict, code = (Verdict.PASSED, "checks_passed") if score == 1 else (Verdict.RESERVE, "checks_partly")
    return Judgement(verdict, score, code, params, checks, seen)
