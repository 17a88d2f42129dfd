"""The processor's own counters of energy (RAPL), where the kernel shows them to this account."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import psutil


POWERCAP = Path("/sys/class/powercap")
# What listens in the place of an engine that runs in a container.
FORWARDERS = ("docker-proxy", "rootlessport", "conmon")


class RaplZone:
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


class EnergyMeter:
    """Microjoules of all zones since it was made, look by look: often enough that none comes round twice unseen."""

    def __init__(self, zones: list[RaplZone]) -> None:
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


def find_zones(root: Path = POWERCAP) -> list[RaplZone]:
    """The sockets, whose counters hold their cores', and the memory beside them. None where they cannot be read."""
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


def processes_listening(url: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Those that listen at this address, and their children; none when it is another machine's.

    The owner of a socket is told to the administrator and to the owner only: for anybody else, the processes whose
    names begin with one of `names`.
    """
    # Here because only measuring needs it, and the web process's memory is counted.
    import psutil  # noqa: PLC0415

    parts = urlsplit(url)
    if not _is_here(parts.hostname or ""):
        return ()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        sockets = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        # Not told to this account at all.
        sockets = []
    owners = {
        each.pid for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid
    }
    running = {each.pid: each for each in psutil.process_iter(["name"])}
    found = [running[pid] for pid in owners if pid in running and running[pid].info["name"] not in FORWARDERS]
    if not found:
        found = [each for each in running.values() if (each.info["name"] or "").startswith(names)]
    return tuple(sorted({pid for each in found for pid in _family(each)}))


def _family(process: "psutil.Process") -> list[int]:
    import psutil  # noqa: PLC0415

    try:
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        # It has ended meanwhile.
        return []


def _is_here(host: str) -> bool:
    import psutil  # noqa: PLC0415

    if host == "localhost" or host.startswith("127."):
        return True
    return any(host == address.address for card in psutil.net_if_addrs().values() for address in card)
