"""Measure CPU, memory and energy while a sample runs, from a thread that reads the counters twice a second."""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic, thread_time, time
from typing import TYPE_CHECKING, Any, Self

from app.engines.processes import child_pids
from app.generation.rapl import POWERCAP, EnergyMeter, RaplZone, find_zones

if TYPE_CHECKING:
    import psutil

# The engine's process ids are looked up every FIND_S seconds, at each reading while there are none. A look-up that took
# long is repeated only after FIND_COST times its own CPU time.
FIND_S, FIND_COST = 2.0, 500.0
INTERVAL_S = 0.5
# A sample is disturbed when other processes use more than this part of a core, for at least this share of the time and
# at least so many seconds.
OTHERS_CORES, OTHERS_SHARE, OTHERS_S = 0.3, 0.2, 0.5

# Watts of one logical CPU at rest and at full load: averages published by Cloud Carbon Footprint for servers with an
# unknown processor. Only the difference counts, since the power at rest is deducted.
ASSUMED_IDLE, ASSUMED_FULL = 0.74, 3.54
# The power at rest is measured for REST_S seconds in REST_PARTS parts; the lowest counts, so that brief activity of
# other processes does no harm.
REST_S, REST_PARTS = 2.0, 8


# Energy


@dataclass
class Power:
    """A source of energy figures: the processor's RAPL counters in `zones`, else an estimate from the CPU's use.

    The estimate grows linearly with the CPU's use from `idle_w` to `full_w`. With counters, `idle_w` is None until it
    was measured, and `full_w` is None. `assumed`: the watts are averages of servers, not configured ones.
    """

    zones: list[RaplZone]
    idle_w: float | None = None
    full_w: float | None = None
    assumed: bool = False

    @property
    def method(self) -> str:
        """How the energy is known: "rapl" or "estimated"."""
        return "rapl" if self.zones else "estimated"

    def calibrate(self, pause: Callable[[float], object]) -> None:
        """Measure the power at rest by the counters, if there are any; to be called while nothing runs.

        `pause(seconds)` waits, and returns something true when it was cut short.
        """
        rests = []
        for _ in range(REST_PARTS if self.zones else 0):
            counters, begun = EnergyMeter(self.zones), monotonic()
            if pause(REST_S / REST_PARTS):
                # Cut short: the counters are updated about once a millisecond, so a very short part could read 0 watts.
                break
            counters.tick()
            if counters.joules is None:
                break
            rests.append(counters.joules / (monotonic() - begun))
        self.idle_w = min(rests, default=self.idle_w)

    def joules(self, counters: EnergyMeter, seconds: float, share: float) -> float | None:
        """The joules above rest; None when a counter could not be read or the power at rest is unknown.

        `counters`: those of `zones`, made `seconds` ago; `share`: the part of the machine's CPU capacity that the
        engine used, 0 to 1.
        """
        if self.idle_w is None:
            return None
        if self.full_w is not None:
            return (self.full_w - self.idle_w) * share * seconds
        return None if counters.joules is None else max(0.0, counters.joules - self.idle_w * seconds)

    def as_json(self) -> dict[str, object]:
        """The JSON stored in the machine's description."""
        return {"method": self.method, "idle_w": self.idle_w, "full_w": self.full_w, "assumed": self.assumed}


def find_energy_source(
    watts_idle: float | None, watts_full: float | None, cpus: int = 0, root: Path = POWERCAP
) -> Power:
    """RAPL if its counters can be read, else an estimate from the configured watts, or from assumed ones where None.

    `cpus` 0: the number of this machine's logical CPUs; `root`: the kernel's powercap folder.
    """
    zones = find_zones(root)
    if zones:
        return Power(zones)
    cpus = cpus or os.cpu_count() or 1
    assumed = watts_idle is None or watts_full is None
    idle = ASSUMED_IDLE * cpus if watts_idle is None else watts_idle
    full = idle + (ASSUMED_FULL - ASSUMED_IDLE) * cpus if watts_full is None else watts_full
    return Power([], idle, max(idle, full), assumed)


# CPU and memory


