"""Configure gunicorn: one worker with threads, and the embedded engine as a child of the master."""

import contextlib
import ctypes
import errno
import gc
import os
import resource
import shutil
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from app.http_worker import HttpWorker
from config import ROOT, check_database_is_there, keep_reserve, keep_secret_key, load_or_exit

_settings = load_or_exit()

wsgi_app = "wsgi:app"
_host = f"[{_settings['HOST']}]" if ":" in _settings["HOST"] else _settings["HOST"]
bind = f"{_host}:{_settings['PORT']}"
# Running answers live in the worker's memory; `on_starting` refuses a second worker.
workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
threads = _settings["THREADS"]
# Load the application in the master, so that a worker that died is replaced quickly.
preload_app = True
# Streams last for minutes, but do not count as a stuck worker: its main thread beats, others serve.
timeout = 120
graceful_timeout = 6
keepalive = 75
# Those that wait for a request cost a file descriptor each, and no thread (`app/http_worker.py`).
worker_connections = 4096
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(_files, min(2 * worker_connections, _most_files)), _most_files))
# The workers' heartbeat file: in memory rather than on a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn makes the file its own
loglevel = _settings["LOG_LEVEL"]
# No control socket: there is nothing to change at run time.
control_socket_disable = True
chdir = str(ROOT)
# gunicorn itself believes no headers about where a request came from; `TRUSTED_PROXIES` does (`app/security.py`).
forwarded_allow_ips = ""

# Python's switch interval in seconds (default 0.005): how long a thread computes before another one gets the GIL.
# Most requests are a few milliseconds of work, and can finish without a switch.
SWITCH_S = 0.02
# Thresholds of Python's cyclic garbage collector (defaults: hundreds to thousands of objects). A question allocates
# thousands of objects and almost no cycles; everything else is freed by reference counting.
GARBAGE = (50_000, 50, 100)

# Option numbers from glibc's malloc.h.
M_ARENA_MAX, M_MMAP_THRESHOLD = ctypes.c_int(-8), ctypes.c_int(-3)

# Seconds that a start waits for the worker of a master that was killed, which saves its answers and ends.
ORPHAN_WAIT_S = 10.0

_supervisor: Any = None
# Held from the start to the end of the master and its worker: one server for each instance folder.
_lock: Any = None


class Worker(HttpWorker):
    """A worker that ends open event streams on a graceful stop; gunicorn would wait for them otherwise."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGTERM save running answers, in a thread because a signal handler must not block."""
        threading.Thread(target=_save, args=(self,), name="save").start()
        super().handle_exit(sig, frame)

    def is_parent_alive(self) -> bool:
        """Save and end when the master was killed: a new server would write the same answers."""
        alive = bool(super().is_parent_alive())
        if not alive:
            self.alive = False
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
    """Stop the reading of files, and the Labo and the generation service, which store what they have so far."""
    worker.wsgi.extensions["extractor"].stop()
    worker.wsgi.extensions["lab"].stop()
    worker.wsgi.extensions["generation"].stop()


def on_starting(server: Any) -> None:
    """Take the instance folder, migrate the database, start the embedded engine if chosen, and print the addresses."""
    global _supervisor  # noqa: PLW0603 - gunicorn's hooks share a module, nothing else
    if server.cfg.workers > 1:
        raise SystemExit(
            "CouachGPT runs in one worker process: answers being written live in it. "
            "Leave WEB_CONCURRENCY unset; THREADS sets how many requests are served at once."
        )
    from app import database, instance  # noqa: PLC0415
    from app.cli import banner  # noqa: PLC0415
    from app.engines import gguf, supervisor  # noqa: PLC0415
    from app.extensions import db  # noqa: PLC0415
    from wsgi import app  # noqa: PLC0415

    _take_instance(app.config)
    # Fork first: no thread runs in this process yet. The engine starts meanwhile.
    migration = database.upgrade_in_subprocess(app)
    problem = ""
    if app.config["ENGINE"] != "embedded":
        # The kept KV caches contain conversations, and no other engine would ever delete them.
        shutil.rmtree(Path(app.config["INSTANCE_DIR"]) / "states", ignore_errors=True)
    else:
        problem = gguf.missing_part(app.config)
        if not problem:
            _supervisor = supervisor.Supervisor(app.config, _default_model(app))
            _supervisor.start()
    migration.join()
    if migration.exitcode:
        raise SystemExit(migration.exitcode)
    keep_secret_key(app.config)
    with contextlib.suppress(OSError):
        instance.publish_settings(app.config)
    said = banner(app, problem)
    with app.app_context():
        db.engine.dispose()
    print(said, flush=True)


def _take_instance(settings: Any) -> None:
    """Take the instance folder before anything in it is touched: a running server must not notice a second start.

    Ends the program if another server has it, the port is in use, or the database was lost.
    """
    global _lock  # noqa: PLW0603 - see on_starting
    from app.backups import remove_leftovers  # noqa: PLC0415
    from app.instance import server_lock  # noqa: PLC0415

    _lock = server_lock(settings)
    if not _lock.take() and (_lock.holder or not _lock.take(ORPHAN_WAIT_S)):
        raise SystemExit(
            f"CouachGPT: a server already runs on the folder {settings['INSTANCE_DIR']}. "
            "Stop it first, or give this one an INSTANCE_DIR and a PORT of its own."
        )
    _check_port()
    remove_leftovers(settings)
    check_database_is_there(settings)
    keep_reserve(settings)


def _check_port() -> None:
    """End the program if the port cannot be listened on; gunicorn would try for five seconds, after the banner."""
    host, port = _settings["HOST"], _settings["PORT"]
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        hint = "Another program uses it: choose another one with PORT=…" if error.errno == errno.EADDRINUSE else ""
        raise SystemExit(f"CouachGPT: cannot listen on {host}, port {port}: {error.strerror}. {hint}".strip()) from None


def _default_model(app: Any) -> str:
    """Return the default model, which the embedded engine loads first; "" before the tables exist."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from app.models.model_choice import default_model  # noqa: PLC0415

    with contextlib.suppress(SQLAlchemyError):
        return default_model(app)[0]
    return ""


def pre_fork(_server: Any, _worker: Any) -> None:
    """Connect the tables' classes here: at its first query the worker would write to memory that both share (3 MB)."""
    from sqlalchemy.orm import configure_mappers  # noqa: PLC0415

    configure_mappers()


def post_fork(_server: Any, _worker: Any) -> None:
    """Close the worker's copy of the pipe by which the engine notices the master's end."""
    if _supervisor is not None:
        _supervisor.close_stdin()


def post_worker_init(worker: Any) -> None:
    """Tune Python's runtime, then start the generation service, the Labo and the reading of files."""
    sys.setswitchinterval(SWITCH_S)
    # Exclude objects from before the fork from garbage collection: scanning them takes time, and would copy memory
    # pages that master and worker share.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    worker.wsgi.extensions["model_import"].files.delete_unfinished()
    worker.wsgi.extensions["generation"].start()
    worker.wsgi.extensions["lab"].start()
    worker.wsgi.extensions["extractor"].start()


def worker_int(worker: Any) -> None:
    """Save running answers on Ctrl-C or a quick stop too."""
    _save(worker)


def on_exit(_server: Any) -> None:
    """End the embedded engine with the master, and leave the database in one file."""
    if os.getpid() != _server.pid:
        return
    if _supervisor is not None:
        _supervisor.stop()
    if _lock is not None:
        from app import database, instance  # noqa: PLC0415
        from wsgi import app  # noqa: PLC0415

        with contextlib.suppress(OSError):
            instance.withdraw_settings(app.config)
        database.close(app)
