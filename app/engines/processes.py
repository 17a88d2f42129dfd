"""The processes of this machine: an engine's that listens at an address, and the children of one."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import psutil

# Processes that listen in place of an engine that runs in a container.
FORWARDERS = ("docker-proxy", "rootlessport", "conmon")


def child_pids(pid: int) -> list[int]:
    """Return the direct children of a process, from /proc; psutil would scan all processes."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return found


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
