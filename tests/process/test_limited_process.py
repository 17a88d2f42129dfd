"""What a process that reads the files of strangers cannot do, even if such a file makes it run other code."""

import json
import os
import platform
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from app import seccomp
from app.limited_process import Limits, needed_too_much, start

LIMITED = (
    "import ctypes, json, os, resource, socket, subprocess, sys;"
    "from app.limited_process import Limits, limit, lock_down;"
    f"limit({Limits(300_000_000, 2, 1_000_000, 19)!r}); lock_down(files={{files}});"
)
# Attempts, each by its name, and whether it is refused where files may be opened, too.
ATTEMPTS = {
    "socket": ("socket.socket()", True),
    "pair": ("socket.socketpair()", True),
    "program": ("os.execv('/bin/true', ['true'])", True),
    "child": ("subprocess.run(['/bin/true'])", True),
    "signal": ("os.kill(os.getppid(), 0)", True),
    "thread": ("ctypes.CDLL(None).syscall({tgkill}, os.getppid(), os.getppid(), 0) and 1 / 0", True),
    "queued signal": ("ctypes.CDLL(None).sigqueue(os.getppid(), 0, None) and 1 / 0", True),
    "limits": ("resource.prlimit(os.getppid(), resource.RLIMIT_CPU)", True),
    "priority": ("os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)", True),
    "cores": ("os.sched_setaffinity(os.getppid(), {{0}})", True),
    "own limits": ("resource.getrlimit(resource.RLIMIT_CPU) and 1 / 0", True),
    "read": ("open('/etc/passwd')", False),
    "write": ("open('{folder}/new', 'w')", False),
    "remove": ("os.unlink('{folder}/old')", False),
    "rename": ("os.rename('{folder}/old', '{folder}/other')", False),
    "list": ("os.listdir('/')", False),
}
known = pytest.mark.skipif(
    platform.machine() not in seccomp.MACHINES, reason="*** the system calls of this machine are not known ***"
)


def run(code: str, *, files: bool = False) -> tuple[int, str]:
    """Run code in a limited child; return its status and what it wrote."""
    with (
        tempfile.TemporaryFile() as given,
        start(LIMITED.format(files=files) + code, stdin=given, stdout=subprocess.PIPE, bare=True) as child,
    ):
        assert child.stdout is not None
        return child.wait(20), child.stdout.read().decode()


@known
@pytest.mark.parametrize("files", [False, True])
def test_it_reaches_nothing_outside(tmp_path: Path, files: bool) -> None:
    (tmp_path / "old").write_text("x")
    tries = {
        name: code.format(folder=tmp_path, tgkill=seccomp.TGKILL[platform.machine()])
        for name, (code, always) in ATTEMPTS.items()
        if always or not files
    }
    code = f"tries = {tries!r}\nrefused = []\n"
    code += "for name, attempt in tries.items():\n"
    code += "    try:\n        exec(attempt)\n    except (PermissionError, ZeroDivisionError):\n"
    code += "        refused.append(name)\nprint(json.dumps(refused))"
    status, written = run("\n" + code, files=files)
    assert (status, json.loads(written)) == (0, list(tries))
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_it_gives_way_and_sees_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    status, written = run(
        "print(os.getpriority(os.PRIO_PROCESS, 0), 'SECRET_KEY' in os.environ, 'flask' in sys.modules)"
    )
    assert (status, written.split()) == (0, ["19", "False", "False"])


@pytest.mark.parametrize(
    ("code", "too_much"),
    [
        ("os._exit(3)", True),
        ("os.abort()", True),
        ("\nwhile True: pass", True),
        ("open(sys.argv[0])", False),
        ("ctypes.string_at(0)", False),
    ],
)
def test_its_end_tells_whether_it_needed_too_much(code: str, too_much: bool) -> None:
    status, _ = run(code, files=True)
    assert status != 0
    assert needed_too_much(status) is too_much


def test_it_cannot_take_more_memory() -> None:
    status, written = run("\ntry: bytes(400_000_000)\nexcept MemoryError: print('refused')")
    assert (status, written) == (0, "refused\n")


def test_it_ends_with_its_parent() -> None:
    code = "from app.limited_process import start; import sys, time;"
    code += f"child = start({LIMITED.format(files=True) + 'print(1, flush=True); import time; time.sleep(30)'!r},"
    code += " stdin=sys.stdin, stdout=sys.stdout, bare=True); print(child.pid, flush=True); time.sleep(30)"
    with tempfile.TemporaryFile() as given, start(code, stdin=given, stdout=subprocess.PIPE, bare=True) as parent:
        assert parent.stdout is not None
        lines = {int(parent.stdout.readline()), int(parent.stdout.readline())}
        (child,) = lines - {1}
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(child, 0)
            # A zombie that nobody waits for has ended, too.
            if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
                return
            time.sleep(0.02)
        pytest.fail("it still runs")
