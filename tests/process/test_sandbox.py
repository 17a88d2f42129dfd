"""Programs that nobody trusts: what they try against the machine comes to nothing, and all of them end."""

import os
import secrets
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.lab.code_runner import sandbox
from app.lab.code_runner.sandbox import Ended, Outcome
from tests.support.apart import needs_sandbox
from tests.support.processes import wait_until

pytestmark = needs_sandbox

SANDBOX = Path(sandbox.__file__)
# Enough for the interpreter to begin; what never ends is stopped then.
SOON = 4.0


def tried(source: str, grace: float = sandbox.GRACE, **job: Any) -> Outcome:
    """A program that is loaded like one whose functions are called."""
    return sandbox.run({"kind": "calls", "source": source, "function": "f", "calls": [], **job}, grace=grace)


def error(outcome: Outcome) -> str:
    assert outcome.report, outcome.log
    assert outcome.report["ended"] == "crashed", outcome.log
    return f"{outcome.report['error']['type']}: {outcome.report['error']['message']}"


def named(name: str) -> list[int]:
    """The processes that gave themselves this name."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def calls_itself(name: str) -> str:
    """The lines by which a program takes a name that is seen from outside."""
    return f"import ctypes, os, signal, sys, time\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\n"


@pytest.fixture
def name() -> str:
    return f"t{secrets.token_hex(6)}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "ended"),
    [
        ("while True: pass", Ended.TIME),
        ("while True:\n    try: os.fork()\n    except OSError: pass", Ended.TIME),
        ("for number in (1, 2, 3, 13, 15): signal.signal(number, signal.SIG_IGN)\nwhile True: pass", Ended.TIME),
        ("os.setsid()\nif os.fork(): os._exit(0)\nwhile True: pass", Ended.ITSELF),
        ("if os.fork() == 0:\n    os.close(1); os.close(2)\nwhile True: pass", Ended.TIME),
        (
            "while True:\n    try: sys.setrecursionlimit(10**9); f = lambda: f(); f()\n    except BaseException: pass",
            None,
        ),
        (
            "for pid in (os.getppid(), 1):\n    try: os.kill(pid, 9)\n    except OSError: pass\nwhile True: pass",
            Ended.TIME,
        ),
    ],
)
def test_nothing_of_a_program_is_left(lines: str, ended: Ended | None, name: str) -> None:
    outcome = tried(calls_itself(name) + lines, SOON)
    assert outcome.report is None
    assert ended in (None, outcome.ended)
    wait_until(lambda: not named(name))


def test_killing_all_that_can_be_reached_reaches_only_what_is_apart() -> None:
    outcome = tried("import os\ntry: os.kill(-1, 9)\nexcept ProcessLookupError: pass\nos.kill(os.getpid(), 9)")
    assert (outcome.report, outcome.ended) == (None, Ended.ITSELF)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "."])
def test_what_can_be_written_is_little_and_is_gone_afterwards(folder: str) -> None:
    lines = f"place = 0\nwhile True:\n    open(f'{folder}/kept-{{place}}', 'wb').write(bytes(10**6)); place += 1"
    assert "No space left" in error(tried(lines))
    assert not list(Path("/tmp").glob("kept-*"))
    assert not list(Path("/dev/shm").glob("kept-*"))


def test_one_file_has_a_bound() -> None:
    outcome = tried("file = open('/tmp/one', 'wb')\nwhile True: file.write(bytes(10**6)); file.flush()")
    assert outcome.ended is Ended.ITSELF
    assert outcome.report is None or "File too large" in error(outcome)


def test_nothing_else_can_be_written() -> None:
    lines = """
import os
written = []
players = "/lab/app/lab/code_runner/players"
for place in ("/", "/usr", "/usr/lib", "/etc", "/dev", "/bin", players, "/lab", "/home", "/var"):
    try:
        open(f"{place}/kept", "w").close()
        written.append(place)
    except OSError:
        pass
