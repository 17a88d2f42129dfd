"""A model's file in the kernel's memory: found where the engine uses it, and dropped to be read anew."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Programs and their libraries are smaller, and must stay.
LARGE_BYTES = 16 * 2**20
MODEL = re.compile(r"\.gguf$|/sha256-[0-9a-f]{64}$")


def model_files(pids: Iterable[int], root: Path = Path("/proc")) -> frozenset[Path]:
    """The models' files that these processes use; none where we may not look."""
    found: set[Path] = set()
    for pid in pids:
        with suppress(OSError):
            lines = (root / str(pid) / "maps").read_text(errors="replace").splitlines()
            found |= {Path(line.split(maxsplit=5)[5]) for line in lines if MODEL.search(line)}
    return frozenset(found)


def drop(files: Iterable[Path]) -> bool:
    """Have the kernel forget these files' contents; whether it was told to, for all of them and for one at least."""
    told = False
    for path in files:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            if os.fstat(file).st_size >= LARGE_BYTES:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                told = True
        except OSError:
            return False
        finally:
            os.close(file)
    return told
