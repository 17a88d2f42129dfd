"""Where programs cannot be run apart, they are not run: the verdict is of their text, and says why."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.lab.code_runner import programs, sandbox
from app.lab.code_runner.players import tkinter_windows
from app.lab.code_runner.programs import CodeTask
from app.lab.code_runner.sandbox import SandboxState
from app.models.lab import Verdict
from tests.support.apart import needs_sandbox

GAME = CodeTask(play="game")
LOOP = "```python\nwhile True:\n    print(input())\n```"
SANDBOX = Path(sandbox.__file__)


def test_without_bubblewrap_the_text_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sandbox.state() == (SandboxState.MISSING, "")
    judgement = programs.judge_code(GAME, LOOP, run=True)
    assert (judgement.verdict, judgement.code) == (Verdict.RESERVE, "code_sandbox_missing")
    assert programs.judge_code(GAME, "```python\nprint(1)\n```", run=True).code == "code_lacks_goes_on"


def test_without_leave_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    judgement = programs.judge_code(GAME, LOOP, run=False)
    assert (judgement.verdict, judgement.code) == (Verdict.RESERVE, "code_not_run")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("bwrap: Unknown option --size", SandboxState.OLD),
        ("bwrap: setting up uid map: Permission denied", SandboxState.REFUSED),
        ("", SandboxState.REFUSED),
    ],
)
def test_what_bubblewrap_says_is_told(
    said: str, state: SandboxState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert sandbox.state() == (state, said or "exit 1")
    judgement = programs.judge_code(GAME, LOOP, run=True)
    assert (judgement.code, judgement.params) == (f"code_sandbox_{state}", {"cause": said or "exit 1"})


@needs_sandbox
def test_without_pygame_a_game_of_pygame_is_judged_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    monkeypatch.delitem(sys.modules, "pygame", raising=False)
    judgement = programs.judge_code(GAME, f"```python\nimport pygame\n{LOOP[10:]}", run=True)
    assert (judgement.verdict, judgement.code) == (Verdict.RESERVE, "code_not_installed"), judgement.log
    assert judgement.params == {"name": "pygame-ce", "how": ".venv/bin/pip install -r requirements-lab.txt"}
    assert programs.judge_code(GAME, "```python\nimport pygame\n```", run=True).code == "code_lacks_goes_on"


def test_without_xvfb_windows_are_told_to_lack_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lacks = tkinter_windows.lacking()
    assert lacks in ("Xvfb", "tkinter")
    assert {"Xvfb", "tkinter"} <= set(programs.INSTALLED_BY)


@needs_sandbox
def test_where_namespaces_are_forbidden_bubblewrap_is_refused() -> None:
    lines = f"""
import sys, types
# The package without what only the server needs.
sys.modules["app"] = package = types.ModuleType("app")
package.__path__ = [{str(SANDBOX.parents[2])!r}]
from app.lab.code_runner import sandbox as apart
print(*apart.state())
"""
    # A namespace in which the kernel allows no further one, as an administrator or a container does.
    inside = ["bwrap", "--unshare-user", "--uid", "1000", "--disable-userns", "--dev-bind", "/", "/"]
    done = subprocess.run(
        [*inside, sys.executable, "-I", "-B", "-c", lines], capture_output=True, text=True, check=True
    )
    state, _, cause = done.stdout.strip().partition(" ")
    assert state == "refused"
    assert "bwrap:" in cause
