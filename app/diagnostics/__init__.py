"""Find out why answers are slower than they could be on this server, and how to fix it.

Every check returns a `Finding`: a state, its cause and its fix.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext as _l


class FindingState(StrEnum):
    """The state of what was checked; UNKNOWN if it cannot be seen from here."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    BAD = "bad"


TITLES = {
    "engine": _l("Engine"),
    "version": _l("Engine’s version"),
    "server": _l("Server"),
    "database": _l("Database"),
    "terminal": _l("Same as the terminal"),
    "threads": _l("Threads and cores"),
    "quota": _l("CPU quota"),
    "load": _l("Other programs"),
    "swap": _l("Swap"),
    "memory": _l("Free memory"),
    "numa": _l("Memory nodes"),
    "governor": _l("CPU frequency"),
    "elsewhere": _l("Engine’s machine"),
    "reloads": _l("Reloads of the model"),
    "cache": _l("Engine’s cache"),
    "overhead": _l("Our own time"),
    "queue": _l("Announced waits"),
    "documents": _l("Attached files"),
    "proxy": _l("Proxy"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    `code`: stable, one of TITLES; `sentence` and `fix` are in the language that was current when it was made.
    """

    code: str
    state: FindingState
    sentence: str
    fix: str = ""

    @property
    def title(self) -> str:
        """What was checked, in a few words."""
        return str(TITLES[self.code])


def count(findings: Iterable[Finding], state: FindingState) -> int:
    """Return how many findings have that state."""
    return sum(finding.state == state for finding in findings)