@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """One reading of the counters at the monotonic time `at`.

    `busy`, `capacity`: CPU seconds used and available on all cores; `engine`, `own`: CPU seconds of the engine's
    processes and of this one. All four only grow. `engine_ram`: bytes; `ram_percent`: of the machine.
    """

    at: float
    busy: float
    capacity: float
    engine: float
    own: float
    engine_ram: int
    ram_percent: float


class Probe:
    """Reads the counters and follows the engine's processes; `pids` returns their ids on this machine."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        # Only the Labo needs it, and the web process is to stay small.
        import psutil  # noqa: PLC0415

        self._psutil = psutil
        self._pids = pids
        self._own = psutil.Process()
        self._followed: dict[int, _Followed] = {}
        # CPU seconds of followed processes that have ended.
        self._ended = 0.0
        self._since = time()
        self._find_at = 0.0

    def read(self) -> UsageSnapshot:
        """Take one reading."""
        now = monotonic()
        if now >= self._find_at:
            self._find_processes()
        # Some engines start a process for each loaded model: find it now, not only at the next look-up.
        for child in {child for pid in self._followed for child in child_pids(pid)}:
            self._follow(child)
        engine_ram = self._read_processes()
        if not self._followed and now >= self._find_at:
            self._find_processes()
            engine_ram = self._read_processes()
        times = self._psutil.cpu_times()
        # Guests' time is already part of the user time; steal time stays: another virtual machine used it.
        capacity = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._own.cpu_times()
        return UsageSnapshot(
            at=now,
            busy=capacity - times.idle - getattr(times, "iowait", 0.0),
            capacity=capacity,
            engine=self._ended + sum(one.used for one in self._followed.values()),
            own=own.user + own.system,
            engine_ram=engine_ram,
            ram_percent=self._psutil.virtual_memory().percent,
        )

    def _read_processes(self) -> int:
        """Read every followed process; returns their resident memory in bytes."""
        memory = 0
        for pid, one in list(self._followed.items()):
            try:
                memory += one.read()
            except self._psutil.Error:
                self._ended += one.used
                del self._followed[pid]
                # A new process may replace it: look up the ids at the next reading.
                self._find_at = 0.0
        return memory

    def _follow(self, pid: int) -> None:
        if pid not in self._followed:
            # It may have ended meanwhile.
            with suppress(self._psutil.Error):
                self._followed[pid] = _Followed(self._psutil.Process(pid), self._since)

    def _find_processes(self) -> None:
        begun = thread_time()
        for pid in self._pids():
            self._follow(pid)
        self._find_at = monotonic() + max(FIND_S if self._followed else 0.0, (thread_time() - begun) * FIND_COST)


class _Followed:
    """A process and the CPU seconds it used since the probe first saw it, or since its start if it started later."""

    def __init__(self, process: "psutil.Process", since: float) -> None:
        self._process = process
        self._before = 0.0
        self.used = 0.0
        self.read()
        # psutil's creation time is exact to about a second only.
        if process.create_time() < since - 1:
            self._before, self.used = self.used, 0.0

    def read(self) -> int:
        with self._process.oneshot():
            times = self._process.cpu_times()
            self.used = times.user + times.system - self._before
            return int(self._process.memory_info().rss)


class SampleMeter:
    """A context manager that meters its block; on exit it sets `metrics`, `series` and `disturbed`.

    `with SampleMeter(engine.pids, power) as meter: …`. It costs less than 1 % of a core.
    """

    def __init__(self, pids: Callable[[], Sequence[int]], power: Power, *, interval_s: float = INTERVAL_S) -> None:
        self._pids = pids
        self._power = power
        self._interval_s = interval_s
        self._snapshots: list[UsageSnapshot] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="labo-meter", daemon=True)
        self.metrics: dict[str, Any] = {}
        self.series: list[list[float]] = []
        self.disturbed = False

    def __enter__(self) -> Self:
        self._probe = Probe(self._pids)
        self._counters = EnergyMeter(self._power.zones)
        self._snapshots.append(self._probe.read())
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        last = self._probe.read()
        # CPU times have a resolution of 10 ms: a very short last interval would be noise.
        if len(self._snapshots) > 1 and last.at - self._snapshots[-1].at < self._interval_s / 2:
            self._snapshots.pop()
        self._snapshots.append(last)
        self.series = series(self._snapshots)
        self.metrics = meter_metrics(self._snapshots) | self._energy()
        self.disturbed = disturbed(self._snapshots)

    def _watch(self) -> None:
        while not self._over.wait(self._interval_s):
            self._snapshots.append(self._probe.read())
            self._counters.tick()

    def _energy(self) -> dict[str, Any]:
        self._counters.tick()
        first, last = self._snapshots[0], self._snapshots[-1]
        used = last.engine - first.engine if last.engine_ram else last.busy - first.busy
        share = used / (last.capacity - first.capacity) if last.capacity > first.capacity else 0.0
        joules = self._power.joules(self._counters, last.at - first.at, min(1.0, share))
        if joules is None:
            return {}
        return {
            "energy_j": round(joules, 3),
            "energy_method": self._power.method,
            "idle_w": round(self._power.idle_w or 0.0, 2),
        }


def meter_metrics(snapshots: Sequence[UsageSnapshot]) -> dict[str, Any]:
    """Means and peaks of CPU and memory; the engine's only when its processes were seen.

    The machine's figures are percentages of the machine; the engine's CPU is in percent of one core, its RAM in bytes.
    """
    first, last = snapshots[0], snapshots[-1]
    points = series(snapshots)
    found: dict[str, Any] = {
        "cpu_machine_mean": round(_machine(first, last), 1),
        "cpu_machine_peak": max(point[2] for point in points),
        "ram_machine_peak": max(snapshot.ram_percent for snapshot in snapshots),
    }
    if ram := max(snapshot.engine_ram for snapshot in snapshots):
        found |= {
            "cpu_engine_mean": round(_cores(first, last, last.engine - first.engine) * 100, 1),
            "cpu_engine_peak": max(point[1] for point in points),
            "ram_engine_peak": ram,
        }
    return found


def series(snapshots: Sequence[UsageSnapshot]) -> list[list[float]]:
    """A row for each interval: [seconds at its end, engine CPU % of a core, machine CPU %, engine RAM bytes]."""
    begun = snapshots[0].at
    return [
        [
            round(after.at - begun, 2),
            round(_cores(before, after, after.engine - before.engine) * 100, 1),
            round(_machine(before, after), 1),
            after.engine_ram,
        ]
        for before, after in pairwise(snapshots)
    ]


def disturbed(snapshots: Sequence[UsageSnapshot]) -> bool:
    """Whether processes other than the engine's and this one used CPU for too long.

    Always False when the engine's processes cannot be seen, since then any load may be the engine's.
    """
    if not any(snapshot.engine_ram for snapshot in snapshots):
        return False
    intervals = list(pairwise(snapshots))
    others = [
        (after.busy - before.busy) - (after.engine - before.engine) - (after.own - before.own)
        for before, after in intervals
    ]
    # A new engine process is first read one interval late, which makes that interval negative: its CPU time until then
    # had been counted as others'.
    for place in range(len(others) - 1, 0, -1):
        if others[place] < 0:
            others[place - 1] += others[place]
    taken = sum(
        after.at - before.at
        for (before, after), used in zip(intervals, others, strict=True)
        if _cores(before, after, used) > OTHERS_CORES
    )
    return taken >= max(OTHERS_S, OTHERS_SHARE * (snapshots[-1].at - snapshots[0].at))


def _cores(before: UsageSnapshot, after: UsageSnapshot, used: float) -> float:
    """CPU seconds used in an interval as a number of cores; at least 0, since counters are read one after another."""
    return max(0.0, used / (after.at - before.at)) if after.at > before.at else 0.0


def _machine(before: UsageSnapshot, after: UsageSnapshot) -> float:
    """The machine's CPU use in an interval, in percent of all cores."""
    if after.capacity <= before.capacity:
        return 0.0
    return min(100.0, max(0.0, 100 * (after.busy - before.busy) / (after.capacity - before.capacity)))
