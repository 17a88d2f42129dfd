"""Energy: counted by the processor itself where the kernel shows its counters, else estimated from the CPU's use."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from app.engines.host import POWERCAP, EnergyMeter, RaplZone, find_zones

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
        """Learn the watts at rest; to be called while nothing runs. `pause` tells whether it was cut short."""

    def count(self) -> Count:
        """Begin to count."""

    def as_json(self) -> dict[str, object]:
        """For the machine's record."""


def find_energy_source(
    watts_idle: float | None, watts_full: float | None, cpus: int = 0, root: Path = POWERCAP
) -> Power:
    """The processor's counters if they can be read, else an estimate by the machine's watts as set, else as assumed."""
    zones = find_zones(root)
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


class Rapl:
    """The counters of all sockets and of their memory."""

    method = "rapl"

    def __init__(self, zones: list[RaplZone]) -> None:
        self._zones = zones
        self.idle_w: float | None = None

    def calibrate(self, pause: Callable[[float], object]) -> None:
        rests = []
        for _ in range(REST_PARTS):
            count, begun = RaplCount(self._zones, 0.0), monotonic()
            if pause(REST_S / REST_PARTS):
                # Somebody came: the counters stand still for a moment, which would look like no watts at all.
                break
            count.tick()
            seconds = monotonic() - begun
            if (used := count.joules(seconds, 0.0)) is None:
                break
            rests.append(used / seconds)
        self.idle_w = min(rests, default=self.idle_w)

    def count(self) -> Count:
        return RaplCount(self._zones, self.idle_w)

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "idle_w": self.idle_w, "full_w": None, "assumed": False}


class RaplCount:
    """What the counters tell beyond the machine's rest."""

    def __init__(self, zones: list[RaplZone], idle_w: float | None) -> None:
        self._meter = EnergyMeter(zones)
        self._idle_w = idle_w

    def tick(self) -> None:
        self._meter.tick()

    def joules(self, seconds: float, share: float) -> float | None:
        """None where the counters could not be read, or the rest was never looked at."""
        used = self._meter.joules
        if used is None or self._idle_w is None:
            return None
        return max(0.0, used - self._idle_w * seconds)
