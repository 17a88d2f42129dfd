"""Read files, one after another, in one thread: which is next, how far it is, and how it ends.

The reading itself is done by a child process (`app/extraction/reader.py`), which gives way to the engine.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.engines.tokens import estimated_tokens
from app.errors import AppError, database_failure, disk_failure
from app.extensions import db
from app.extraction.reader import Extracted, Page, read_document
from app.generation.background import FIRST_PURGE_AFTER_S, PURGE_EVERY_S
from app.generation.prompt import document_text
from app.models import File, FilePage, FileState, file_erasure, passages
from app.models.cutting import PassageCutter
from app.models.file_store import file_store

# Characters of pages, and pages, of each commit, and the seconds between commits, in which others can write.
TOGETHER, PAGES_TOGETHER = 50_000, 50
PAUSE_S = 0.03
# Seconds between two tries while the database cannot be written to.
RETRY_S = 5.0
# Seconds between two looks for what commands have left to do.
LOOK_EVERY_S = 15.0
LONGEST_TITLE = 200
INSERT_PAGES = insert(FilePage.__table__)

logger = logging.getLogger(__name__)


class Extractor:
    """The files of this process that wait or are being read. `context` makes an application context.

    Its thread also erases the files that are marked, as that takes a while for a long one, and those that nobody used:
    an hour after the start, then once a day.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._stopped = threading.Event()
        # Set when there is something to do.
        self._wanted = threading.Event()
        # Guards what follows.
        self._lock = threading.Lock()
        # A user or a library (see `File.whose`) → its files, in their order. The first one's first file is next; then
        # it is the others' turn.
        self._waiting: OrderedDict[str, deque[str]] = OrderedDict()
        # The file that is being read, how many pages of how many are read, and what ends it.
        self._current = ""
        self._progress: tuple[int, int] | None = None
        self._cancel = threading.Event()

    def start(self) -> None:
        """Start the thread, which first takes up what an earlier process has left; once in each worker process."""
        with self._context():
            file_store().remove_arriving()
        threading.Thread(target=self._run, name="extractor", daemon=True).start()

    def stop(self) -> None:
        """End the thread; what is being read is read again after the next start."""
        self._stopped.set()
        self._wanted.set()
        with self._lock:
            self._cancel.set()

    def add(self, whose: str, file_id: str) -> None:
        """Have a file of a user or a library (see `File.whose`) read after those that wait, in turns with others'."""
        with self._lock:
            waiting = self._waiting.setdefault(whose, deque())
            if file_id not in waiting:
                waiting.append(file_id)
        self._wanted.set()

    def progress(self, file_id: str) -> tuple[int, int] | None:
        """Return how many pages of how many are read; None for a file that is not being read."""
        with self._lock:
            return self._progress if file_id == self._current else None

    def cancel(self, file_id: str) -> None:
        """End the reading of a file, whose end is stored already."""
        with self._lock:
            if file_id == self._current:
                self._cancel.set()

    def forget(self, file_id: str) -> None:
        """Have a file that is marked erased soon."""
        self.cancel(file_id)
        self._wanted.set()

    def _run(self) -> None:
        """Work until `stop`; what is unexpected is logged, and the next file read."""
        while not self._with_database(self._take_up) and not self._stopped.wait(RETRY_S):
            pass
        purge_at = time.monotonic() + FIRST_PURGE_AFTER_S
        while not self._stopped.is_set():
            self._wanted.clear()
            if time.monotonic() >= purge_at:
                self._with_database(file_erasure.purge)
                purge_at = time.monotonic() + PURGE_EVERY_S
            self._with_database(file_erasure.erase_marked)
            if file_id := self._next():
                self._read(file_id)
            elif not self._wanted.wait(LOOK_EVERY_S):
                self._with_database(self._look)

    def _with_database(self, work: Callable[[], None]) -> bool:
        """Do it in an application context; return whether it was done. What fails is logged, and done again later."""
        try:
            with self._context():
                work()
        except SQLAlchemyError as error:
            logger.warning("files not looked after cause=%s", database_failure(error).cause)
            return False
        except Exception:
            logger.exception("files not looked after")
            return False
        return True

    def _take_up(self) -> None:
        self._look()
        file_erasure.remove_unnamed_bytes()

    def _look(self) -> None:
        for file_id, whose in File.left_to_read():
            self.add(whose, file_id)

    def _next(self) -> str:
        """Take the file whose turn it is out of those that wait; "" if there is none."""
        with self._lock:
            self._current, self._progress, self._cancel = "", None, threading.Event()
            if self._waiting and not self._stopped.is_set():
                whose, files = self._waiting.popitem(last=False)
                self._current = files.popleft()
                if files:
                    self._waiting[whose] = files
            return self._current

    def _read(self, file_id: str) -> None:
        """Read a file and store what was found, or why it cannot be read; a busy database is waited for."""
        found: Extracted | AppError | None = None
        while not self._stopped.is_set():
            try:
                found = found or self._found(file_id)
                with self._context():
                    if found is not None:
                        self._store(file_id, found)
                return
            except IntegrityError:
                # It was erased meanwhile.
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the next file is to be read
                failure = database_failure(error)
                logger.warning("file not stored file=%s code=%s cause=%s", file_id, failure.code, failure.cause)
                if failure.code != "database_busy":
                    found = failure
                self._stopped.wait(RETRY_S)

    def _found(self, file_id: str) -> Extracted | AppError | None:
        """Return what is in a file, or why it cannot be read; None if nobody wants it any more."""
        with self._context():
            file = db.session.get(File, file_id)
            if file is None or file.state != FileState.EXTRACTING:
                return None
            path, name = file_store().path(file.sha256), file.name
        try:
            return read_document(path, name, self._tell, self._cancel)
        except AppError as error:
            # Whoever ends it stores that; what a stop of the server ends is read again.
            return None if error.code == "file_cancelled" else error
        except OSError as error:
            return disk_failure(error)

    def _tell(self, done: int, total: int) -> None:
        with self._lock:
            self._progress = (done, total)

    def _store(self, file_id: str, found: Extracted | AppError) -> None:
        """Store a file's pages and passages in small commits, then that it is ready; or why it has failed."""
        cited = passages.cited_of(file_id)
        # Of an earlier reading, or one that was interrupted.
        file_erasure.clear(file_id)
        if isinstance(found, AppError):
            logger.info("file not read file=%s code=%s cause=%s", file_id, found.code, found.cause)
            File.end_reading(file_id, FileState.FAILED, error_code=found.code, error_params=found.params)
            return
        file = db.session.get(File, file_id)
        if file is None:
            return
        # Some formats do not say how many pages there are while they are read.
        counts_pages, stored, cutter = self._progress is not None, 0, PassageCutter()
        tokens = frame = estimated_tokens(document_text(file.name, []))
        for pages in _in_parts(found.pages):
            _store_pages(file, pages, cutter)
            # Of each part: the whole of a long text at once would hold everybody up.
            text = document_text(file.name, [(page.number, page.text) for page in pages])
            tokens += estimated_tokens(text) - frame
            stored += len(pages)
            if not counts_pages:
                self._tell(stored, len(found.pages))
            if self._cancel.wait(PAUSE_S):
                break
        passages.cite_again(file_id, cited)
        columns = {"kind": found.kind, "pages": stored, "tokens": tokens}
        if self._cancel.is_set() or not File.end_reading(file_id, FileState.READY, **columns):
            file_erasure.clear(file_id)


def _store_pages(file: File, pages: list[Page], cutter: PassageCutter) -> None:
    """Store some pages of a file, and their passages; commits."""
    # First, as it takes the words apart before it inserts: from then on nobody else can write.
    passages.store(file, pages, cutter)
    rows = [
        {"file_id": file.id, "number": page.number, "title": page.title[:LONGEST_TITLE], "content": page.text}
        for page in pages
    ]
    db.session.connection().execute(INSERT_PAGES, rows)
    db.session.commit()


def _in_parts(pages: list[Page]) -> Iterator[list[Page]]:
    """Yield the pages in lists of about TOGETHER characters."""
    part, size = [], 0
    for page in pages:
        part.append(page)
        size += len(page.text)
        if size >= TOGETHER or len(part) >= PAGES_TOGETHER:
            yield part
            part, size = [], 0
    if part:
        yield part
