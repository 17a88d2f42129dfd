"""The record of a machine: what is read of it, and what makes it another one."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.lab.measuring import machine, meters
from app.models.lab import LabMachine
from tests.support.machine import Kernel
from tests.support.site import Site

GIB_KB = 2**20
WATTS = meters.Power([], 10, 30)


class Engine:
    """As far as the record asks."""

    name, label = "ollama", "Ollama"

    def pids(self, _model: str = "") -> tuple[int, ...]:
        return (12,)


def processor(number: int, socket: int, core: int, flags: str = "fpu avx2 fma hypervisor") -> str:
    return (
        f"processor\t: {number}\nvendor_id\t: GenuineIntel\n"
        f"model name\t: Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz\n"
        f"physical id\t: {socket}\ncore id\t\t: {core}\nflags\t\t: {flags}\n"
    )


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """Two sockets of two cores with two threads each; the engine may use six CPUs and the time of four and a half."""
    kernel = Kernel(tmp_path)
    kernel.memory(MemTotal=16 * GIB_KB, MemAvailable=8 * GIB_KB)
    kernel.write("proc/cpuinfo", "\n".join(processor(cpu, cpu // 4, cpu // 2 % 2) for cpu in range(8)))
    for cpu in range(8):
        kernel.write(f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", str(cpu // 4))
        kernel.write(f"sys/devices/system/cpu/cpu{cpu}/topology/core_id", str(cpu // 2 % 2))
    for node in range(2):
        kernel.write(f"sys/devices/system/node/node{node}/cpulist", f"{node * 4}-{node * 4 + 3}")
    kernel.process("self", cores="0-7")
    kernel.process("12", name="ollama", cores="0-5", group="/ollama")
    kernel.write("sys/fs/cgroup/ollama/cpu.max", "450000 100000")
    kernel.write("sys/fs/cgroup/ollama/memory.max", str(8 * 2**30))
    return kernel


def test_what_is_told_of_a_machine(kernel: Kernel) -> None:
    power = meters.find_energy_source(40.0, 120.0, 8, kernel.root)
    assert machine.describe(Engine(), power, kernel.root) == {
        "cpu": "Intel Xeon E5-2620 v4",
        "sockets": 2,
        "cores": 3,
        "threads": 8,
        "allowed": 6,
        "quota": 4.5,
        "ram_bytes": 16 * 2**30,
        "ram_limit": 8 * 2**30,
        "nodes": 2,
        "flags": ["fma", "avx2"],
        "virtual": True,
        "governor": "",
        "engine": {"name": "ollama", "label": "Ollama"},
        "energy": {"method": "estimated", "idle_w": 40, "full_w": 120, "assumed": False},
    }


def test_the_same_machine_is_one_row_and_another_limit_is_another(
    site: Site, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.app.app_context():
        first = machine.this_machine(Engine(), WATTS, kernel.root)
        assert first.name == "2 × Intel Xeon E5-2620 v4 · 4.5 CPU · Ollama"
        # Another kernel counts the memory a little otherwise; power and governor do not make another machine.
        kernel.memory(MemTotal=16 * GIB_KB - 70_000, MemAvailable=GIB_KB)
        power = meters.find_energy_source(None, None, 8, kernel.root)
        again = machine.this_machine(Engine(), power, kernel.root)
        assert (again.id, again.description["energy"]["method"]) == (first.id, "estimated")
        kernel.write("sys/fs/cgroup/ollama/cpu.max", "200000 100000")
        assert machine.this_machine(Engine(), WATTS, kernel.root).id != first.id
        monkeypatch.setattr(Engine, "name", "embedded")
        machine.this_machine(Engine(), WATTS, kernel.root)
        assert db.session.scalar(select(func.count()).select_from(LabMachine)) == 3


def test_the_watts_at_rest_are_kept_by_a_process_that_has_not_looked_yet(site: Site, kernel: Kernel) -> None:
    counter = kernel.root / "powercap/intel-rapl:0"
    counter.mkdir(parents=True)
    for name, value in (("name", "package-0"), ("max_energy_range_uj", "1000"), ("energy_uj", "0")):
        (counter / name).write_text(value)
    fresh, looked = (meters.find_energy_source(None, None, 4, counter.parent) for _process in range(2))
    assert looked.method == "rapl"
    looked.idle_w = 7.5
    with site.app.app_context():
        for power, idle_w in ((fresh, None), (looked, 7.5), (fresh, 7.5)):
            assert machine.this_machine(Engine(), power, kernel.root).description["energy"]["idle_w"] == idle_w
        estimate = meters.find_energy_source(20, 80, 4, kernel.root / "none")
        assert machine.this_machine(Engine(), estimate, kernel.root).description["energy"]["idle_w"] == 20


def test_an_engine_without_a_process_here_has_the_limits_of_this_one(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = machine.describe(Engine(), WATTS, kernel.root)
    kernel.process("self", cores="0-5", group="/ollama")
    monkeypatch.setattr(Engine, "pids", lambda _self: ())
    unseen = machine.describe(Engine(), WATTS, kernel.root)
    assert machine.fingerprint(unseen) == machine.fingerprint(seen)


def test_this_very_machine_is_described(site: Site) -> None:
    with site.app.app_context():
        found = machine.this_machine(site.app.extensions["generation"].engine, WATTS).description
    assert found["cpu"]
    assert 1 <= found["sockets"] <= found["threads"]
    assert 1 <= found["allowed"] <= found["threads"]
    assert found["ram_bytes"] > 2**28


def test_a_machine_that_tells_nothing_still_has_a_record(tmp_path: Path) -> None:
    found = machine.describe(Engine(), WATTS, tmp_path)
    assert (found["sockets"], found["cores"], found["flags"], found["ram_bytes"]) == (1, 1, [], 0)
    assert machine.fingerprint(found)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("AMD EPYC 7B13 64-Core Processor", "AMD EPYC 7B13"),
        ("12th Gen Intel(R) Core(TM) i7-1260P", "12th Gen Intel Core i7-1260P"),
        ("Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", "Intel Xeon Gold 6226R"),
    ],
)
def test_names_of_processors_as_people_say_them(kernel: Kernel, told: str, name: str) -> None:
    kernel.write("proc/cpuinfo", f"processor\t: 0\nmodel name\t: {told}\n")
    assert machine.describe(Engine(), WATTS, kernel.root)["cpu"] == name
