"""`make chaos` in its short form: nothing is lost, nothing is doubled, nothing stays behind."""

import subprocess
import sys

import pytest

from tests.support.server import ROOT


@pytest.mark.slow
def test_a_few_times_of_each_trouble_lose_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--short"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
