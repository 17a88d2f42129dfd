"""Check whether the engine gets the cores and the memory of this machine that it needs."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from flask_babel import gettext as _
from flask_babel import ngettext

from app.diagnostics.checks import Finding, FindingState
from app.formatting import filesize, number, percent

GROUPS = "sys/fs/cgroup"
# Seconds that other programs are watched, and the share of a core from which they matter.
SAMPLE_S = 0.25
BUSY = 0.3
# With less free memory, as a share, the kernel cannot keep the model's file cached.
SHORT, VERY_SHORT = 0.10, 0.03
# A few pages used only at the start are rightly swapped out.
SWAPPED_BYTES = 16 * 2**20
THROTTLED = 0.05
# Drivers whose governor "powersave" still raises the frequency under load.
SELF_RAISING = ("intel_pstate", "amd-pstate-epp")
# Engine → names of its processes, for engines that we do not start; the kernel keeps fifteen characters.
NAMES = {"ollama": ("ollama", "llama-server"), "openai": ("llama-server", "local-ai", "vllm")}


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


@dataclass(frozen=True, slots=True)
class Subject:
    """The engine to check, on this machine; `threads` is 0 if it chooses them, `pids` is empty if none are visible."""

    engine: str
    label: str
    threads: int
    pids: tuple[int, ...] = ()

    @property
    def pid(self) -> int | None:
        """The id of one of the engine's processes; None means our own."""
        return self.pids[-1] if self.pids else None


def processes_named(host: Host, engine: str) -> tuple[int, ...]:
    """Return the ids of the processes with this engine's names."""
    names = NAMES.get(engine, ())
    return tuple(sorted(process.pid for process in host.processes() if names and process.name.startswith(names)))


def host_findings(host: Host, subject: Subject, pause: Callable[[float], None] = time.sleep) -> list[Finding]:
    """Run all checks of the machine; takes SAMPLE_S seconds."""
    return [
        threads(host, subject),
        quota(host, subject),
        load(host, subject, pause),
        memory(host),
        swap(host, subject),
        numa(host),
        governor(host),
    ]


def threads(host: Host, subject: Subject) -> Finding:
    """Check that the engine has no more threads than cores: they would wait for each other."""
    limit, allowed = host.quota(subject.pid), len(host.cores(subject.pid)) or 1
    usable = allowed if limit is None else max(1, min(allowed, int(limit)))
    physical = min(host.physical_cores(subject.pid) or allowed, usable)
    asked = subject.threads
    words = {"engine": subject.label, "threads": _threads(asked), "cores": _cores(usable), "best": physical}
    mend = _("Write ENGINE_THREADS=%(best)s in .env and start again.", **words)
    if subject.engine == "openai":
        cause = _("%(engine)s was started with threads of its own choice; it may use %(cores)s here.", **words)
        return Finding(
            "threads", FindingState.UNKNOWN, cause, _("Its option --threads %(best)s is right here.", **words)
        )
    if not asked and usable < allowed:
        cause = _("%(engine)s counts the machine’s cores and does not see that it may only use %(cores)s.", **words)
        return Finding("threads", FindingState.BAD, cause, mend)
    if not asked:
        text = _("%(engine)s chooses its threads itself; it may use %(cores)s.", **words)
        return Finding("threads", FindingState.OK, text)
    if asked > usable:
        cause = _("%(threads)s for %(cores)s: they wait for each other at every token.", **words)
        return Finding("threads", FindingState.BAD, cause, mend)
    if asked > physical:
        words["cores"] = _cores(physical)
        cause = _("%(threads)s for %(cores)s: two threads of one core write no faster than one.", **words)
        return Finding("threads", FindingState.WARNING, cause, mend)
    return Finding("threads", FindingState.OK, _("%(threads)s for %(cores)s.", **words))


def quota(host: Host, subject: Subject) -> Finding:
    """Check whether a CPU quota stops the engine."""
    limit = host.quota(subject.pid)
    if limit is None:
        return Finding("quota", FindingState.OK, _("No control group limits the CPU."))
    share = host.throttled(subject.pid)
    words = {"cores": _cores(limit), "share": percent(share)}
    if share > THROTTLED:
        cause = _("The control group allows %(cores)s and has stopped the engine in %(share)s of periods.", **words)
        mend = _("Raise the quota (CPUQuota= of the service, --cpus of the container) or lower ENGINE_THREADS.")
        return Finding("quota", FindingState.WARNING, cause, mend)
    return Finding("quota", FindingState.OK, _("The control group allows %(cores)s, which suffices.", **words))


