"""What this machine knows of an engine: the processor's energy counters (RAPL), and the processes at its address."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import psutil


POWERCAP = Path("/sys/class/powercap")
# Processes that listen in place of an engine that runs in a container.
FORWARDERS = ("docker-proxy", "rootlessport", "conmon")


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


def processes_listening(url: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the pids that listen at this URL, and of their children; empty if it is another machine's.

    Only root and the owner can see who owns a socket; for other accounts, the processes whose names begin with one of
    `names` are taken instead.
    """
    # Imported here: only measuring needs it, and it would take memory in the web process.
    import psutil  # noqa: PLC0415

    parts = urlsplit(url)
    if not _is_here(parts.hostname or ""):
        return ()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        sockets = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        # This account may not list sockets.
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
