"""What a sample costs the machine: CPU, memory and energy while it runs, seen twice a second from a thread aside."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic, thread_time, time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from app.lab.measuring.energy import Count, Power

if TYPE_CHECKING:
    import psutil


# Which processes are the engine's is asked anew so many seconds apart, at each look while there is none, and the more
# rarely the longer that takes.
ASK_S, ASK_COST = 2.0, 500.0
INTERVAL_S = 0.5
# Others disturb where they take more than this part of a core, for this part of the time and for so long at least.
OTHERS_CORES, OTHERS_SHARE, OTHERS_S = 0.3, 0.2, 0.5


@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """CPU seconds count on from look to look; `busy` and `capacity` are of all cores together."""

    at: float
    busy: float
    capacity: float
    engine: float
    own: float
    engine_ram: int
    ram_percent: float


class Probe:
    """`pids` names the engine's processes on this machine."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        # Only the Labo needs it, and the web process is to stay small.
        import psutil  # noqa: PLC0415

        self._psutil = psutil
        self._pids = pids
        self._own = psutil.Process()
        self._followed: dict[int, _Followed] = {}
        # CPU seconds of those that have ended.
        self._ended = 0.0
        self._since = time()
        self._ask_at = 0.0

    def read(self) -> UsageSnapshot:
        """Look once."""
        now = monotonic()
        if now >= self._ask_at:
            self._ask()
        # A loaded model is a new process in some engines: it is not waited for until all are asked for again.
        for child in {child for pid in self._followed for child in _children(pid)}:
            self._follow(child)
        engine_ram = self._look()
        if not self._followed and now >= self._ask_at:
            self._ask()
            engine_ram = self._look()
        times = self._psutil.cpu_times()
        # A guest's time is counted in its host's user time; stolen time went to somebody else.
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

    def _look(self) -> int:
        """The engine's memory; its CPU time is kept with each process."""
        memory = 0
        for pid, one in list(self._followed.items()):
            try:
                memory += one.look()
            except self._psutil.Error:
                self._ended += one.used
                del self._followed[pid]
                # Another may be taking its place.
                self._ask_at = 0.0
        return memory

    def _follow(self, pid: int) -> None:
        if pid not in self._followed:
            # It may have ended meanwhile.
            with suppress(self._psutil.Error):
                self._followed[pid] = _Followed(self._psutil.Process(pid), self._since)

    def _ask(self) -> None:
        begun = thread_time()
        for pid in self._pids():
            self._follow(pid)
        self._ask_at = monotonic() + max(ASK_S if self._followed else 0.0, (thread_time() - begun) * ASK_COST)


def _children(pid: int) -> list[int]:
    """The processes that this one started; psutil would look through all that there are."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return found


class _Followed:
    """A process and the CPU seconds that it used since it was first seen, or since its start if that was later."""

    def __init__(self, process: "psutil.Process", since: float) -> None:
        self._process = process
        self._before = 0.0
        self.used = 0.0
        self.look()
        # The kernel's own time of starting is exact to the second only.
        if process.create_time() < since - 1:
            self._before, self.used = self.used, 0.0

    def look(self) -> int:
        with self._process.oneshot():
            times = self._process.cpu_times()
            self.used = times.user + times.system - self._before
            return int(self._process.memory_info().rss)


class SampleMeter:
    """`with Meter(engine.pids, power=power) as meter: …`; then its `metrics`, `series` and `disturbed` are known.

    It costs less than a hundredth of a core.
    """

    def __init__(
        self, pids: Callable[[], Sequence[int]], *, power: Power | None = None, interval_s: float = INTERVAL_S
    ) -> None:
        self._pids = pids
        self._power = power
        self._interval_s = interval_s
        self._snapshots: list[UsageSnapshot] = []
        self._count: Count | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="labo-meter", daemon=True)
        self.metrics: dict[str, Any] = {}
        self.series: list[list[float]] = []
        self.disturbed = False

    def __enter__(self) -> Self:
        self._probe = Probe(self._pids)
        self._count = self._power.count() if self._power else None
        self._snapshots.append(self._probe.read())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        last = self._probe.read()
        # Processors' times are counted in hundredths of a second: a very short interval would show anything.
        if len(self._snapshots) > 1 and last.at - self._snapshots[-1].at < self._interval_s / 2:
            self._snapshots.pop()
        self._snapshots.append(last)
        self.series = series(self._snapshots)
        self.metrics = meter_metrics(self._snapshots) | self._energy()
        self.disturbed = disturbed(self._snapshots)

    def _watch(self) -> None:
        while not self._over.wait(self._interval_s):
            self._snapshots.append(self._probe.read())
            if self._count:
                self._count.tick()

    def _energy(self) -> dict[str, Any]:
        if self._power is None or self._count is None:
            return {}
        self._count.tick()
        first, last = self._snapshots[0], self._snapshots[-1]
        used = last.engine - first.engine if last.engine_ram else last.busy - first.busy
        share = used / (last.capacity - first.capacity) if last.capacity > first.capacity else 0.0
        joules = self._count.joules(last.at - first.at, min(1.0, share))
        if joules is None:
            return {}
        return {
            "energy_j": round(joules, 3),
            "energy_method": self._power.method,
            "idle_w": round(self._power.idle_w or 0.0, 2),
        }


def meter_metrics(snapshots: Sequence[UsageSnapshot]) -> dict[str, Any]:
    """Means and peaks; the engine's only where its processes were seen. 100 of its CPU are one core."""
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
    """[seconds, engine CPU %, machine CPU %, engine RAM bytes] at the end of each interval."""
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
    """Whether processes that are neither the engine's nor ours took CPU for too long.

    Nobody knows where the engine's processes cannot be seen: then whatever works may be the engine.
    """
    if not any(snapshot.engine_ram for snapshot in snapshots):
        return False
    intervals = list(pairwise(snapshots))
    others = [
        (after.busy - before.busy) - (after.engine - before.engine) - (after.own - before.own)
        for before, after in intervals
    ]
    # A new process of the engine is seen one look later: what it had used by then was not others'.
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
    """CPU seconds as cores' worth; never less than none, though counters are not read at one and the same time."""
    return max(0.0, used / (after.at - before.at)) if after.at > before.at else 0.0


def _machine(before: UsageSnapshot, after: UsageSnapshot) -> float:
    """The part of the machine's cores that worked, 0 to 100."""
    if after.capacity <= before.capacity:
        return 0.0
    return min(100.0, max(0.0, 100 * (after.busy - before.busy) / (after.capacity - before.capacity)))