def load(host: Host, subject: Subject, pause: Callable[[float], None]) -> Finding:
    """Check whether other programs take CPU time: the engine is as slow as its slowest thread."""
    before = {process.pid: process.ticks for process in host.processes()}
    pause(SAMPLE_S)
    full = SAMPLE_S * os.sysconf("SC_CLK_TCK")
    # A process that started meanwhile counts from 0 ticks.
    shares = {
        process: (process.ticks - before.get(process.pid, 0)) / full
        for process in host.processes()
        if process.pid not in (*subject.pids, os.getpid())
    }
    allowed = len(host.cores()) or 1
    taken = min(sum(shares.values()), allowed)
    if taken >= BUSY:
        worst = max(shares, key=lambda process: shares[process])
        words = {"share": percent(taken), "name": worst.name, "pid": str(worst.pid)}
        cause = _("They take %(share)s of a core just now, %(name)s (process %(pid)s) most of it.", **words)
        mend = _("What is not for the engine, run elsewhere, or let it give way: sudo renice 19 %(pid)s", **words)
        return Finding("load", FindingState.WARNING, cause, mend)
    words = {"load": number(host.load(), 1), "cores": _cores(allowed)}
    return Finding("load", FindingState.OK, _("None takes much CPU just now (load %(load)s on %(cores)s).", **words))


def memory(host: Host) -> Finding:
    """Check the free memory: a model that does not fit is read from the disk again and again."""
    sizes = host.memory()
    free, whole = sizes.get("MemAvailable", 0), sizes.get("MemTotal", 0)
    if not whole:
        return Finding("memory", FindingState.UNKNOWN, _("This machine does not tell its memory."))
    words = {"free": filesize(free), "whole": filesize(whole)}
    text = _("%(free)s of %(whole)s are free.", **words)
    if free > SHORT * whole:
        return Finding("memory", FindingState.OK, text)
    mend = _("Stop other programs, choose a smaller model, or lower CONTEXT_TOKENS or CACHE_RAM_MB.")
    return Finding("memory", FindingState.BAD if free < VERY_SHORT * whole else FindingState.WARNING, text, mend)


def swap(host: Host, subject: Subject) -> Finding:
    """Check for swapped memory: each token reads the whole model, so swapped parts come from the disk each time."""
    sizes = host.memory()
    used = sizes.get("SwapTotal", 0) - sizes.get("SwapFree", 0)
    swapped = sum(host.swapped(pid) for pid in subject.pids)
    words = {"used": filesize(used), "swapped": filesize(swapped)}
    mend = _("Free memory, then bring it back: sudo swapoff -a && sudo swapon -a")
    if swapped > SWAPPED_BYTES:
        return Finding(
            "swap", FindingState.BAD, _("%(swapped)s of the engine lie in swap, on the disk.", **words), mend
        )
    if not subject.pids and used > SWAPPED_BYTES:
        cause = _("%(used)s lie in swap; whether the engine’s are among them cannot be seen.", **words)
        return Finding("swap", FindingState.WARNING, cause, mend)
    if used:
        return Finding("swap", FindingState.OK, _("%(used)s lie in swap, nothing of the engine.", **words))
    return Finding("swap", FindingState.OK, _("Nothing lies in swap."))


def numa(host: Host) -> Finding:
    """Check for several NUMA nodes: memory of the other one is slower."""
    nodes = host.memory_nodes()
    if nodes <= 1:
        return Finding("numa", FindingState.OK, _("All cores share one memory."))
    cause = _("The machine has %(nodes)s memory nodes: cores that read the other one’s are slowed down.", nodes=nodes)
    mend = _("Start the engine with numactl --cpunodebind=0 --membind=0, or give the virtual machine one socket.")
    return Finding("numa", FindingState.WARNING, cause, mend)


def governor(host: Host) -> Finding:
    """Check whether the governor keeps the CPU frequency low."""
    found = host.governors()
    if not found:
        text = _("This machine does not show how its CPU’s frequency is governed, as is usual for a virtual one.")
        return Finding("governor", FindingState.UNKNOWN, text)
    names = ", ".join(sorted({name for _driver, name in found}))
    if any(name == "powersave" and driver not in SELF_RAISING for driver, name in found):
        cause = _("The governor powersave holds the CPU at its lowest frequency.")
        mend = _("For the time of a start: sudo cpupower frequency-set -g performance")
        return Finding("governor", FindingState.BAD, cause, mend)
    return Finding("governor", FindingState.OK, _("The governor %(names)s follows the work.", names=names))


def _cores(count: float) -> str:
    """Format a number of cores, which a quota may make fractional."""
    digits = 0 if float(count).is_integer() else 1
    return str(ngettext("%(count)s core", "%(count)s cores", ceil(count), count=number(count, digits)))


def _threads(count: int) -> str:
    return str(ngettext("%(count)s thread", "%(count)s threads", count, count=number(count)))
