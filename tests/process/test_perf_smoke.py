"""`make perf` works: one short pair of its first rows, on the real engine; how long anything took is not judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.perf.asking import crowd, to_engine
from tests.perf.bench import place_of, process
from tests.support.server import ROOT

pytestmark = pytest.mark.slow

TOKENS = 24
BOUNDS = {
    "stream": {
        "total_ratio": {"at_most": 1.02},
        "first_later_ms": {"at_most": 8},
        "first_later_p95_ms": {"at_most": 20},
    },
    "cpu": {"cpu_s_per_1000": {"at_most": 0.13}},
}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The command, which ends what it has started when it is ended itself."""
    command = [sys.executable, "-m", "tests.perf", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            said, told = running.communicate(timeout=200)
        finally:
            running.terminate()
    return subprocess.CompletedProcess(command, running.returncode, said, told)


def agrees(row: dict[str, Any]) -> bool:
    """Whether `ok` is what figures and bounds say."""
    return all(row["figures"][name] <= bound["at_most"] for name, bound in row["bound"].items())


def test_one_pair_gives_real_figures_and_leaves_other_rows_alone(tmp_path: Path) -> None:
    out = tmp_path / "perf/latest.json"
    out.parent.mkdir()
    earlier = {"date": "2026-01-01T00:00:00+00:00", "figures": {"idle_mb": 100.0}, "bound": {}, "ok": True}
    out.write_text(json.dumps({"rows": {"memory": earlier}}))
    ended = run("--rows", "stream,cpu", "--pairs", "1", "--tokens", str(TOKENS), "--out", str(out))
    written = json.loads(out.read_text())
    rows = written["rows"]
    assert set(rows) == {"stream", "cpu", "memory"}
    assert rows["memory"] == earlier
    assert written["machine"]["cores"] >= 1
    assert {name: rows[name]["bound"] for name in BOUNDS} == BOUNDS
    for name in BOUNDS:
        assert rows[name]["date"] > earlier["date"]
        assert rows[name]["ok"] is agrees(rows[name])
    stream, cpu = rows["stream"]["figures"], rows["cpu"]["figures"]
    assert (stream["pairs"], stream["tokens"], cpu["tokens"]) == (1, TOKENS, TOKENS)
    for way in ("direct_", ""):
        assert 0 < stream[f"{way}first_ms"] / 1000 < stream[f"{way}total_s"]
    assert stream["total_ratio"] > 0.1
    assert cpu["cpu_s"] > 0
    assert ended.returncode == (0 if rows["stream"]["ok"] and rows["cpu"]["ok"] else 1), ended.stdout + ended.stderr
    assert "| stream " in ended.stdout


def test_the_fast_engine_writes_to_as_many_as_it_has_slots() -> None:
    options = ("--tokens", "20", "--tokens-per-second", "200", "--slots", "2")
    with process("tests.fakes.fast", *options) as engine, crowd() as asking:
        assert engine.stdout is not None
        url = engine.stdout.readline().strip()
        answers = asking.ask(place_of(url), [to_engine(place_of(url))] * 3, ours=False)
        slots = requests.get(f"{url}/slots", timeout=5).json()
        assert requests.get(f"{url}/props", timeout=5).json()["total_slots"] == 2
    assert [answer["tokens"] for answer in answers] == [20, 20, 20]
    begun = sorted(answer["first_s"] for answer in answers)
    ended = sorted(answer["total_s"] for answer in answers)
    assert begun[1] < ended[0] < begun[2]
    assert [slot["is_processing"] for slot in slots] == [False, False]


def test_a_row_that_does_not_exist_is_refused() -> None:
    ended = run("--rows", "speed")
    assert ended.returncode == 2
    assert "no such row: speed" in ended.stderr
