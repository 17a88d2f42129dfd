"""How gunicorn runs CouachGPT: one worker with threads, and the embedded engine as the master's child."""

import contextlib
import ctypes
import gc
import os
import shutil
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from config import ROOT, load_or_exit

_settings = load_or_exit()

wsgi_app = "wsgi:app"
bind = (
    f"[{_settings['HOST']}]:{_settings['PORT']}"
    if ":" in _settings["HOST"]
    else f"{_settings['HOST']}:{_settings['PORT']}"
)
# Runs live in the process that carries them: a second worker would not know them, and is refused below.
workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
threads = _settings["THREADS"]
# Loaded once in the master, so that a worker that died is back at once.
preload_app = True
# A followed answer is a request that lasts; the worker's heartbeat is a thread of its own.
timeout = 120
graceful_timeout = 6
keepalive = 75
# The workers' sign of life: in memory, not in a journal on the disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn makes the file its own
loglevel = _settings["LOG_LEVEL"]
# Nothing is changed from outside while it runs.
control_socket_disable = True
chdir = str(ROOT)

# Seconds that a thread may compute before Python hands the interpreter to one that waits (Python's own: 0.005). Most
# requests are a few milliseconds of work: they end rather than being interrupted.
SWITCH_S = 0.02
# New objects after which Python's garbage collector looks for cycles (its own: hundreds to thousands). A question makes
# thousands of objects and next to no cycle; what is not in a cycle is freed at once without it.
GARBAGE = (50_000, 50, 100)

# Of glibc's malloc.h.
M_ARENA_MAX, M_MMAP_THRESHOLD = ctypes.c_int(-8), ctypes.c_int(-3)

_supervisor: Any = None


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads; a graceful stop ends followed answers first, which would keep it waiting."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: save what is being written, in a thread because a signal handler must not wait."""
        threading.Thread(target=_save, args=(self,), name="farewell").start()
        super().handle_exit(sig, frame)

    def is_parent_alive(self) -> bool:
        """A killed master asks for nothing: its worker saves and ends too, or two servers would write one answer."""
        alive = bool(super().is_parent_alive())
        if not alive:
            _save(self)
        return alive


worker_class = Worker


def _give_memory_back() -> None:
    """Have glibc's malloc return freed memory to the system.

    Hashing a password takes 19 MB for a moment, which malloc would keep once for each thread: after 64 log-ins the
    worker had 149 MB, with these two options 55.
    """
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, ctypes.c_int(2))  # heaps, which threads share
        mallopt(M_MMAP_THRESHOLD, ctypes.c_int(1 << 20))  # blocks from 1 MiB on are mapped, and unmapped when freed


_give_memory_back()


def _save(worker: Any) -> None:
    worker.wsgi.extensions["lab"].stop()
    worker.wsgi.extensions["generation"].stop()


def on_starting(server: Any) -> None:
    """Migrate the database, start the embedded engine if it was chosen, and say where to go."""
    global _supervisor  # noqa: PLW0603 - gunicorn's hooks share a module, nothing else
    if server.cfg.workers > 1:
        raise SystemExit(
            "CouachGPT runs in one worker process: answers being written live in it. "
            "Leave WEB_CONCURRENCY unset; THREADS sets how many requests are served at once."
        )
    from app import database  # noqa: PLC0415
    from app.cli import banner  # noqa: PLC0415
    from app.engines import gguf_library, supervisor  # noqa: PLC0415
    from app.extensions import db  # noqa: PLC0415
    from wsgi import app  # noqa: PLC0415

    # Begun first: nothing else runs in this process yet, and the engine starts meanwhile.
    migration = database.upgrade_in_subprocess(app)
    problem = ""
    if app.config["ENGINE"] != "embedded":
        # What the embedded engine kept is the conversations' text in another form, which nobody would delete any more.
        shutil.rmtree(Path(app.config["INSTANCE_DIR"]) / "states", ignore_errors=True)
    else:
        problem = gguf_library.missing_part(app.config)
        if not problem:
            _supervisor = supervisor.Supervisor(app.config, _default_model(app))
            _supervisor.start()
    migration.join()
    if migration.exitcode:
        raise SystemExit("The database could not be brought up to date; the cause is above.")
    with app.app_context():
        db.engine.dispose()
    print(banner(app, problem), flush=True)


def _default_model(app: Any) -> str:
    """What people get who choose nothing: the embedded engine begins with it. "" before the first start."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from app.model_choice import default_model  # noqa: PLC0415

    with contextlib.suppress(SQLAlchemyError):
        return default_model(app)[0]
    return ""


def post_fork(_server: Any, _worker: Any) -> None:
    """The worker must not hold the embedded engine's lifeline: it is the master's alone."""
    if _supervisor is not None:
        _supervisor.let_go()


def post_worker_init(worker: Any) -> None:
    """Take up what an earlier worker left, and look at the engine."""
    sys.setswitchinterval(SWITCH_S)
    # What was loaded before the fork stays until the end: the collector need not look through it again and again, which
    # would also copy the pages of memory that master and worker share.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    worker.wsgi.extensions["generation"].start()
    worker.wsgi.extensions["lab"].start()


def worker_int(worker: Any) -> None:
    """Ctrl-C or a quick stop: the same as a graceful one."""
    _save(worker)


def on_exit(_server: Any) -> None:
    """End the embedded engine with the master."""
    if _supervisor is not None and os.getpid() == _server.pid:
        _supervisor.stop()
