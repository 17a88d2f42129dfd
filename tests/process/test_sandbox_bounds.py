"""What programs that nobody trusts may take of the machine: processes, memory of all kinds, time that is left."""

import errno
import os
import platform

import pytest

from app.lab.code_runner import sandbox
from app.lab.code_runner.sandbox import Ended
from tests.process.test_sandbox import error, tried
from tests.support.apart import needs_sandbox

pytestmark = needs_sandbox


def test_processes_are_counted() -> None:
    lines = "import os\ncount = 0\ntry:\n    while os.fork(): count += 1\nexcept OSError: raise SystemExit(str(count))"
    outcome = tried(f"{lines}\nimport time\ntime.sleep(600)")
    kind, _, count = error(outcome).partition(": ")
    assert kind == "SystemExit"
    assert 1 <= int(count) < sandbox.LIMITS["NPROC"]


def test_memory_is_counted_of_all_processes_together() -> None:
    hoard = "a = []\nwhile True:\n    try: a.append(bytearray(10**7))\n    except MemoryError: pass"
    assert tried(hoard).ended is Ended.MEMORY
    assert tried(f"import os\nfor _ in range(3): os.fork()\n{hoard}").ended is Ended.MEMORY


SEGMENTS = """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_int
libc.shmdt.argtypes = (ctypes.c_void_p,)
while True:
    size = 10**7
    place = libc.shmat(libc.shmget(0, ctypes.c_size_t(size), 0o1600), None, 0)
    ctypes.memset(place, 1, size)
    libc.shmdt(place)
"""
FILES = """
import os
kept = []
while True:
    kept.append(os.memfd_create("kept"))
    os.write(kept[-1], bytes(15 * 10**6))
"""


@pytest.mark.parametrize("lines", [SEGMENTS, FILES], ids=["segments", "files"])
def test_memory_that_no_process_shows_is_counted(lines: str) -> None:
    assert tried(lines).ended is Ended.MEMORY


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_empty_files_are_counted(folder: str) -> None:
    lines = f"count = 0\nwhile True:\n    open(f'{folder}/{{count}}', 'w').close()\n    count += 1"
    assert tried(lines).ended is Ended.MEMORY


REACHING_OUT = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def errno(name, *arguments):
    return ctypes.get_errno() if getattr(libc, name)(*arguments) < 0 else 0
told = [errno("unshare", 0x10000000), errno("ptrace", 16, 1, 0, 0), errno("syscall", 250, 0, -3, 0),
        errno("mount", b"none", b"/tmp", b"tmpfs", 0, 0), errno("setns", 0, 0)]
raise SystemExit(repr(told))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of keyctl is that of x86_64")
def test_what_reaches_into_the_kernel_or_other_processes_is_refused() -> None:
    assert error(tried(REACHING_OUT)) == f"SystemExit: {[errno.EPERM] * 5}"


def test_threads_and_processes_can_still_be_made() -> None:
    lines = "import subprocess, threading\nthread = threading.Thread(target=print)\nthread.start()\nthread.join()"
    lines += "\nraise SystemExit(subprocess.run(['echo', 'fait'], capture_output=True, text=True).stdout)"
    assert error(tried(lines)).strip() == "SystemExit: fait"


def test_programs_have_what_time_nobody_else_wants_on_all_cores() -> None:
    lines = """
import os
try:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
except PermissionError:
    raise SystemExit(f"{os.sched_getscheduler(0) == os.SCHED_IDLE} {len(os.sched_getaffinity(0))}")
"""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        outcome = tried(lines)
    finally:
        os.sched_setaffinity(0, allowed)
    assert error(outcome) == f"SystemExit: True {len(allowed)}"


def test_one_allocation_that_is_too_large_is_the_programs_own_error() -> None:
    assert error(tried("bytearray(10**11)")).startswith("MemoryError")
