"""Run an untrusted program with bubblewrap: no network, none of our files, limited CPU, memory and processes."""

import importlib.util
import json
import math
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from app import seccomp
from app.diagnostics.host import Host
from app.engines.processes import child_pids

ROOT = Path(__file__).resolve().parents[3]
PLAYERS = Path(__file__).resolve().with_name("players")
# The players' folder in the sandbox, nested like here, so that their imports are the same.
PLAYERS_INSIDE = f"/lab/{PLAYERS.relative_to(ROOT)}"
MB = 1 << 20
# Resource limits of each process; `NPROC` counts all processes of the user namespace (or of the user nobody).
LIMITS = {"AS": 1024 * MB, "FSIZE": 16 * MB, "NPROC": 32, "NOFILE": 64, "CORE": 0}
# CPU seconds beyond the play's own before SIGXCPU, and further ones before SIGKILL.
CPU, IGNORED = 8, 2
# The memory limit of all processes together, and the seconds between two checks of it.
MEMORY, LOOK = 512 * MB, 0.05
TMP = 64 * MB
# Files and folders that may lie in the sandbox at a time: each takes about a kilobyte of the kernel's memory.
FILES = 20_000
# Seconds of wall time beyond the play's own, since the program runs at idle priority.
GRACE = 60.0
# Bytes kept of the beginning and of the end of the output, and the longest report.
HEAD, TAIL, LONGEST_REPORT = 4000, 8000, 200_000
PROBE_SECONDS = 10
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 - the sandbox's own
    "USER": "nobody",
    "LANG": "C.UTF-8",
    "TERM": "xterm",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
}
# bubblewrap's exit status when its program has used up its CPU time.
OUT_OF_CPU = 128 + signal.SIGXCPU


# Memory


def _held_memory_of(pid: int) -> int:
    """The resident memory of a process and all its descendants, in bytes."""
    return _resident(pid) + sum(map(_held_memory_of, child_pids(pid)))


def _shared_memory() -> int:
    """The machine's shared memory and tmpfs files in bytes, which count in no process unless mapped."""
    return Host().memory().get("Shmem", 0)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _has_many_files(pid: int) -> bool:
    """Whether more than FILES lie in the sandbox whose bubblewrap is this process."""
    for inside in child_pids(pid):
        for folder, size in (("tmp", TMP), ("dev/shm", MB)):
            with suppress(OSError):
                found = os.statvfs(Path("/proc", str(inside), "root", folder))
                # Until bubblewrap has changed its root, this is the machine's own folder.
                if found.f_blocks * found.f_frsize == size and found.f_files - found.f_ffree > FILES:
                    return True
    return False


# Running a job


class SandboxState(StrEnum):
    """Whether the sandbox works here: ready, or bubblewrap is missing, too old, or refused by the system."""

    READY = "ready"
    MISSING = "missing"
    OLD = "old"
    REFUSED = "refused"


