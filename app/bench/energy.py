"""Energy: counted by the processor itself where the kernel shows its counters, else estimated from the CPU's use."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

POWERCAP = Path("/sys/class/powercap")
# Watts of one logical CPU, doing nothing and working fully: the averages that Cloud Carbon Footprint publishes for
# servers whose processor is not known. Only the difference counts, since what the machine takes anyway is left out.
ASSUMED_IDLE, ASSUMED_FULL = 0.74, 3.54
# How long the machine's rest is looked at, in how many parts: the calmest counts, so that a short stir does no harm.
REST_S, REST_PARTS = 2.0, 8


class Count(Protocol):
    """The energy of one sample while it is measured."""

    def tick(self) -> None:
        """Look at the counters, often enough that none comes round twice unseen."""

    def joules(self, seconds: float, share: float) -> float | None:
        """What was used above the machine's rest; `share` of its CPU went to the engine."""


class Power(Protocol):
    """How energy is known here."""

    @property
    def method(self) -> str:
        """ "rapl" or "estimated"."""

    @property
    def idle_w(self) -> float | None:
        """The watts of the machine at rest; None: not yet seen."""

    def calibrate(self, pause: Callable[[float], object]) -> None:
        """Learn the watts at rest; to be called while nothing runs."""

    def count(self) -> Count:
        """Begin to count."""

    def as_json(self) -> dict[str, object]:
        """For the machine's record."""


def find(watts_idle: float | None, watts_full: float | None, cpus: int = 0, root: Path = POWERCAP) -> Power:
    """The processor's counters if they can be read, else an estimate by the machine's watts as set, else as assumed."""
    zones = _zones(root)
    if zones:
        return Rapl(zones)
    cpus = cpus or os.cpu_count() or 1
    assumed = watts_idle is None or watts_full is None
    idle = ASSUMED_IDLE * cpus if watts_idle is None else watts_idle
    full = idle + (ASSUMED_FULL - ASSUMED_IDLE) * cpus if watts_full is None else watts_full
    return Estimate(idle, max(idle, full), assumed)


@dataclass(frozen=True)
class Estimate:
    """Watts grow with the CPU's use, from rest to full."""

    idle_w: float
    full_w: float
    assumed: bool
    method: str = "estimated"

    def calibrate(self, pause: Callable[[float], object]) -> None:
        """Nothing to learn: the watts are given."""

    def count(self) -> Count:
        return _EstimateCount(self.full_w - self.idle_w)

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "idle_w": self.idle_w, "full_w": self.full_w, "assumed": self.assumed}


@dataclass(frozen=True)
class _EstimateCount:
    watts: float

    def tick(self) -> None:
        """Nothing to look at."""

    def joules(self, seconds: float, share: float) -> float:
        return self.watts * share * seconds


class Zone:
    """One counter in microjoules, which begins at 0 again after `reach`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._reach = int((folder / "max_energy_range_uj").read_text())
        self.read()

    def read(self) -> int:
        """Its value; raises OSError, ValueError."""
        return int(self._file.read_text())

    def since(self, before: int, now: int) -> int:
        """Microjoules between two looks; it came round at most once."""
        return now - before if now >= before else now - before + self._reach + 1


class Rapl:
    """The counters of all sockets and of their memory."""

    method = "rapl"

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones
        self.idle_w: float | None = None

    def calibrate(self, pause: Callable[[float], object]) -> None:
        rests = []
        for _ in range(REST_PARTS):
            count, begun = RaplCount(self._zones, 0.0), monotonic()
            pause(REST_S / REST_PARTS)
            count.tick()
            seconds = monotonic() - begun
            if (used := count.joules(seconds, 0.0)) is not None:
                rests.append(used / seconds)
        self.idle_w = min(rests, default=self.idle_w)

    def count(self) -> Count:
        return RaplCount(self._zones, self.idle_w)

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "idle_w": self.idle_w, "full_w": None, "assumed": False}


class RaplCount:
    """Microjoules of all zones, look by look."""

    def __init__(self, zones: list[Zone], idle_w: float | None) -> None:
        self._zones = zones
        self._idle_w = idle_w
        self._used = 0
        self._last: list[int] | None = None
        self._readable = True
        self.tick()

    def tick(self) -> None:
        try:
            values = [zone.read() for zone in self._zones]
        except (OSError, ValueError):
            # The rights may be taken away meanwhile: no figure is better than a part of one.
            self._readable = False
            return
        for zone, before, now in zip(self._zones, self._last or values, values, strict=True):
            self._used += zone.since(before, now)
        self._last = values

    def joules(self, seconds: float, share: float) -> float | None:
        """None where the counters could not be read, or the rest was never looked at."""
        if not self._readable or self._idle_w is None:
            return None
        return max(0.0, self._used / 1e6 - self._idle_w * seconds)


def _zones(root: Path) -> list[Zone]:
    """The sockets, whose counters hold their cores', and the memory beside them. None where they cannot be read."""
    zones: list[Zone] = []
    try:
        # intel-rapl-mmio shows the same sockets a second time; AMD's processors are called intel-rapl too.
        for folder in sorted(root.glob("intel-rapl:*")):
            name = (folder / "name").read_text().strip()
            if name.startswith("package") or name == "dram":
                zones.append(Zone(folder))
    except (OSError, ValueError):
        return []
    return zones
