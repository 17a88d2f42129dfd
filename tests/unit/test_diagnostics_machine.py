"""The checks of the machine: what each kind of machine is told, and how to mend it."""

import os
from pathlib import Path

import pytest

from app.diagnostics import FindingState
from app.diagnostics import checkup as machine
from app.diagnostics.checkup import Subject
from app.diagnostics.host import Host
from tests.support.machine import Kernel

GIGABYTE = 1_000_000


pytestmark = pytest.mark.usefixtures("in_english")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """Four cores, nothing else."""
    made = Kernel(tmp_path / "machine")
    made.process("self", cores="0-3")
    return made


@pytest.fixture
def host(kernel: Kernel) -> Host:
    return Host(kernel.root)


def embedded(threads: int, *pids: int) -> Subject:
    return Subject("llama.cpp", threads, pids)


def ollama(threads: int, *pids: int) -> Subject:
    return Subject("Ollama", threads, pids)


def paired(kernel: Kernel) -> None:
    """The four are two real cores with two threads each."""
    for core in range(4):
        kernel.write(f"sys/devices/system/cpu/cpu{core}/topology/physical_package_id", "0")
        kernel.write(f"sys/devices/system/cpu/cpu{core}/topology/core_id", str(core // 2))


def quota(kernel: Kernel, cores: float) -> None:
    kernel.write("sys/fs/cgroup/cpu.max", f"{int(cores * 100_000)} 100000")


@pytest.mark.parametrize(
    ("threads", "state", "fix"),
    [(3, FindingState.OK, ""), (4, FindingState.OK, ""), (5, FindingState.BAD, "ENGINE_THREADS=4")],
)
def test_threads_against_the_cores_allowed(host: Host, threads: int, state: FindingState, fix: str) -> None:
    found = machine.threads(host, embedded(threads))
    assert (found.state, fix in found.fix) == (state, True)


def test_threads_against_a_quota(kernel: Kernel, host: Host) -> None:
    quota(kernel, 2.5)
    assert machine.threads(host, embedded(2)).state == FindingState.OK
    found = machine.threads(host, embedded(3))
    assert (found.state, found.sentence) == (
        FindingState.BAD,
        "3 threads for 2 cores: they wait for each other at every token.",
    )
    assert "ENGINE_THREADS=2 " in found.fix


def test_threads_against_real_cores(kernel: Kernel, host: Host) -> None:
    paired(kernel)
    assert machine.threads(host, embedded(2)).state == FindingState.OK
    found = machine.threads(host, embedded(3))
    assert found.state == FindingState.WARNING
    assert "ENGINE_THREADS=2 " in found.fix


def test_ollama_does_not_see_its_quota(kernel: Kernel, host: Host) -> None:
    kernel.process("40", name="ollama", cores="0-3", group="/ollama")
    assert machine.threads(host, ollama(0, 40)).state == FindingState.OK
    kernel.write("sys/fs/cgroup/ollama/cpu.max", "200000 100000")
    found = machine.threads(host, ollama(0, 40))
    assert found.state == FindingState.BAD
    assert "ENGINE_THREADS=2 " in found.fix
    assert machine.threads(host, ollama(2, 40)).state == FindingState.OK


def test_the_threads_of_a_llama_server_are_its_own_affair(kernel: Kernel, host: Host) -> None:
    paired(kernel)
    found = machine.threads(host, Subject("llama-server", None))
    assert found.state == FindingState.UNKNOWN
    assert "--threads 2" in found.fix


def test_a_quota_matters_once_it_stops_the_engine(kernel: Kernel, host: Host) -> None:
    assert machine.quota(host, embedded(2)).state == FindingState.OK
    quota(kernel, 1.5)
    kernel.write("sys/fs/cgroup/cpu.stat", "nr_periods 1000\nnr_throttled 10")
    assert machine.quota(host, embedded(2)).state == FindingState.OK
    kernel.write("sys/fs/cgroup/cpu.stat", "nr_periods 1000\nnr_throttled 400")
    found = machine.quota(host, embedded(2))
    assert (found.state, "1.5 cores" in found.sentence, "40%" in found.sentence) == (FindingState.WARNING, True, True)


def test_others_that_compute_are_named(kernel: Kernel, host: Host) -> None:
    full = int(machine.SAMPLE_S * os.sysconf("SC_CLK_TCK"))
    kernel.process("40", name="llama", ticks=(500, 0))
    kernel.process("50", name="backup", ticks=(70, 7))

    def later(engine: int, other: int, group: str = "/") -> machine.Finding:
        def pause(_seconds: float) -> None:
            kernel.process("40", name="llama", ticks=(500 + engine, 0))
            kernel.process("50", name="backup", ticks=(70 + other, 7), group=group)

        return machine.load(host, embedded(2, 40), pause)

    assert later(2 * full, 0).state == FindingState.OK
    found = later(0, full)
    assert (found.state, "backup (process 50)" in found.sentence) == (FindingState.WARNING, True)
    assert "a service of its own" in found.fix
    found = later(0, 2 * full, group="/system.slice/backup.service")
    assert "sudo systemctl set-property backup.service CPUWeight=1" in found.fix


def test_many_small_ones_count_together_and_new_ones_from_their_start(kernel: Kernel, host: Host) -> None:
    tenth = int(machine.SAMPLE_S * os.sysconf("SC_CLK_TCK") * 0.2)

    def pause(_seconds: float) -> None:
        for pid in ("60", "61"):
            kernel.process(pid, name="make", ticks=(tenth, 0))

    assert machine.load(host, embedded(2), pause).state == FindingState.WARNING


@pytest.mark.parametrize(
    ("free", "state"),
    [(8 * GIGABYTE, FindingState.OK), (GIGABYTE, FindingState.WARNING), (GIGABYTE // 4, FindingState.BAD)],
)
def test_free_memory(kernel: Kernel, host: Host, free: int, state: FindingState) -> None:
    kernel.memory(MemTotal=16 * GIGABYTE, MemAvailable=free)
    found = machine.memory(host)
    assert (found.state, bool(found.fix)) == (state, state != FindingState.OK)


def test_a_machine_that_does_not_tell_its_memory(host: Host) -> None:
    assert machine.memory(host).state == FindingState.UNKNOWN


def test_swap_matters_when_the_engine_lies_in_it(kernel: Kernel, host: Host) -> None:
    kernel.memory(SwapTotal=GIGABYTE, SwapFree=GIGABYTE)
    assert machine.swap(host, embedded(2)).sentence == "Nothing lies in swap."
    kernel.memory(SwapTotal=GIGABYTE, SwapFree=GIGABYTE // 2)
    assert machine.swap(host, ollama(2)).state == FindingState.WARNING
    kernel.process("40", swap_kb=1000)
    kernel.process("41", swap_kb=1000)
    assert machine.swap(host, ollama(2, 40, 41)).state == FindingState.OK
    kernel.process("41", swap_kb=200_000)
    found = machine.swap(host, ollama(2, 40, 41))
    assert (found.state, "205.8 MB" in found.sentence) == (FindingState.BAD, True)
    assert "swapoff" in found.fix


def test_two_sockets_want_pinning(kernel: Kernel, host: Host) -> None:
    kernel.write("sys/devices/system/node/node0/cpulist", "0-1")
    assert machine.numa(host).state == FindingState.OK
    kernel.write("sys/devices/system/node/node1/cpulist", "2-3")
    assert (machine.numa(host).state, "numactl" in machine.numa(host).fix) == (FindingState.WARNING, True)


@pytest.mark.parametrize(
    ("driver", "governor", "state"),
    [
        ("acpi-cpufreq", "powersave", FindingState.BAD),
        ("acpi-cpufreq", "schedutil", FindingState.OK),
        ("intel_pstate", "powersave", FindingState.OK),
        ("intel_pstate", "performance", FindingState.OK),
    ],
)
def test_a_governor_that_holds_the_frequency_down(
    kernel: Kernel, host: Host, driver: str, governor: str, state: FindingState
) -> None:
    assert machine.governor(host).state == FindingState.UNKNOWN
    kernel.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", driver)
    kernel.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor)
    assert machine.governor(host).state == state


def test_all_checks_of_this_machine_have_a_title_and_a_sentence() -> None:
    found = machine.host_findings(Host(), embedded(1), lambda _seconds: None)
    assert len({finding.code for finding in found}) == 7
    assert all(finding.title and finding.sentence for finding in found)
    assert all(finding.fix for finding in found if finding.state in (FindingState.WARNING, FindingState.BAD))
