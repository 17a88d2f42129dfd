"""What a sample costs the machine: the arithmetic on looks that were written down, and real processes looked at."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.measuring import meters
from app.lab.measuring.meters import OTHERS_CORES, Power, Probe, SampleMeter, UsageSnapshot

CORES = 4
WATTS = Power([], idle_w=10, full_w=30)
# Works for so many seconds of CPU, says so, and waits.
WORK = (
    "import sys, time\n"
    "held = bytearray(50_000_000)\n"
    "while time.process_time() < float(sys.argv[1]): pass\n"
    "print('done', flush=True)\n"
    "sys.stdin.read()\n"
)
# Starts one of those, and waits.
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}, *sys.argv[1:]])\n"


def looks(*intervals: tuple[float, float, float, float], ram: int = 10) -> list[UsageSnapshot]:
    """Snapshots a second apart; each interval: CPU seconds of the engine, of us, of others, and the memory in %."""
    found = [UsageSnapshot(0, 0, 0, 0, 0, ram, 0)]
    for engine, own, others, percent in intervals:
        last = found[-1]
        found.append(
            UsageSnapshot(
                last.at + 1,
                last.busy + engine + own + others,
                last.capacity + CORES,
                last.engine + engine,
                last.own + own,
                ram,
                percent,
            )
        )
    return found


def test_means_and_peaks() -> None:
    snapshots = looks((1, 0, 0, 40), (3, 0, 0, 60), (2, 0, 0, 50))
    assert meters.meter_metrics(snapshots) == {
        "cpu_engine_mean": 200,
        "cpu_engine_peak": 300,
        "cpu_machine_mean": 50,
        "cpu_machine_peak": 75,
        "ram_engine_peak": 10,
        "ram_machine_peak": 60,
    }
    assert meters.series(snapshots) == [[1, 100, 25, 10], [2, 300, 75, 10], [3, 200, 50, 10]]


def test_an_engine_that_cannot_be_seen_has_no_figures() -> None:
    assert set(meters.meter_metrics(looks((0, 0, 2, 40), ram=0))) == {
        "cpu_machine_mean",
        "cpu_machine_peak",
        "ram_machine_peak",
    }


@given(st.lists(st.tuples(*[st.floats(0, CORES / 3)] * 3, st.floats(0, 100)), min_size=1, max_size=20))
def test_the_mean_is_never_above_the_peak_nor_the_machine_above_all_its_cores(
    intervals: list[tuple[float, float, float, float]],
) -> None:
    found = meters.meter_metrics(looks(*intervals))
    for whose in ("engine", "machine"):
        assert 0 <= found[f"cpu_{whose}_mean"] <= found[f"cpu_{whose}_peak"] + 0.1
    assert found["cpu_machine_peak"] <= 100
    assert found["ram_machine_peak"] == max(percent for *_cpu, percent in intervals)


@pytest.mark.parametrize(
    ("intervals", "disturbed"),
    [
        ([(4, 0, 0, 0)] * 10, False),
        ([(3, 1, 0, 0)] * 10, False),
        ([(3, 0, OTHERS_CORES / 2, 0)] * 10, False),
        ([(3, 0, 1, 0)] * 10, True),
        ([(3, 0, 1, 0)] + [(4, 0, 0, 0)] * 9, False),
        ([(3, 0, 1, 0)] * 2 + [(4, 0, 0, 0)] * 8, True),
        ([(3, 0, 1, 0)], True),
        # The engine's new process worked in the first interval and was seen in the second.
        ([(0, 0, 3, 0), (6, 0, -3, 0)], False),
        ([(0, 0, 3, 0), (6, 0, -1, 0)], True),
    ],
)
def test_others_disturb_when_they_take_much_for_long(
    intervals: list[tuple[float, float, float, float]], disturbed: bool
) -> None:
    assert meters.disturbed(looks(*intervals)) is disturbed


def test_where_the_engine_cannot_be_seen_nobody_knows_who_works() -> None:
    assert meters.disturbed(looks((0, 0, 4, 0), (0, 0, 4, 0), ram=0)) is False


def test_looks_at_one_and_the_same_moment_divide_nothing() -> None:
    same = looks() * 2
    assert meters.meter_metrics(same)["cpu_machine_mean"] == 0
    assert meters.disturbed(same) is False


@contextmanager
def working(program: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def done(process: subprocess.Popen[str]) -> None:
    """Wait until it has worked."""
    assert process.stdout
    assert process.stdout.readline() == "done\n"


def test_a_real_process_is_followed_from_its_start_and_after_its_end() -> None:
    pids: list[int] = []
    probe = Probe(lambda: pids)
    with working(WORK, 0.5) as worker:
        done(worker)
        # What it used before it was first seen counts too, for it was started later than the probe.
        pids.append(worker.pid)
        after = probe.read()
        assert after.engine >= 0.45
        assert after.engine_ram > 50_000_000
    gone = probe.read()
    assert (gone.engine, gone.engine_ram) == (after.engine, 0)


def test_what_an_engine_starts_is_part_of_it() -> None:
    pids: list[int] = []
    probe = Probe(lambda: pids)
    with working(PARENT, 0.3) as parent:
        pids.append(parent.pid)
        done(parent)
        found = probe.read()
        psutil.Process(parent.pid).children()[0].kill()
    assert found.engine >= 0.25
    assert found.engine_ram > 50_000_000


def test_another_process_takes_the_place_of_one_that_ended() -> None:
    pids: list[int] = []
    probe = Probe(lambda: pids)
    with working(WORK, 0.2) as first:
        pids.append(first.pid)
        done(first)
        before = probe.read()
    with working(WORK, 0.2) as second:
        done(second)
        pids[:] = [second.pid]
        after = probe.read()
    assert after.engine >= before.engine + 0.15
    assert after.engine_ram > 50_000_000


def test_a_process_that_is_not_there_is_no_engine() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert Probe(lambda: (ended.pid,)).read().engine_ram == 0


def test_a_meter_on_this_machine() -> None:
    with working(WORK, 0.5) as worker, SampleMeter(lambda: (worker.pid,), WATTS, interval_s=0.05) as meter:
        done(worker)
    assert 0 < meter.metrics["cpu_engine_mean"] <= meter.metrics["cpu_engine_peak"] + 0.1
    assert 0 < meter.metrics["cpu_machine_mean"] <= 100
    assert 0 < meter.metrics["ram_machine_peak"] < 100
    assert meter.metrics["ram_engine_peak"] > 50_000_000
    assert (meter.metrics["energy_method"], meter.metrics["idle_w"]) == ("estimated", 10)
    # 20 W on all cores together, for the half second of one core that it worked.
    assert 0 < meter.metrics["energy_j"] <= 20 * 2 / (psutil.cpu_count() or 1)
    seconds = [point[0] for point in meter.series]
    assert len(seconds) > 1
    assert seconds == sorted(seconds)
    assert "labo-meter" not in {thread.name for thread in threading.enumerate()}


def test_another_program_that_works_is_noticed() -> None:
    with (
        working(WORK, 0) as engine,
        SampleMeter(lambda: (engine.pid,), WATTS, interval_s=0.05) as meter,
        working(WORK, 1.5) as other,
    ):
        done(other)
    assert meter.disturbed
    assert meter.metrics["cpu_machine_peak"] > 0


def test_measuring_costs_less_than_a_hundredth_of_a_core() -> None:
    probe = Probe(lambda: (psutil.Process().pid,))
    probe.read()
    begun = time.thread_time()
    rounds = 200
    for _ in range(rounds):
        probe.read()
    each = (time.thread_time() - begun) / rounds
    assert each / meters.INTERVAL_S < 0.01
