"""Tests that run programs in the sandbox: what they are skipped for, and one of them at a time."""

import fcntl
import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from app.lab.code_runner import sandbox

# The fixture of tests/conftest.py skips such a test where there is no sandbox, and lets no other one run beside it.
needs_sandbox = pytest.mark.sandbox
PARTS = {
    "pygame-ce": importlib.util.find_spec("pygame"),
    "tkinter": importlib.util.find_spec("_tkinter"),
    "Xvfb": shutil.which("Xvfb"),
}
LACKING = ", ".join(name for name, found in PARTS.items() if not found)
needs_parts = pytest.mark.skipif(
    bool(LACKING), reason=f"*** {LACKING} not installed here: games and windows of models are NOT TESTED ***"
)


@cache
def missing_sandbox() -> str:
    """Why programs cannot be run here; "" where they can."""
    state, cause = sandbox.state()
    if state is sandbox.SandboxState.READY:
        return ""
    return f"*** bubblewrap is {state} here ({cause or 'not installed'}): the sandbox is NOT TESTED ***"


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock of all test processes: as root, the limit of processes counts those of all sandboxes together."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
