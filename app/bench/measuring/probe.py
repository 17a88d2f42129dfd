"""One look at the machine and at the engine's processes: CPU seconds so far, memory now."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, thread_time, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# Which processes are the engine's is asked anew so many seconds apart, at each look while there is none, and the more
# rarely the longer that takes.
ASK_S, ASK_COST = 2.0, 500.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """CPU seconds count on from look to look; `busy` and `capacity` are of all cores together."""

    at: float
    busy: float
    capacity: float
    engine: float
    own: float
    engine_ram: int
    ram_percent: float


class Probe:
    """`pids` names the engine's processes on this machine."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        # Only the Labo needs it, and the web process is to stay small.
        import psutil  # noqa: PLC0415

        self._psutil = psutil
        self._pids = pids
        self._own = psutil.Process()
        self._followed: dict[int, _Followed] = {}
        # CPU seconds of those that have ended.
        self._ended = 0.0
        self._since = time()
        self._ask_at = 0.0

    def read(self) -> Snapshot:
        """Look once."""
        now = monotonic()
        if now >= self._ask_at:
            self._ask()
        # A loaded model is a new process in some engines: it is not waited for until all are asked for again.
        for child in {child for pid in self._followed for child in _children(pid)}:
            self._follow(child)
        engine_ram = self._look()
        if not self._followed and now >= self._ask_at:
            self._ask()
            engine_ram = self._look()
        times = self._psutil.cpu_times()
        # A guest's time is counted in its host's user time; stolen time went to somebody else.
        capacity = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._own.cpu_times()
        return Snapshot(
            at=now,
            busy=capacity - times.idle - getattr(times, "iowait", 0.0),
            capacity=capacity,
            engine=self._ended + sum(one.used for one in self._followed.values()),
            own=own.user + own.system,
            engine_ram=engine_ram,
            ram_percent=self._psutil.virtual_memory().percent,
        )

    def _look(self) -> int:
        """The engine's memory; its CPU time is kept with each process."""
        memory = 0
        for pid, one in list(self._followed.items()):
            try:
                memory += one.look()
            except self._psutil.Error:
                self._ended += one.used
                del self._followed[pid]
                # Another may be taking its place.
                self._ask_at = 0.0
        return memory

    def _follow(self, pid: int) -> None:
        if pid not in self._followed:
            # It may have ended meanwhile.
            with suppress(self._psutil.Error):
                self._followed[pid] = _Followed(self._psutil.Process(pid), self._since)

    def _ask(self) -> None:
        begun = thread_time()
        for pid in self._pids():
            self._follow(pid)
        self._ask_at = monotonic() + max(ASK_S if self._followed else 0.0, (thread_time() - begun) * ASK_COST)


def _children(pid: int) -> list[int]:
    """The processes that this one started; psutil would look through all that there are."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return found


class _Followed:
    """A process and the CPU seconds that it used since it was first seen, or since its start if that was later."""

    def __init__(self, process: "psutil.Process", since: float) -> None:
        self._process = process
        self._before = 0.0
        self.used = 0.0
        self.look()
        # The kernel's own time of starting is exact to the second only.
        if process.create_time() < since - 1:
            self._before, self.used = self.used, 0.0

    def look(self) -> int:
        with self._process.oneshot():
            times = self._process.cpu_times()
            self.used = times.user + times.system - self._before
            return int(self._process.memory_info().rss)
