"""What is read of a machine: cores, quotas, memory, processes, from a tree of files like the kernel's."""

from pathlib import Path

import pytest

from app.diagnostics.host import Host, Process
from tests.support.machine import Kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def host(kernel: Kernel) -> Host:
    return Host(kernel.root)


@pytest.mark.parametrize(("ranges", "cores"), [("0", [0]), ("0-3", [0, 1, 2, 3]), ("0-1,6", [0, 1, 6])])
def test_the_cores_that_a_process_may_use(kernel: Kernel, host: Host, ranges: str, cores: list[int]) -> None:
    kernel.process("self", cores=ranges)
    kernel.process("12", cores="5")
    assert host.cores() == cores
    assert host.cores(12) == [5]
    assert host.cores(13) == []


def test_two_threads_of_one_core_are_one_real_core(kernel: Kernel, host: Host) -> None:
    kernel.process("self", cores="0-3")
    assert host.physical_cores() is None
    for core in range(4):
        kernel.write(f"sys/devices/system/cpu/cpu{core}/topology/physical_package_id", "0")
        kernel.write(f"sys/devices/system/cpu/cpu{core}/topology/core_id", str(core % 2))
    assert host.physical_cores() == 2


def test_the_narrowest_quota_on_the_way_up_counts(kernel: Kernel, host: Host) -> None:
    kernel.process("12", group="/system.slice/ollama.service")
    assert host.quota(12) is None
    kernel.write("sys/fs/cgroup/system.slice/cpu.max", "150000 100000")
    kernel.write("sys/fs/cgroup/system.slice/ollama.service/cpu.max", "max 100000")
    assert host.quota(12) == 1.5
    kernel.write("sys/fs/cgroup/system.slice/ollama.service/cpu.max", "50000 100000")
    assert host.quota(12) == 0.5
    assert host.quota() is None


def test_a_group_outside_of_the_container_is_looked_for_at_its_top(kernel: Kernel, host: Host) -> None:
    kernel.process("self", group="/../../elsewhere")
    kernel.write("sys/fs/cgroup/cpu.max", "400000 100000")
    kernel.write("sys/fs/cgroup/cpu.stat", "usage_usec 5\nnr_periods 200\nnr_throttled 50")
    assert host.quota() == 4
    assert host.throttled() == 0.25


def test_nothing_was_throttled_where_there_is_no_quota(kernel: Kernel, host: Host) -> None:
    kernel.process("self")
    kernel.write("sys/fs/cgroup/cpu.stat", "usage_usec 5\nnr_periods 0\nnr_throttled 0")
    assert host.throttled() == 0


def test_memory_and_what_is_swapped(kernel: Kernel, host: Host) -> None:
    kernel.memory(MemTotal=1000, MemAvailable=400, SwapTotal=0)
    kernel.process("7", swap_kb=300)
    assert host.memory() == {"MemTotal": 1_024_000, "MemAvailable": 409_600, "SwapTotal": 0}
    assert host.swapped(7) == 307_200
    assert host.swapped(8) == 0


def test_the_smallest_limit_of_memory_counts(kernel: Kernel, host: Host) -> None:
    kernel.process("12", group="/system.slice/ollama.service")
    assert host.memory_limit(12) is None
    kernel.write("sys/fs/cgroup/system.slice/memory.max", "8000000000")
    kernel.write("sys/fs/cgroup/system.slice/ollama.service/memory.max", "max")
    assert host.memory_limit(12) == 8_000_000_000


def test_processes_whatever_they_are_called(kernel: Kernel, host: Host) -> None:
    kernel.process("7", name="tmux: (a) b", ticks=(3, 4))
    kernel.process("12", name="ollama", ticks=(100, 1))
    assert sorted(host.processes(), key=lambda process: process.pid) == [
        Process(7, "tmux: (a) b", 7),
        Process(12, "ollama", 101),
    ]
    assert [host.runs(pid) for pid in (7, 8)] == [True, False]


def test_a_node_without_cores_is_no_socket(kernel: Kernel, host: Host) -> None:
    assert host.memory_nodes() == 0
    kernel.write("sys/devices/system/node/node0/cpulist", "0-3")
    kernel.write("sys/devices/system/node/node1/cpulist", "")
    assert host.memory_nodes() == 1


def test_this_very_machine_can_be_read() -> None:
    host = Host()
    assert host.cores()
    assert host.memory()["MemTotal"] > host.memory()["MemAvailable"] > 0
    assert host.load() >= 0
    assert 0 <= host.throttled() <= 1
