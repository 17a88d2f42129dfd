"""Row `start`: from `make run` to the first page."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from config import SETTINGS
from tests.browser.served import free_port
from tests.perf.bench import Bench, median
from tests.perf.clones import PATIENCE_S, environment
from tests.perf.row import Figures, Line, NotMeasuredError, Row
from tests.support.server import ROOT

TIMES = 3
# How often the page is asked for until it comes.
GLANCE_S = 0.01


def measure(bench: Bench) -> Figures:
    """The median of a few starts after the first one, which makes the database and may install."""
    clone = bench.kept.get("clone")
    folder, instance = clone.folder if clone else ROOT, bench.folder()
    first, *others = [started(folder, instance) for _ in range(1 + TIMES)]
    return {"start_s": median(others), "first_start_s": first, "slowest_start_s": max(others)}


def started(folder: Path, instance: Path) -> float:
    """Seconds from `make run` to a 200 on /login; the server is ended again."""
    port = free_port()
    # An empty value is as good as none, and wins over a `.env` that lies there.
    settings = {setting.name: "" for setting in SETTINGS}
    settings |= {"INSTANCE_DIR": str(instance), "HOST": "127.0.0.1", "PORT": str(port)}
    begun = time.perf_counter()
    with running(folder, environment() | settings) as make:
        while not login_answers(port):
            if make.poll() is not None or time.perf_counter() - begun > PATIENCE_S:
                raise NotMeasuredError(f"make run did not serve; it ended with {make.poll()}")
            time.sleep(GLANCE_S)
        return time.perf_counter() - begun


@contextmanager
def running(folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`make run`, ended by what Ctrl-C sends to all of its group."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        ["make", "--silent", "run"], cwd=folder, env=environ, stdin=quiet, stdout=quiet, stderr=quiet,
        start_new_session=True,
    ) as make:  # fmt: skip
        try:
            yield make
        finally:
            with suppress(ProcessLookupError):
                os.killpg(make.pid, signal.SIGINT)


def login_answers(port: int) -> bool:
    """Whether the page of the log-in comes."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


ROW = Row(
    "start",
    f"`make run` to the first 200 on /login, median of {TIMES} starts after the first",
    (Line("second start", "start_s", "s", at_most=2),),
    measure,
)
