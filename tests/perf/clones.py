"""The repository as somebody new gets it: a fresh clone, and `make` in it."""

import json
import os
import subprocess
import time
from pathlib import Path

from tests.perf.bench import Bench
from tests.perf.row import NotMeasuredError
from tests.support.server import ROOT

PATIENCE_S = 240
# What `python -m venv` brings itself.
TOOLS = {"pip", "setuptools"}


class Clone:
    """A folder with the sources of the last commit."""

    def __init__(self, bench: Bench) -> None:
        self.folder = bench.folder() / "clone"
        _run(["git", "clone", "--quiet", str(ROOT), str(self.folder)], ROOT)

    def setup(self, *options: str) -> float:
        """Seconds that `make setup` takes."""
        begun = time.perf_counter()
        _run(["make", "--silent", "setup", *options], self.folder)
        return time.perf_counter() - begun

    def packages(self) -> int:
        """How many were installed."""
        listing = _run([".venv/bin/pip", "list", "--format", "json", "--disable-pip-version-check"], self.folder)
        return len({entry["name"].lower() for entry in json.loads(listing)} - TOOLS)

    def megabytes(self) -> float:
        """What the virtual environment takes on the disk."""
        return int(_run(["du", "-s", "-k", ".venv"], self.folder).split()[0]) / 1024


def environment() -> dict[str, str]:
    """Ours, without what the make above this process left in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def _run(command: list[str], folder: Path) -> str:
    ended = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if ended.returncode:
        raise NotMeasuredError(f"{' '.join(command)}: {ended.stdout[-500:]}{ended.stderr[-1500:]}")
    return ended.stdout
