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

# Seconds after which a busy thread lets others run.
SWITCH_S = 0.02
# Objects made before the memory is searched for cycles: a question makes thousands, and next to no cycle.
GARBAGE = (50_000, 50, 100)

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
    """Have glibc return what is freed: hashing a password takes 19 MB, which it would keep once for each thread."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((ctypes.c_int(-8), 2), (ctypes.c_int(-3), 1 << 20)):  # M_ARENA_MAX, M_MMAP_THRESHOLD
            mallopt(option, value)


_give_memory_back()


def _save(worker: Any) -> None:
    worker.wsgi.extensions["labo"].stop()
    worker.wsgi.extensions["generation"].stop()


def on_starting(server: Any) -> None:
    """Migrate the database, start the embedded engine if it was chosen, and say where to go."""
    global _supervisor  # noqa: PLW0603 - gunicorn's hooks share a module, nothing else
    if server.cfg.workers > 1:
        raise SystemExit(
            "CouachGPT runs in one worker process: answers being written live in it. "
            "Leave WEB_CONCURRENCY unset; THREADS sets how many requests are served at once."
        )
    from app import tables  # noqa: PLC0415
    from app.cli.banner import banner  # noqa: PLC0415
    from app.engines import library, supervisor  # noqa: PLC0415
    from app.extensions import db  # noqa: PLC0415
    from wsgi import app  # noqa: PLC0415

    # Begun first: nothing else runs in this process yet, and the engine starts meanwhile.
    migration = tables.upgrade_apart(app)
    problem = ""
    if app.config["ENGINE"] != "embedded":
        # What the embedded engine kept is the conversations' text in another form, which nobody would delete any more.
        shutil.rmtree(Path(app.config["INSTANCE_DIR"]) / "states", ignore_errors=True)
    else:
        problem = library.missing_part(app.config)
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

    from app.preference import default_model  # noqa: PLC0415

    with contextlib.suppress(SQLAlchemyError):
        return default_model(app)[0]
    return ""


def post_fork(_server: Any, _worker: Any) -> None:
    """The worker must not hold the embedded engine's lifeline: it is the master's alone."""
    if _supervisor is not None:
        _supervisor.let_go()


def post_worker_init(worker: Any) -> None:
    """Take up what an earlier worker left, and look at the engine."""
    # Threads give each other way when they wait, and rarely otherwise: most of them do a millisecond's work at a time.
    sys.setswitchinterval(SWITCH_S)
    # What was loaded before the fork stays: looking through it again and again is lost time, and unshares its memory.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    worker.wsgi.extensions["generation"].start()
    worker.wsgi.extensions["labo"].start()


def worker_int(worker: Any) -> None:
    """Ctrl-C or a quick stop: the same as a graceful one."""
    _save(worker)


def on_exit(_server: Any) -> None:
    """End the embedded engine with the master."""
    if _supervisor is not None and os.getpid() == _server.pid:
        _supervisor.stop()
