"""The comparison in the background: one at a time, its progress and its outcome for whoever looks."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask

from app.doctor.pairs import Comparison, NotComparedError
from app.doctor.terminal import Progress
from app.models.base import utcnow

# `work(tell)`: carries a comparison out, telling its progress. Raises NotComparedError.
Work = Callable[[Callable[[Progress], None]], Comparison]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a comparison ended."""

    result: Comparison | NotComparedError
    ended_at: datetime = field(default_factory=utcnow)


class Job:
    """The server's one comparison. `progress` is None while none runs; `outcome` is the last one's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.progress: Progress | None = None
        self.outcome: Outcome | None = None

    def start(self, work: Work) -> bool:
        """Begin, unless one runs; returns whether it began."""
        with self._lock:
            if self.progress is not None:
                return False
            self.progress = Progress("waiting")
        threading.Thread(target=self._run, args=(work,), name="comparison", daemon=True).start()
        return True

    def _tell(self, progress: Progress) -> None:
        self.progress = progress

    def _run(self, work: Work) -> None:
        result: Comparison | NotComparedError
        try:
            result = work(self._tell)
        except NotComparedError as error:
            result = error
        except Exception as error:
            # Nobody waits for this thread: what is not told here is told nowhere.
            logger.exception("comparison failed")
            result = NotComparedError("broken", repr(error))
        with self._lock:
            self.outcome, self.progress = Outcome(result), None


def init_app(app: Flask) -> None:
    """The application's one comparison."""
    app.extensions["comparison"] = Job()
