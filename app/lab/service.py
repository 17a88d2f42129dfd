"""The one object that pages and commands talk to about measuring: launch, cancel, resume, and how far a run is."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.lab.runs.lock import LabLock
from app.lab.runs.runner import RetryPolicy
from app.models.lab import LabRun, LabState

if TYPE_CHECKING:
    from app.lab.measuring.energy import Power
    from app.lab.runs.progress import RunProgress
    from app.lab.runs.repository import RunRepository
    from app.lab.task_files import Tasks

OWN_TASKS = "tasks"
# How often it is looked for runs that a command stored.
LOOK_S = 2.0
# How long the end of the program waits for the sample in hand to be let go of.
FAREWELL_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabSettings:
    """What the server's settings say of measuring. `watts`: of the machine at rest and at full work, None: unknown."""

    system: str
    run_code: bool
    watts: tuple[float | None, float | None]


class Lab:
    """The measuring runs of this instance folder. What measuring needs is imported when there is something to measure:
    the pages' memory is counted."""

    def __init__(
        self,
        registry: ModelRegistry,
        background: BackgroundSlot,
        terms: LabSettings,
        *,
        folder: Path,
        context: Callable[[], AbstractContextManager[Any]],
        lock: LabLock | None = None,
    ) -> None:
        self._registry = registry
        self._background = background
        self._terms = terms
        self._context = context
        self._folder = folder
        self._lock = lock or LabLock(folder)
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._current: tuple[int, RunProgress] | None = None
        self.task_folder = folder / OWN_TASKS
        self.patience = RetryPolicy()

    def on(self, registry: ModelRegistry, background: BackgroundSlot) -> "Lab":
        """The same runs, carried with another engine."""
        return Lab(registry, background, self._terms, folder=self._folder, context=self._context, lock=self._lock)

    def start(self) -> None:
        """Carry what waits, now and from now on, in a thread."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="labo", daemon=True)
                self._thread.start()

    def claim(self) -> bool:
        """Whether this process carries the runs from now on; False while another one does."""
        return self._lock.take()

    def stop(self) -> None:
        """Let go of the sample in hand; it is taken again when the run goes on."""
        self._ending.set()
        self._wake.set()
        self._background.cancel()
        if self._thread is not None:
            self._thread.join(FAREWELL_S)
        self._lock.let_go()

    def tasks(self) -> "Tasks":
        """Those that come with the program, and this server's own."""
        from app.lab.task_files import LIBRARY, load_tasks  # noqa: PLC0415

        return load_tasks([*LIBRARY, self.task_folder])

    def launch(self, plan: dict[str, Any], user_id: int | None = None, title: str = "") -> LabRun:
        """Store a run with its samples; it begins when those before it have ended. Raises what is wrong with it."""
        from app.lab.measuring import machine  # noqa: PLC0415
        from app.lab.measuring import plan as plans  # noqa: PLC0415
        from app.lab.runs import planning  # noqa: PLC0415

        definite, models, cells = planning.definite(plans.read_plan(plan), self._registry, self.tasks())
        engine = self._registry.engine
        with self._context():
            run = LabRun(
                machine_id=machine.this_machine(engine, self._power()).id,
                user_id=user_id,
                title=title.strip()[:200],
                engine={"name": engine.name, "label": engine.label, "version": engine.version()},
                models={model.name: planning.facts(model) for model in models},
            )
            made = self._rows().create(run, definite, cells)
        logger.info("run queued run=%s samples=%d", made.id, len(cells))
        self._wake.set()
        self.start()
        return made

    def cancel(self, run_id: int) -> None:
        """End a run; what was taken stays. Raises not_found, lab_run_ended."""
        rows = self._rows()
        if not rows.move(run_id, LabState.CANCELLED, since=(LabState.QUEUED, LabState.RUNNING)):
            raise AppError("not_found" if rows.state(run_id) is None else "lab_run_ended")
        if self._current and self._current[0] == run_id:
            self._background.cancel()

    def resume(self, run_id: int) -> None:
        """Go on with a run that was cancelled or given up. Raises not_found, lab_run_active, lab_run_ended."""
        rows = self._rows()
        state = rows.state(run_id)
        if state is None:
            raise AppError("not_found")
        if state in (LabState.QUEUED, LabState.RUNNING):
            raise AppError("lab_run_active")
        waits = rows.next_sample(run_id, self.patience.cuts) is not None
        if not (waits and rows.move(run_id, LabState.QUEUED, since=(state,))):
            raise AppError("lab_run_ended")
        self._wake.set()
        self.start()

    def delete(self, run_id: int) -> None:
        """A run that is over, with its samples; labels follow. Raises not_found, lab_run_active, lab_run_by_hand."""
        from app.lab.runs import queries  # noqa: PLC0415

        with self._context():
            queries.delete_run(run_id)
        logger.info("run deleted run=%s", run_id)
        self.publish()

    def publish(self) -> None:
        """Tell the chat the models' labels: what was measured here, or what people think of it, has changed."""
        from app.lab import labels  # noqa: PLC0415
        from app.lab.measuring import machine  # noqa: PLC0415

        with self._context():
            labels.publish(machine.this_machine(self._registry.engine, self._power()).id, self.tasks().categories)

    def progress(self, run_id: int) -> "RunProgress | None":
        """How far a run is; None when there is none of that number."""
        from app.lab.runs.progress import RunProgress, count_progress  # noqa: PLC0415

        state = self._rows().state(run_id)
        current = self._current
        if state is None:
            return None
        if current and current[0] == run_id and state == LabState.RUNNING:
            return current[1]
        done, total, remaining = count_progress(self._rows().spent(run_id))
        if state == LabState.QUEUED:
            return RunProgress(state, done, total, remaining, paused="queued")
        sample = self._rows().next_sample(run_id, self.patience.cuts) if state == LabState.RUNNING else None
        if sample is None:
            return RunProgress(state, done, total)
        # Another process carries it.
        cell = sample.cell
        return RunProgress(state, done, total, remaining, cell.model, str(cell.kind), cell.prompt)

    def _rows(self) -> "RunRepository":
        from app.lab.runs.repository import RunRepository  # noqa: PLC0415

        return RunRepository(self._context)

    def _power(self) -> "Power":
        from app.lab.measuring.energy import find_energy_source  # noqa: PLC0415

        return find_energy_source(*self._terms.watts)

    def _keep(self) -> None:
        known = False
        while not self._ending.is_set():
            try:
                if self._lock.take():
                    known = known or self._know_the_past()
                    while not self._ending.is_set() and (run_id := self._next()) is not None:
                        self._carry(run_id)
            except (OSError, SQLAlchemyError):
                logger.warning("nothing measured for now", exc_info=True)
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _know_the_past(self) -> bool:
        from app.lab.runs import historical  # noqa: PLC0415

        with self._context():
            historical.load_historical()
        return True

    def _next(self) -> int | None:
        with self._context():
            return LabRun.next_id()

    def _carry(self, run_id: int) -> None:
        from app.lab.runs.runner import RunDependencies, Runner  # noqa: PLC0415

        rows = self._rows()

        def tell(progress: "RunProgress") -> None:
            self._current = (run_id, progress)

        try:
            means = RunDependencies(
                self._registry,
                self._background,
                rows,
                self.tasks(),
                self._power(),
                self._terms.system,
                self._terms.run_code,
                self.patience,
                self.publish,
            )
            Runner(run_id, means, self._ending, tell).carry()
        except OperationalError:
            # A full disk or a busy database: the run goes on later.
            raise
        except Exception as error:
            # Nobody waits for this thread: what is not told here is told nowhere.
            logger.exception("run failed run=%s", run_id)
            failure = AppError("internal_error", cause=repr(error))
            rows.move(run_id, LabState.FAILED, since=(LabState.QUEUED, LabState.RUNNING), error=failure)
        finally:
            self._current = None
