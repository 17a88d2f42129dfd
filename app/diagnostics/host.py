"""What the kernel tells about this machine: cores, limits, memory, processes."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUPS = "sys/fs/cgroup"
# In a process's control group: a service of the system, not of somebody's login.
SERVICE = re.compile(r"^0::/system\.slice/(?:[^/]+\.slice/)*([^/]+\.service)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Process:
    """A running process; `ticks`: CPU time used so far, in clock ticks."""

    pid: int
    name: str
    ticks: int


class Host:
    """What the kernel tells about this machine, read from /proc and /sys below `root`.

    `pid` None is the current process.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def cores(self, pid: int | None = None) -> list[int]:
        """Return the logical CPUs that a process may run on."""
        found = re.search(r"^Cpus_allowed_list:\s*(.+)$", self._of(pid, "status"), re.MULTILINE)
        return _numbers(found[1]) if found else []

    def physical_cores(self, pid: int | None = None) -> int | None:
        """Return how many physical cores those are; None if the machine does not tell."""
        topology = [self._root / f"sys/devices/system/cpu/cpu{core}/topology" for core in self.cores(pid)]
        known = {(_text(path / "physical_package_id"), _text(path / "core_id")) for path in topology}
        return None if not known or ("", "") in known else len(known)

    def quota(self, pid: int | None = None) -> float | None:
        """Return the CPU quota of a process in cores, from its control groups; None for no limit."""
        limits = []
        for group in self._groups(pid):
            with contextlib.suppress(ValueError):
                allowed, period = map(int, _text(group / "cpu.max").split())
                limits.append(allowed / period)
        return min(limits, default=None)

    def throttled(self, pid: int | None = None) -> float:
        """Return the share of periods in which the quota stopped the process, since its group exists."""
        shares = [0.0]
        for group in self._groups(pid):
            counts = dict(line.split() for line in _text(group / "cpu.stat").splitlines())
            if periods := int(counts.get("nr_periods", 0)):
                shares.append(int(counts.get("nr_throttled", 0)) / periods)
        return max(shares)

    def memory(self) -> dict[str, int]:
        """Return the sizes in /proc/meminfo in bytes, by the kernel's names such as MemAvailable."""
        return _sizes(_text(self._root / "proc/meminfo"))

    def memory_limit(self, pid: int | None = None) -> int | None:
        """Return the memory limit of a process in bytes, from its control groups; None for no limit."""
        limits = [text for group in self._groups(pid) if (text := _text(group / "memory.max")).isdigit()]
        return min(map(int, limits), default=None)

    def usable_memory(self) -> int:
        """Return the bytes of RAM that this process may use; 0 if they are unknown."""
        sizes = (self.memory().get("MemTotal"), self.memory_limit())
        return min((size for size in sizes if size), default=0)

    def swapped(self, pid: int) -> int:
        """Return how many bytes of a process are swapped out."""
        return _sizes(self._of(pid, "status")).get("VmSwap", 0)

    def load(self) -> float:
        """Return the load average of the last minute."""
        return float(_text(self._root / "proc/loadavg").split()[0])

    def processes(self) -> Iterator[Process]:
        """Yield all visible processes."""
        for path in (self._root / "proc").glob("[0-9]*"):
            # A process may have ended meanwhile: then its file reads as "".
            head, _, fields = _text(path / "stat").rpartition(")")
            if fields:
                times = fields.split()
                yield Process(int(path.name), head.partition("(")[2], int(times[11]) + int(times[12]))

    def service(self, pid: int) -> str:
        """Return the name of the systemd service that a process belongs to, such as "backup.service"; "" if none."""
        found = SERVICE.search(self._of(pid, "cgroup"))
        return found[1] if found else ""

    def runs(self, pid: int) -> bool:
        """Return whether the process exists."""
        return bool(self._of(pid, "stat"))

    def memory_nodes(self) -> int:
        """Return the number of NUMA nodes that have CPUs."""
        nodes = (self._root / "sys/devices/system/node").glob("node[0-9]*")
        return sum(bool(_text(node / "cpulist")) for node in nodes)

    def governors(self) -> set[tuple[str, str]]:
        """Return the (driver, governor) pairs of the CPUs; empty if the machine does not show them."""
        found = (self._root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq")
        return {(_text(path / "scaling_driver"), _text(path / "scaling_governor")) for path in found}

    def _groups(self, pid: int | None) -> Iterator[Path]:
        """Yield the control group of a process and its parents."""
        top = self._root / GROUPS
        name = next((line[3:] for line in self._of(pid, "cgroup").splitlines() if line.startswith("0::")), "/")
        group = top / name.lstrip("/")
        # Inside a container the name may lead outside of what is mounted.
        if ".." in group.parts or not group.is_dir():
            group = top
        while group != top:
            yield group
            group = group.parent
        yield top

    def _of(self, pid: int | None, file: str) -> str:
        return _text(self._root / "proc" / ("self" if pid is None else str(pid)) / file)


def _text(path: Path) -> str:
    """Return a file's text without surrounding space; "" if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _sizes(text: str) -> dict[str, int]:
    """Return the lines "Name: 12 kB" as bytes by name."""
    return {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _numbers(ranges: str) -> list[int]:
    """Parse the kernel's list of numbers: "0-2,7" is 0, 1, 2, 7."""
    numbers: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