raise SystemExit(str(written))
"""
    assert error(tried(lines)) == "SystemExit: []"


def test_nothing_of_ours_can_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "couachgpt.sqlite3"
    secret.write_text("secret")
    secret.chmod(0o644)
    ours = ["/etc/shadow", "/etc/passwd", "/proc/1/environ", str(secret), str(SANDBOX), str(sandbox.ROOT / "README.md")]
    lines = f"import os\nraise SystemExit(str([path for path in {ours!r} if os.path.exists(path)]))"
    assert error(tried(lines)) == "SystemExit: []"


def test_a_project_that_lies_among_the_systems_files_is_hidden() -> None:
    job = {"kind": "calls", "source": "import os\nraise SystemExit(str(os.listdir('/usr/share')))", "function": "f"}
    outcome = sandbox.run({**job, "calls": []}, hidden=Path("/usr/share"))
    assert error(outcome) == "SystemExit: []"


def test_the_environment_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for programs")
    assert "not for programs" not in error(tried("import os\nraise SystemExit(str(os.environ))"))


def test_there_is_no_network() -> None:
    path = f"\0couachgpt-{secrets.token_hex(6)}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as named_socket:
        named_socket.bind(path)
        named_socket.listen()
        connect = "import socket\nsocket.socket(socket.AF_{}).connect({!r})"
        assert "refused" in error(tried(connect.format("INET", ("127.0.0.1", server.getsockname()[1]))))
        assert "refused" in error(tried(connect.format("UNIX", path)))
        assert "unreachable" in error(tried(connect.format("INET", ("192.0.2.1", 80))))


def test_rights_cannot_be_won_back() -> None:
    lines = """
import ctypes, os, resource
won = []
for number in (0, 1000):
    try:
        os.setuid(number)
        won.append(f"user {number}") if number != os.getuid() or number == 0 else None
    except OSError:
        pass
try:
    resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))
    won.append("limit")
except (OSError, ValueError):
    pass
libc = ctypes.CDLL(None, use_errno=True)
won += ["mount"] if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 else []
won += ["root"] if libc.chroot(b"/tmp") == 0 else []
raise SystemExit(str(won))
"""
    assert error(tried(lines)) == "SystemExit: []"


@pytest.mark.slow
def test_endless_words_are_cut() -> None:
    outcome = tried("while True: print('x' * 1000)", SOON)
    assert outcome.ended is Ended.TIME
    assert 0 < len(outcome.log) <= sandbox.HEAD + sandbox.TAIL + 20


@pytest.mark.parametrize("words", ["'{' * 10**6", "'[' * 10**6", "'null'", "'[1]'", "'x' * 10**7"])
def test_a_forged_report_is_none(words: str) -> None:
    lines = (
        f"import os\nfor place in range(3, 20):\n    try: os.write(place, ({words}).encode())\n    except OSError: pass"
    )
    assert tried(f"{lines}\nos._exit(0)").report is None


def test_an_ordinary_user_runs_programs_as_well() -> None:
    if os.getuid() != 0:
        pytest.skip("this is an ordinary user: all the other tests are this one")
    lines = f"""
import os, sys, types
# The packages without what only the server needs.
for name in ("app", "app.diagnostics"):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = [os.path.join({str(SANDBOX.parents[3])!r}, *name.split("."))]
from app.lab.code_runner import sandbox as apart
if apart.state()[0] is not apart.SandboxState.READY:
    sys.exit(f"refused: {{apart.state()[1]}}")
count = "import os\\nn = 0\\ntry:\\n    while os.fork(): n += 1\\nexcept OSError: raise SystemExit(str(n))\\n"
job = {{"kind": "calls", "source": count + "import time\\ntime.sleep(600)", "function": "f", "calls": []}}
print(apart.run(job).report["error"]["message"])
"""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-B", "-c", lines],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if "refused" in done.stderr or "ermission" in done.stderr or not Path("/usr/bin/python3").exists():
        pytest.skip(f"*** an ordinary user cannot run programs apart here: NOT TESTED ({done.stderr[-200:]}) ***")
    assert 1 <= int(done.stdout) < sandbox.LIMITS["NPROC"], done.stderr
