"""Whether programs can be run apart here: what tests that run some are skipped for, in words."""

import pytest

from app.bench.programs import sandbox

STATE, CAUSE = sandbox.state()
needs_sandbox = pytest.mark.skipif(
    STATE is not sandbox.State.READY,
    reason=f"*** bubblewrap is {STATE} here ({CAUSE or 'not installed'}): the sandbox is NOT TESTED ***",
)
