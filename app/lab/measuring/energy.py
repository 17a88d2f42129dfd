"""Energy of a sample: measured by the processor's RAPL counters if readable, else estimated from the CPU's use."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from app.generation.rapl import POWERCAP, EnergyMeter, RaplZone, find_zones

# Watts of one logical CPU at rest and at full load: averages published by Cloud Carbon Footprint for servers with an
# unknown processor. Only the difference counts, since the power at rest is deducted.
ASSUMED_IDLE, ASSUMED_FULL = 0.74, 3.54
# The power at rest is measured for REST_S seconds in REST_PARTS parts; the lowest counts, so that brief activity of
# other processes does no harm.
REST_S, REST_PARTS = 2.0, 8


class Count(Protocol):
    """Counts the energy of one sample."""

    def tick(self) -> None:
        """Read the counters; to be called often enough that none overflows twice in between."""

    def joules(self, seconds: float, share: float) -> float | None:
        """The energy above the machine's rest, in joules, over `seconds`; None when unknown.

        `share`: the part of the machine's CPU capacity that the engine used, 0 to 1.
        """


class Power(Protocol):
    """The source of energy figures on this machine."""

    @property
    def method(self) -> str:
        """The method's name: "rapl" or "estimated"."""

    @property
    def idle_w(self) -> float | None:
        """The machine's power at rest in watts; None before it was measured."""

    def calibrate(self, pause: Callable[[float], object]) -> None:
        """Measure the power at rest; to be called while nothing runs.

        `pause(seconds)` waits, and returns something true when it was cut short.
        """

    def count(self) -> Count:
        """Start counting the energy of a sample."""

    def as_json(self) -> dict[str, object]:
        """The JSON stored in the machine's description."""


def find_energy_source(
    watts_idle: float | None, watts_full: float | None, cpus: int = 0, root: Path = POWERCAP
) -> Power:
    """RAPL if its counters can be read, else an estimate from the configured watts, or from assumed ones where None.

    `cpus` 0: the number of this machine's logical CPUs; `root`: the kernel's powercap folder.
    """
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
    """Estimates energy from the CPU's use: power grows linearly from `idle_w` to `full_w`."""

    idle_w: float
    full_w: float
    assumed: bool
    method: str = "estimated"

    def calibrate(self, pause: Callable[[float], object]) -> None:
        """Do nothing: the power at rest is given."""

    def count(self) -> Count:
        return _EstimateCount(self.full_w - self.idle_w)

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "idle_w": self.idle_w, "full_w": self.full_w, "assumed": self.assumed}


@dataclass(frozen=True)
class _EstimateCount:
    watts: float

    def tick(self) -> None:
        """Do nothing: there is no counter."""

    def joules(self, seconds: float, share: float) -> float:
        return self.watts * share * seconds


class Rapl:
    """Measures energy by the RAPL counters of all sockets and their memory."""

    method = "rapl"

    def __init__(self, zones: list[RaplZone]) -> None:
        self._zones = zones
        self.idle_w: float | None = None

    def calibrate(self, pause: Callable[[float], object]) -> None:
        rests = []
        for _ in range(REST_PARTS):
            count, begun = RaplCount(self._zones, 0.0), monotonic()
            if pause(REST_S / REST_PARTS):
                # Cut short: the counters are updated about once a millisecond, so a very short part could read 0 watts.
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
    """Counts one sample's energy by the RAPL counters, minus the power at rest."""

    def __init__(self, zones: list[RaplZone], idle_w: float | None) -> None:
        self._meter = EnergyMeter(zones)
        self._idle_w = idle_w

    def tick(self) -> None:
        self._meter.tick()

    def joules(self, seconds: float, share: float) -> float | None:
        """The joules above rest; None when a counter could not be read or the power at rest is unknown."""
        used = self._meter.joules
        if used is None or self._idle_w is None:
            return None
        return max(0.0, used - self._idle_w * seconds)
