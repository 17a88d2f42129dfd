"""What the stand-ins lack: told, so that nobody blames a program for the name that only the real module knows."""

from pathlib import Path
from typing import Any

UNKNOWN: list[str] = []


class Told:
    """A class that stands in for one of the real module's."""

    def __getattr__(self, name: str) -> Any:
        raise missing(type(self).__name__, name)


def missing(owner: str, name: str) -> AttributeError:
    """The error for a name that is not here; noted when the real one has it, or when that is not known."""
    if not name.startswith("_") and name in REAL.get(owner, {name}):
        UNKNOWN.append(f"{owner}.{name}")
    return AttributeError(f"{owner!r} has no attribute {name!r}")


def _real() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (Path(__file__).parent / "pygame/names.txt").read_text().splitlines():
        owner, _, names = line.rpartition(":")
        owner = owner or next(reversed(found), "")
        found.setdefault(owner, set()).update(names.split())
    return found


REAL = _real()
