"""A child process that reads what strangers wrote: little memory, time and rights, and it dies with its parent.

The parent calls `start` and looks at the child's status by `needed_too_much`; the child calls `limit` and `lock_down`
before it looks at what it was given.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.seccomp import reader_filter

ROOT = Path(__file__).resolve().parents[1]
# What the child sees of the environment, in which there may be secrets: where Python finds its parts.
KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
# Before the command of a child that needs little: the package is its folder without `app/__init__.py`, which would load
# all of the web side, 0.7 s and 90 MB.
BARE = "import sys, types; app = sys.modules['app'] = types.ModuleType('app'); app.__path__ = ['app']; "
# The child's exit status when it needs more than its limits.
TOO_HEAVY = 3
# What the kernel ends a process with that takes too much time or memory, and what libraries in C and Rust end
# themselves with when they get no memory.
SIGNALS = (signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGABRT, signal.SIGTRAP)
# Operations of prctl(2), and the mode of seccomp that takes a filter.
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 1, 22, 38, 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: bytes of address space, seconds of CPU, bytes of a file it writes; and its niceness."""

    memory: int
    cpu_s: int
    file_bytes: int
    niceness: int


def start(
    command: str, *arguments: str, stdin: IO[bytes], stdout: IO[bytes] | int, bare: bool = False
) -> subprocess.Popen[bytes]:
    """Start a child with this Python command. `bare`: it loads nothing else of `app` than what it imports."""
    return subprocess.Popen(  # noqa: S603 - its callers' commands are fixed
        [sys.executable, "-c", (BARE if bare else "") + command, *arguments],
        cwd=ROOT,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
        stdin=stdin,
        stdout=stdout,
    )


def needed_too_much(status: int) -> bool:
    """Return whether a child that ended with this status was stopped by its limits."""
    return status == TOO_HEAVY or -status in SIGNALS


# In the child


def limit(limits: Limits) -> None:
    """Set the limits of this process, give way to all others, and end when the parent does.

    No words of what is read go into the server's log, nor into a core dump.
    """
    sys.excepthook = lambda kind, _error, trace: print(
        *traceback.format_tb(trace), kind.__name__, sep="", file=sys.stderr
    )
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(limits.niceness)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def lock_down(*, files: bool) -> None:
    """Give up the network, other programs and processes for good; without `files` also all files not yet open.

    Where the kernel has no seccomp, or the machine's calls are not known, nothing is given up.
    """
    code = reader_filter(files=files)
    filter_ = _Filter(len(code) // 8, code)
    if code and _prctl(PR_SET_NO_NEW_PRIVS, 1) == 0:
        _prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(filter_))


class _Filter(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = [("steps", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _prctl(operation: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None).prctl(operation, *arguments, *[0] * (4 - len(arguments))))
