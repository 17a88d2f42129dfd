"""The energy that the processor counts: Intel's and AMD's RAPL counters."""

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class RaplZone:
    """One RAPL counter in microjoules, which wraps to 0 after `max_energy_range_uj`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._reach = int((folder / "max_energy_range_uj").read_text())
        self.read()

    def read(self) -> int:
        """Return the counter's value; raises OSError, ValueError."""
        return int(self._file.read_text())

    def since(self, before: int, now: int) -> int:
        """Return the microjoules between two readings, between which it wrapped at most once."""
        return now - before if now >= before else now - before + self._reach + 1


class EnergyMeter:
    """Energy of all zones since the meter was made; call `tick` often enough that no counter wraps twice unseen."""

    def __init__(self, zones: list[RaplZone]) -> None:
        self._zones = zones
        self._used = 0
        self._last: list[int] | None = None
        self._readable = True
        self.tick()

    def tick(self) -> None:
        """Read the counters."""
        try:
            values = [zone.read() for zone in self._zones]
        except (OSError, ValueError):
            # The permission may be revoked meanwhile: no figure is better than a part of one.
            self._readable = False
            return
        for zone, before, now in zip(self._zones, self._last or values, values, strict=True):
            self._used += zone.since(before, now)
        self._last = values

    @property
    def joules(self) -> float | None:
        """Joules of all zones until the last `tick`; None if one could not be read."""
        return self._used / 1e6 if self._readable else None


def find_zones(root: Path = POWERCAP) -> list[RaplZone]:
    """Return the counters of the CPU packages, which include their cores, and of the memory; empty if unreadable."""
    zones: list[RaplZone] = []
    try:
        # intel-rapl-mmio shows the same sockets a second time; AMD's processors are called intel-rapl too.
        for folder in sorted(root.glob("intel-rapl:*")):
            name = (folder / "name").read_text().strip()
            if name.startswith("package") or name == "dram":
                zones.append(RaplZone(folder))
    except (OSError, ValueError):
        return []
    return zones
