"""A tree of files like the kernel's, for a machine that is not this one."""

from pathlib import Path


class Kernel:
    """Below `root`: /proc and /sys as far as they were written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/loadavg", "0.50 0.40 0.30 1/100 4242")
        self.write("sys/fs/cgroup/cgroup.controllers", "cpu memory")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def memory(self, **kilobytes: int) -> None:
        """The sizes that the kernel tells."""
        self.write("proc/meminfo", "\n".join(f"{name}:   {size} kB" for name, size in kilobytes.items()))

    def process(
        self,
        pid: str,
        *,
        name: str = "python3",
        cores: str = "0-1",
        group: str = "/",
        ticks: tuple[int, int] = (0, 0),
        swap_kb: int = 0,
    ) -> None:
        """A process; "self" is the one that asks."""
        number = "1" if pid == "self" else pid
        self.write(f"proc/{pid}/status", f"Name:\t{name}\nVmSwap:\t{swap_kb} kB\nCpus_allowed_list:\t{cores}")
        self.write(f"proc/{pid}/cgroup", f"0::{group}")
        self.write(f"proc/{pid}/stat", f"{number} ({name}) S 1" + " 0" * 9 + f" {ticks[0]} {ticks[1]} 0 0")
        if ".." not in group:
            (self.root / "sys/fs/cgroup" / group.lstrip("/")).mkdir(parents=True, exist_ok=True)
