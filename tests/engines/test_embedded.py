"""What is particular to the embedded engine: a child that is private, comes back, and never stays behind."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.engines.embedded import Embedded
from app.engines.supervisor import Supervisor, endpoint_file
from tests.engines.conftest import await_listening
from tests.engines.listening import answer, done, question
from tests.support.processes import alive, wait_until

ROOT = Path(__file__).parents[2]
MASTER = """
import sys, time
from app.engines.supervisor import Supervisor
supervisor = Supervisor({"EMBEDDED_MODEL": "", "ENGINE_SLOTS": 1, "CONTEXT_TOKENS": 512, "CACHE_RAM_MB": 0,
                         "CACHE_DISK_MB": 0, "ENGINE_THREADS": 1, "INSTANCE_DIR": sys.argv[1]})
supervisor.start()
print(supervisor._child.pid, flush=True)
time.sleep(60)
"""


def settings(instance: Path) -> dict[str, Any]:
    return {"EMBEDDED_MODEL": "", "ENGINE_SLOTS": 1, "CONTEXT_TOKENS": 512, "CACHE_RAM_MB": 0, "CACHE_DISK_MB": 0,
            "ENGINE_THREADS": 1, "INSTANCE_DIR": str(instance)}  # fmt: skip


def child_of(supervisor: Supervisor) -> int:
    assert supervisor._child is not None
    return supervisor._child.pid


def test_a_child_that_dies_is_started_again_and_ends_with_its_master(tmp_path: Path) -> None:
    supervisor = Supervisor(settings(tmp_path))
    supervisor.start()
    try:
        assert stat.S_IMODE(endpoint_file(str(tmp_path)).stat().st_mode) == 0o600
        engine = Embedded(str(tmp_path))
        await_listening(engine)
        first = child_of(supervisor)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: child_of(supervisor) != first, seconds=10)
        await_listening(engine)
        engine.warm("smollm2:135m")
        assert done(answer(engine, question("smollm2:135m", max_tokens=2))).reason == "length"
    finally:
        supervisor.stop()
    assert not alive(child_of(supervisor))
    assert not endpoint_file(str(tmp_path)).exists()


def test_a_master_that_is_killed_leaves_no_child(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MASTER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout
        child = int(master.stdout.readline())
        assert alive(child)
        master.kill()
    wait_until(lambda: not alive(child), seconds=10)
