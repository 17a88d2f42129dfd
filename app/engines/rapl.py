"""The processor's own counters of energy (RAPL), where the kernel shows them to this account."""

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


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


class Meter:
    """Microjoules of all zones since it was made, look by look: often enough that none comes round twice unseen."""

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones
        self._used = 0
        self._last: list[int] | None = None
        self._readable = True
        self.tick()

    def tick(self) -> None:
        """Look at the counters."""
        try:
            values = [zone.read() for zone in self._zones]
        except (OSError, ValueError):
            # The rights may be taken away meanwhile: no figure is better than a part of one.
            self._readable = False
            return
        for zone, before, now in zip(self._zones, self._last or values, values, strict=True):
            self._used += zone.since(before, now)
        self._last = values

    @property
    def joules(self) -> float | None:
        """What all zones used until the last look; None where one could not be read."""
        return self._used / 1e6 if self._readable else None


def find_zones(root: Path = POWERCAP) -> list[Zone]:
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
