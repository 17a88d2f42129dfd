"""The memory that a program with all its children holds, and what the machine shares: files that are only there."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SHARED = re.compile(r"^Shmem:\s+(\d+) kB$", re.MULTILINE)


def of(pid: int) -> int:
    """Bytes that a process and all below it hold."""
    return sum(_resident(one) for one in _below(pid))


def shared(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Bytes of files that lie in memory only, and of shared segments: no process shows those that it has not mapped."""
    try:
        found = SHARED.search(meminfo.read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _below(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _below(int(child))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
