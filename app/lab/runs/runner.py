"""Execute one run: measure its samples while no user needs the engine, store each at once, retry after failures."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from app.engines.base import Cancel
from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.lab.grading.checks import Judgement
from app.lab.measuring.meters import Power
from app.lab.measuring.plan import SampleSpec
from app.lab.measuring.sampler import Question, Sampler, SampleResult
from app.lab.runs.judge import Judge
from app.lab.runs.progress import RunProgress, count_progress
from app.lab.runs.repository import PendingSample, RunRepository
from app.lab.task_files import Tasks
from app.models.base import utcnow
from app.models.lab import LabState, SampleKind

# Seconds before each retry of a database write; the last one repeats.
PAUSES_S = (0.2, 1.0, 3.0, 10.0)

T = TypeVar("T")

logger = logging.getLogger(__name__)
# Seconds between two checks whether an unreachable engine is back.
LOOK_S = 0.5
# Errors after which the engine may be unreachable.
AWAY = ("engine_unreachable", "engine_cut", "engine_busy")
# The verdict on a program whose time ran out.
HUNG = "code_hung"


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
        if ending.wait(PAUSES_S[min(tries, len(PAUSES_S) - 1)]):
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


@dataclass(frozen=True, slots=True)
class RunDependencies:
    """What a `Runner` works with.

    `system`: the system message of the questions; `run_code`: programs may be run in the sandbox; `publish`: rewrites
    the models' labels from what was measured.
    """

    registry: ModelRegistry
    background: BackgroundSlot
    rows: RunRepository
    tasks: Tasks
    power: Power
    system: str
    run_code: bool
    patience: RetryPolicy
    publish: Callable[[], None]


class Runner:
    """Executes the run `run_id`. `ending` is set when the program shuts down; `tell` receives each new progress."""

    def __init__(
        self, run_id: int, means: RunDependencies, ending: threading.Event, tell: Callable[[RunProgress], None]
    ) -> None:
        self._id = run_id
        self._means = means
        self._rows = means.rows
        self._ending = ending
        self._tell = tell
        self._progress = RunProgress(LabState.RUNNING)
        self._judge = Judge(means.tasks, means.run_code)
        self._busy = False
        self._quiet_s = means.patience.quiet_s

    def carry(self) -> None:
        """Measure until no sample waits, the run is cancelled or fails, or the program shuts down.

        The samples that are left stay waiting in the database.
        """
        try:
            plan = retry_on_database_error(lambda: self._rows.begin(self._id), self._ending, self._full)
            if plan is None:
                logger.info("run cancelled before it began run=%s", self._id)
                return
            self._count()
            self._describe()
            sampler = Sampler(self._means.registry.engine, self._means.power, self._means.system, plan.seed)
            self._judge = Judge(self._means.tasks, self._means.run_code, plan.max_tokens)
            while not self._ending.is_set() and self._state() == LabState.RUNNING:
                if (sample := self._next()) is None:
                    # Before the state changes: a command that follows the run exits at that.
                    self._publish()
                    self._move(LabState.DONE)
                    break
                if self._means.power.idle_w is None:
                    self._describe()
                self._sample(sample, sampler)
            else:
                self._publish()
            self._back_to_the_default()
        except ShuttingDownError:
            logger.warning("run not finished: the program ends run=%s", self._id)

    def _describe(self) -> None:
        """Measure the machine's power at rest, if users leave the time for it, and store the machine's description."""
        self._aside("", lambda cancel: self._means.power.calibrate(cancel.wait), self._wanted)
        try:
            self._keep(lambda: self._rows.describe(self._id, self._means.registry.engine, self._means.power))
        except AppError as error:
            logger.warning("engine not described code=%s cause=%s", error.code, error.cause)

    def _sample(self, sample: PendingSample, sampler: Sampler) -> None:
        cell = sample.cell
        self._told(model=cell.model, kind=str(cell.kind), prompt=cell.prompt)
        begun = utcnow()
        taken = self._taken(cell, sampler)
        if taken is None or (taken.cut and (self._ending.is_set() or self._state() != LabState.RUNNING)):
            # The sample stays waiting and is measured again if the run continues.
            return
        judged = None
        again = False
        if taken.cut:
            again = sample.attempt < self._means.patience.cuts + self._means.patience.late_cuts
            taken.disturbed = True
            taken.error = AppError("disturbed" if again else "disturbed_too_often")
        elif taken.error is None:
            again = self._worth_another_try(sample, taken)
            judged = self._judged(cell, taken)
        self._keep(lambda: self._rows.store(sample.id, taken, begun, judged=judged, again=again))
        self._count()
        logger.info("sample %s run=%s model=%s kind=%s", taken.error or "done", self._id, cell.model, cell.kind)
        if taken.cut:
            self._told(paused="people")
            self._means.background.wait_until_quiet(self._ending, self._quiet_s, self._wanted)
            # After each interruption a user waits for his model to load again: with many users, pause longer.
            self._quiet_s = min(2 * self._quiet_s, self._means.patience.quiet_most_s)
        elif taken.error is not None:
            self._mend(cell.model, taken.error)
        else:
            self._quiet_s = self._means.patience.quiet_s

    def _worth_another_try(self, sample: PendingSample, taken: SampleResult) -> bool:
        """Whether to measure a disturbed sample again; not once a whole series of attempts was disturbed."""
        if not taken.disturbed:
            self._busy = False
            return False
        last = sample.attempt >= self._means.patience.tries
        again = not last and not self._busy
        self._busy = self._busy or last
        return again

    def _judged(self, cell: SampleSpec, taken: SampleResult) -> Judgement | None:
        """Grade a task's answer, None for other kinds; an error in grading fails this sample only."""
        if cell.kind != SampleKind.TASK:
            return None
        try:
            return self._run_apart(cell, taken) if self._judge.runs(cell) else self._judge.judge(cell, taken.heard)
        except Exception as error:
            logger.exception("answer not judged run=%s task=%s", self._id, cell.prompt)
            taken.error = AppError("internal_error", cause=repr(error))
            return None

    def _run_apart(self, cell: SampleSpec, taken: SampleResult) -> Judgement:
        """Grade an answer by running its program while no user needs the engine.

        It is run again if it timed out while a user's request took the CPU.
        """
        background = self._means.background
        for _ in range(self._means.patience.tries):
            if background.engine_needed:
                self._told(paused="people")
                background.wait_until_quiet(self._ending, 0, self._wanted)
            turn = background.starts
            judged = self._judge.judge(cell, taken.heard)
            if judged.code != HUNG or background.starts == turn:
                break
        return judged

    def _taken(self, cell: SampleSpec, sampler: Sampler) -> SampleResult | None:
        """Measure one sample when no user needs the engine; None when the run ended before it could begin."""
        found: list[SampleResult] = []
        context = cell.setting.context or self._means.registry.context_of(cell.model)
        try:
            question = self._judge.question(cell, context) if cell.kind == SampleKind.TASK else Question("", 1)
        except AppError as error:
            return SampleResult(error=error)

        def take(cancel: Cancel) -> None:
            self._told(paused="")
            found.append(sampler.take(cell, question, context, self._means.background.starts, cancel))

        self._aside(cell.model, take, self._wanted)
        return found[0] if found else None

    def _aside(self, model: str, work: Callable[[Cancel], None], wanted: Callable[[], bool] = lambda: True) -> None:
        """Do `work` when no user needs the engine, unless `wanted` returns False by then."""
        if self._means.background.engine_needed:
            self._told(paused="people")
        try:
            self._means.background.run(model, work, wanted)
        except AppError as error:
            logger.info("nothing done aside code=%s", error.code)

    def _mend(self, model: str, error: AppError) -> None:
        """Recover from a failed sample: reset an engine that hangs, wait for one that is unreachable.

        Fails the run when the engine stays unreachable for too long.
        """
        engine = self._means.registry.engine
        if error.code == "engine_silent":
            try:
                engine.reset(model)
            except AppError as failure:
                logger.warning("engine not freed code=%s", failure.code)
        if error.code not in AWAY:
            return
        waited = 0.0
        self._means.registry.refresh()
        while not self._means.registry.reachable and self._state() == LabState.RUNNING:
            self._told(paused="engine")
            if waited >= self._means.patience.away_s:
                self._move(LabState.FAILED, error)
                return
            if self._ending.wait(LOOK_S):
                return
            waited += LOOK_S
            self._means.registry.refresh()

    def _back_to_the_default(self) -> None:
        """Load the default model again, so that the next user does not wait for it."""
        engine, default = self._means.registry.engine, self._means.registry.default().effective

        def load(_cancel: Cancel) -> None:
            if default and default not in engine.loaded():
                engine.warm(default)

        if not self._ending.is_set():
            self._aside(default or "", load)
            self._means.registry.wake()

    def _state(self) -> LabState | None:
        return retry_on_database_error(lambda: self._rows.state(self._id), self._ending, self._full)

    def _next(self) -> PendingSample | None:
        cuts = self._means.patience.cuts
        return retry_on_database_error(lambda: self._rows.next_sample(self._id, cuts), self._ending, self._full)

    def _wanted(self) -> bool:
        """Whether the run is still to be executed; another process may have cancelled it."""
        try:
            return self._rows.state(self._id) == LabState.RUNNING
        except OperationalError:
            return True

    def _publish(self) -> None:
        """Publish the labels. An error is only logged, since they can be written again from the samples."""
        try:
            self._keep(self._means.publish)
        except ShuttingDownError:
            raise
        except Exception:
            logger.exception("labels not published run=%s", self._id)

    def _move(self, state: LabState, error: AppError | None = None) -> None:
        self._keep(lambda: self._rows.move(self._id, state, since=(LabState.RUNNING,), error=error))
        logger.info("run %s run=%s", state, self._id)

    def _keep(self, write: Callable[[], object]) -> None:
        retry_on_database_error(write, self._ending, self._full)

    def _full(self) -> None:
        self._told(paused="storage")

    def _count(self) -> None:
        done, total, remaining = count_progress(
            retry_on_database_error(lambda: self._rows.spent(self._id), self._ending, self._full)
        )
        self._told(done=done, total=total, remaining_s=remaining, paused="")

    def _told(self, **what: object) -> None:
        self._progress = replace(self._progress, **what)  # type: ignore[arg-type]
        self._tell(self._progress)
