"""`Lab`, the entry point of pages and commands: launch, cancel, resume and delete benchmark runs, read progress."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.instance import ProcessLock
from app.lab import labels
from app.lab.measuring import machine, meters
from app.lab.measuring.plan import read_plan
from app.lab.runs import planning, queries
from app.lab.runs.archive import load_historical
from app.lab.runs.repository import RunProgress, RunRepository
from app.lab.runs.runner import RetryPolicy, Runner
from app.lab.task_files import LIBRARY, Tasks, load_tasks
from app.models.lab import ACTIVE, LabMachine, LabRun, LabState

OWN_TASKS = "tasks"
LOCK = "labo.lock"
# Seconds between two looks for runs that another process has queued.
POLL_S = 2.0
# Seconds that `stop` waits for the thread to drop the current sample.
STOP_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabSettings:
    """The server's settings that concern the Labo.

    `system`: the system message of every question; `run_code`: programs in answers may be run in the sandbox;
    `watts`: the machine's power at rest and at full load, each None when not configured.
    """

    system: str
    run_code: bool
    watts: tuple[float | None, float | None]


class Lab:
    """The benchmark runs of one instance folder, executed one after another in a background thread.

    `context` opens what a thread needs to use the database (an application context).
    """

    def __init__(
        self,
        registry: ModelRegistry,
        background: BackgroundSlot,
        settings: LabSettings,
        *,
        folder: Path,
        context: Callable[[], AbstractContextManager[Any]],
        lock: ProcessLock | None = None,
    ) -> None:
        self._registry = registry
        self._background = background
        self._settings = settings
        self._context = context
        self._folder = folder
        self._lock = lock or ProcessLock(folder / LOCK)
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._current: tuple[int, RunProgress] | None = None
        self._repository = RunRepository(context)
        self.task_folder = folder / OWN_TASKS
        self.retry_policy = RetryPolicy()

    def with_engine(self, registry: ModelRegistry, background: BackgroundSlot) -> "Lab":
        """A `Lab` for the same folder and lock that measures with another engine."""
        return Lab(registry, background, self._settings, folder=self._folder, context=self._context, lock=self._lock)

    def start(self) -> None:
        """Start the thread that executes queued runs, unless it runs already."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="labo", daemon=True)
                self._thread.start()

    def claim(self) -> bool:
        """Try to become the process that executes the runs; False while another process is."""
        return self._lock.take()

    def stop(self) -> None:
        """Stop the thread. The current sample is dropped and measured again when the run continues."""
        self._ending.set()
        self._wake.set()
        self._background.cancel()
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._lock.release()

    def tasks(self) -> Tasks:
        """Read all tasks: those shipped with the program and those added on this server."""
        return load_tasks([*LIBRARY, self.task_folder])

    def launch(self, plan: dict[str, Any], user_id: int | None = None, title: str = "") -> LabRun:
        """Queue a run with all its samples and return it; it starts once the runs before it have ended.

        `user_id` None: launched from the command line. Raises what `read_plan` and `planning.resolve_plan` raise.
        """
        resolved, models, specs = planning.resolve_plan(read_plan(plan), self._registry, self.tasks())
        engine = self._registry.engine
        with self._context():
            run = LabRun(
                machine_id=self._machine().id,
                user_id=user_id,
                title=title.strip()[:200],
                engine={"name": engine.name, "label": engine.label, "version": engine.version()},
                models={model.name: planning.model_facts(model) for model in models},
            )
            made = self._repository.create(run, resolved, specs)
        logger.info("run queued run=%s samples=%d", made.id, len(specs))
        self._wake.set()
        self.start()
        return made

    def cancel(self, run_id: int) -> None:
        """Cancel a queued or running run; its finished samples are kept. Raises not_found, lab_run_ended."""
        if not self._repository.move(run_id, LabState.CANCELLED, since=ACTIVE):
            raise AppError("not_found" if self._repository.state(run_id) is None else "lab_run_ended")
        if self._current and self._current[0] == run_id:
            self._background.cancel()

    def resume(self, run_id: int) -> None:
        """Queue a cancelled or failed run again for its waiting samples.

        Raises not_found, lab_run_active, and lab_run_ended when no sample waits.
        """
        state = self._repository.state(run_id)
        if state is None:
            raise AppError("not_found")
        if state in ACTIVE:
            raise AppError("lab_run_active")
        waits = self._repository.next_sample(run_id, self.retry_policy.cuts) is not None
        if not (waits and self._repository.move(run_id, LabState.QUEUED, since=(state,))):
            raise AppError("lab_run_ended")
        self._wake.set()
        self.start()

    def delete(self, run_id: int) -> None:
        """Delete a run that is over, with its samples, and update the models' labels.

        Raises not_found, lab_run_active, lab_run_by_hand.
        """
        with self._context():
            queries.delete_run(run_id)
        logger.info("run deleted run=%s", run_id)
        self.publish()

    def publish(self) -> None:
        """Rewrite the labels that the chat shows beside each model; to be called after samples or verdicts changed."""
        with self._context():
            labels.publish(self._machine().id, self.tasks().categories)

    def progress(self, run_id: int) -> RunProgress:
        """The progress of a run. Raises not_found."""
        state = self._repository.state(run_id)
        current = self._current
        if state is None:
            raise AppError("not_found")
        if current and current[0] == run_id and state == LabState.RUNNING:
            return current[1]
        done, total, remaining = self._repository.count_progress(run_id)
        if state == LabState.QUEUED:
            return RunProgress(state, done, total, remaining, paused="queued")
        sample = self._repository.next_sample(run_id, self.retry_policy.cuts) if state == LabState.RUNNING else None
        if sample is None:
            return RunProgress(state, done, total)
        # Another process executes it: what it does now can only be guessed from the repository.
        return RunProgress(state, done, total, remaining, sample.model, sample.kind, sample.prompt)

    def _machine(self) -> LabMachine:
        """The row of the machine that this engine runs on; needs an open context."""
        return machine.this_machine(self._registry.engine, self._power())

    def _power(self) -> meters.Power:
        return meters.find_energy_source(*self._settings.watts)

    def _work(self) -> None:
        """Execute queued runs until the program shuts down, whenever this process holds the lock."""
        historical_known = False
        while not self._ending.is_set():
            try:
                if self._lock.take():
                    if not historical_known:
                        with self._context():
                            load_historical()
                        historical_known = True
                    while not self._ending.is_set() and (run_id := self._repository.next_run()) is not None:
                        self._execute(run_id)
            except (OSError, SQLAlchemyError):
                logger.warning("nothing measured for now", exc_info=True)
            self._wake.wait(POLL_S)
            self._wake.clear()

    def _execute(self, run_id: int) -> None:
        def report(progress: RunProgress) -> None:
            self._current = (run_id, progress)

        try:
            runner = Runner(
                run_id,
                self._registry,
                self._background,
                self._repository,
                tasks=self.tasks(),
                power=self._power(),
                system=self._settings.system,
                run_code=self._settings.run_code,
                retry_policy=self.retry_policy,
                publish=self.publish,
                ending=self._ending,
                report=report,
            )
            runner.execute()
        except OperationalError:
            # A full disk or a busy database: the run goes on later.
            raise
        except Exception as error:
            # The thread has no caller that could report the error.
            logger.exception("run failed run=%s", run_id)
            failure = AppError("internal_error", cause=repr(error))
            self._repository.move(run_id, LabState.FAILED, since=ACTIVE, error=failure)
        finally:
            self._current = None


def current_lab() -> Lab:
    """The `Lab` of the current application."""
    found: Lab = current_app.extensions["lab"]
    return found
