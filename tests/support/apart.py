"""Whether programs can be run apart here: what tests that run some are skipped for, in words."""

import importlib.util
import shutil

import pytest

from app.lab.code_runner import sandbox

STATE, CAUSE = sandbox.state()
needs_sandbox = pytest.mark.skipif(
    STATE is not sandbox.SandboxState.READY,
    reason=f"*** bubblewrap is {STATE} here ({CAUSE or 'not installed'}): the sandbox is NOT TESTED ***",
)
PARTS = {
    "pygame-ce": importlib.util.find_spec("pygame"),
    "tkinter": importlib.util.find_spec("_tkinter"),
    "Xvfb": shutil.which("Xvfb"),
}
LACKING = ", ".join(name for name, found in PARTS.items() if not found)
needs_parts = pytest.mark.skipif(
    bool(LACKING), reason=f"*** {LACKING} not installed here: games and windows of models are NOT TESTED ***"
)