class Ended(StrEnum):
    """How a run ended: by itself, or stopped for its time or memory."""

    ITSELF = "itself"
    TIME = "time"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run: the player's report (None without a valid one), the program's output, and how it ended."""

    report: dict[str, Any] | None
    log: str
    ended: Ended


def state() -> tuple[SandboxState, str]:
    """Try bubblewrap; returns its state, and its error message if it does not work."""
    program = shutil.which("bwrap")
    if program is None:
        return SandboxState.MISSING, ""
    try:
        with _file(seccomp.sandbox_filter()) as calls:
            done = subprocess.run(  # noqa: S603 - a fixed command
                [*_command(program), *_filter(calls), "/bin/true"],
                pass_fds=[calls],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=PROBE_SECONDS,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return SandboxState.REFUSED, str(error)[:300]
    if done.returncode == 0:
        return SandboxState.READY, ""
    said = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
    return (SandboxState.OLD if "Unknown option" in said[0] else SandboxState.REFUSED), said[0][:300]


def run(job: dict[str, Any], *, seconds: float = 0, grace: float = GRACE, hidden: Path = ROOT) -> Outcome:
    """Run a job (see `players/entry.py`) for at most `seconds` + `grace` seconds of wall time.

    `hidden`: a folder that the program must not see. Raises OSError when bubblewrap cannot be started.
    """
    cpu = math.ceil(seconds) + CPU
    limits = {name: (value, value) for name, value in LIMITS.items()} | {"CPU": (cpu, cpu + IGNORED)}
    content = json.dumps({**job, "seconds": seconds, "limits": limits}).encode()
    # The real interpreter behind the virtual environment, whose packages stay outside.
    python = os.path.realpath(sys.executable)
    with _file(content) as given, _file(seccomp.sandbox_filter()) as calls:
        command = [*_command("bwrap", hidden), *_filter(calls), python, "-I", "-B", f"{PLAYERS_INSIDE}/entry.py"]
        with subprocess.Popen(  # noqa: S603 - the program goes in as data
            command,
            pass_fds=[calls],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            return _Watch(process).until(time.monotonic() + seconds + grace)


@contextmanager
def _file(content: bytes) -> Iterator[int]:
    """A file in memory with that content, while inside; gives its descriptor."""
    descriptor = os.memfd_create("sandbox")
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


class _Watch:
    """Reads the sandbox's output and kills it when it exceeds its time or memory."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._report = b""
        self._log = b""
        self._cut = b""

    def until(self, deadline: float) -> Outcome:
        ended = Ended.TIME
        least = _shared_memory()
        with selectors.DefaultSelector() as pipes:
            for pipe in (self._process.stdout, self._process.stderr):
                pipes.register(pipe, selectors.EVENT_READ)  # type: ignore[arg-type]
            try:
                while time.monotonic() < deadline:
                    self._read(pipes)
                    if (status := self._process.poll()) is not None:
                        ended = Ended.TIME if status == OUT_OF_CPU else Ended.ITSELF
                        break
                    # Other programs may free shared memory meanwhile: compare with the lowest value.
                    least = min(least, shared := _shared_memory())
                    held = _held_memory_of(self._process.pid)
                    if held > MEMORY or shared - least > MEMORY or _has_many_files(self._process.pid):
                        ended = Ended.MEMORY
                        break
            finally:
                # Killing bubblewrap kills every process in its PID namespace, whatever their signal handlers.
                self._process.kill()
                self._process.wait()
            while pipes.get_map() and time.monotonic() < deadline + GRACE:
                self._read(pipes)
        try:
            report = json.loads(self._report)
        except (ValueError, RecursionError):
            report = None
        between = b"\n[...]\n" if len(self._cut) > TAIL else b""
        log = (self._log + between + self._cut[-TAIL:]).decode(errors="replace").replace("\0", "")
        return Outcome(report if isinstance(report, dict) else None, log, ended)

    def _read(self, pipes: selectors.BaseSelector) -> None:
        if not pipes.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK)
        for key, _ in pipes.select(LOOK):
            piece = os.read(key.fd, 65536)
            if not piece:
                pipes.unregister(key.fileobj)
            elif key.fileobj is self._process.stdout:
                self._report = (self._report + piece)[: LONGEST_REPORT + 1]
            else:
                room = HEAD - len(self._log)
                self._log += piece[:room]
                self._cut = (self._cut + piece[room:])[-TAIL - 1 :]


# The bubblewrap command


def _command(bwrap: str, hidden: Path = ROOT) -> list[str]:
    """The bubblewrap command with its options; append the program to run."""
    command = [bwrap, "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if os.getuid() == 0:
        # The limit of processes does not apply to root, so the entry script switches to nobody.
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    prefix = Path(sys.base_prefix).resolve()
    shown = [Path("/usr"), *([] if prefix.is_relative_to("/usr") else [prefix])]
    for path in shown:
        command += _shown(path, str(path))
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        command += _top(Path("/", name))
    for name in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts", "/var/cache/fontconfig"):
        command += [*_above(name), "--ro-bind-try", name, name]
    if any(hidden.is_relative_to(one) for one in shown):
        # The server is installed below a folder that is shown: hide its data and settings.
        command += ["--tmpfs", str(hidden)]
    command += ["--dev", "/dev", "--perms", "1777", "--size", str(MB), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    command += ["--perms", "1777", "--size", str(TMP), "--tmpfs", "/tmp"]  # noqa: S108
    # No /proc: programs do not need it, and it cannot be mounted in every container.
    return [*command, *_shown(PLAYERS, PLAYERS_INSIDE), *_pygame(), "--remount-ro", "/"]


def _filter(calls: int) -> list[str]:
    """Options that apply the filter of system calls, if there is one for this machine."""
    return ["--seccomp", str(calls)] if os.fstat(calls).st_size else []


def _pygame() -> list[str]:
    """Options that show pygame-ce, if it is installed in the server's environment, without its other packages."""
    spec = importlib.util.find_spec("pygame")
    if spec is None or spec.origin is None:
        return []
    folders = sorted(Path(spec.origin).parents[1].glob("pygame*"))
    return [word for folder in folders for word in _shown(folder, f"/lab/packages/{folder.name}")]


def _shown(path: Path, where: str) -> list[str]:
    """Options that show a folder read-only at `where`."""
    return [*_above(where), "--ro-bind", str(path), where]


def _above(where: str) -> list[str]:
    """Options that create the parent folders, which bubblewrap would make readable to root only."""
    above = [str(one) for one in reversed(Path(where).parents) if one != Path("/")]
    return [word for one in above for word in ("--dir", one)]


def _top(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", os.readlink(path), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []
