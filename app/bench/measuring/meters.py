"""What a sample costs the machine: CPU, memory and energy while it runs, seen twice a second from a thread aside."""

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from app.bench.measuring.energy import Count, Power
from app.bench.measuring.probe import Probe, Snapshot

INTERVAL_S = 0.5
# Others disturb where they take more than this part of a core, for this part of the time and for so long at least.
OTHERS_CORES, OTHERS_SHARE, OTHERS_S = 0.3, 0.2, 0.5


class Meter:
    """`with Meter(engine.pids, power=power) as meter: …`; then its `metrics`, `series` and `disturbed` are known.

    It costs less than a hundredth of a core.
    """

    def __init__(
        self, pids: Callable[[], Sequence[int]], *, power: Power | None = None, interval_s: float = INTERVAL_S
    ) -> None:
        self._pids = pids
        self._power = power
        self._interval_s = interval_s
        self._snapshots: list[Snapshot] = []
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
        self.metrics = metrics(self._snapshots) | self._energy()
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


def metrics(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
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


def series(snapshots: Sequence[Snapshot]) -> list[list[float]]:
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


def disturbed(snapshots: Sequence[Snapshot]) -> bool:
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


def _cores(before: Snapshot, after: Snapshot, used: float) -> float:
    """CPU seconds as cores' worth; never less than none, though counters are not read at one and the same time."""
    return max(0.0, used / (after.at - before.at)) if after.at > before.at else 0.0


def _machine(before: Snapshot, after: Snapshot) -> float:
    """The part of the machine's cores that worked, 0 to 100."""
    if after.capacity <= before.capacity:
        return 0.0
    return min(100.0, max(0.0, 100 * (after.busy - before.busy) / (after.capacity - before.capacity)))
