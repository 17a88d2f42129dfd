"""The ends of runs: stored at once, or as soon as the database takes them."""

import logging
import threading
import time
from collections.abc import Sequence

from app.errors import AppError, database_failure
from app.generation.events import EventLog
from app.generation.store import RunEnd, Store
from app.models import RunState

# Seconds to wait before each new attempt to store the end of an answer that the database refused.
STORE_RETRIES_S = (0.2, 1.0)
# Seconds between two attempts after those.
RETRY_EVERY_S = 2.0

logger = logging.getLogger(__name__)


class RunEnds:
    """Store the ends of runs; keep those that the database refuses, and store them in a thread once it takes them.

    Until then their rows say that they run, and the event log keeps their texts.
    """

    def __init__(self, store: Store, event_log: EventLog) -> None:
        self._store = store
        self._event_log = event_log
        # Held while a kept end is written: a later attempt at the same answer cannot begin before it is forgotten here.
        self._lock = threading.Lock()
        self._kept: dict[int, RunEnd] = {}
        self._stopped = threading.Event()

    def store(self, message_id: int, end: RunEnd, pauses: Sequence[float] = ()) -> AppError | None:
        """Store an end, waiting for so many seconds before each further attempt.

        Returns None, or why it is kept; internal_error if something in it could not be stored: then the run has failed.
        """
        altered: AppError | None = None
        for pause in (*pauses, None):
            failure = self._refusal(message_id, end)
            if failure is None:
                self._event_log.retire(message_id)
                return altered
            if failure.code == "internal_error":
                altered, end = failure, RunEnd(RunState.FAILED, None, failure, end.content, end.thinking)
            elif pause is not None:
                time.sleep(pause)
        with self._lock:
            is_first = not self._kept
            self._kept[message_id] = end
        if is_first:
            threading.Thread(target=self._store_later, name="ends", daemon=True).start()
        return failure

    def waits(self, message_id: int) -> bool:
        """Return True if the end of this run is kept."""
        return message_id in self._kept

    def stop(self) -> None:
        """Try once more to store what is kept, and end the thread."""
        self._stopped.set()
        self._store_kept()

    def _store_later(self) -> None:
        while not self._stopped.wait(RETRY_EVERY_S) and not self._store_kept():
            pass

    def _store_kept(self) -> bool:
        """Store the kept ends; return True if none is left."""
        with self._lock:
            for message_id, end in list(self._kept.items()):
                failure = self._refusal(message_id, end)
                if failure is None:
                    del self._kept[message_id]
                    self._event_log.retire(message_id)
                elif failure.code != "internal_error":
                    break
            return not self._kept

    def _refusal(self, message_id: int, end: RunEnd) -> AppError | None:
        """Store an end; return why that failed, or None."""
        try:
            self._store.finish(message_id, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must end
            failure = database_failure(error)
            logger.warning("end of run not stored run=%s code=%s cause=%s", message_id, failure.code, failure.cause)
            return failure
        return None
