"""The processes of this machine: an engine's that listens at an address, and the children of one."""

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

# Processes that listen in place of an engine that runs in a container.
FORWARDERS = ("docker-proxy", "rootlessport", "conmon")


def child_pids(pid: int) -> list[int]:
    """Return the direct children of a process, from /proc; psutil would scan all processes."""
    found = []
    # Threads and processes end meanwhile.
    with suppress(OSError):
        for thread in list(Path(f"/proc/{pid}/task").iterdir()):
            with suppress(OSError):
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def argument(pid: int, option: str, default: str = "") -> str:
    """Return what follows an option in a process's command line; `default` if it is not there or cannot be read."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return default
    return words[words.index(option) + 1] if option in words[:-1] else default


def processes_listening(url: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the pids that listen at this URL, and of their children; empty if it is another machine's.

    Only root and the owner can see who owns a socket; for other accounts, the processes whose names begin with one of
    `names` are taken instead.
    """
    # Imported here: only measuring needs it, and it would take memory in the web process.
    import psutil  # noqa: PLC0415

    parts = urlsplit(url)
    host = parts.hostname or ""
    own_addresses = {address.address for card in psutil.net_if_addrs().values() for address in card}
    if host != "localhost" and not host.startswith("127.") and host not in own_addresses:
        return ()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        sockets = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        # This account may not list sockets.
        sockets = []
    owners = {each.pid for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr.port == port}
    running = {each.pid: each.info["name"] or "" for each in psutil.process_iter(["name"])}
    found = [pid for pid, name in running.items() if pid in owners and name not in FORWARDERS]
    if not found:
        found = [pid for pid, name in running.items() if name.startswith(names)]
    return tuple(sorted({member for pid in found for member in _family(pid)}))


def _family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    return [pid, *(member for child in child_pids(pid) for member in _family(child))]
