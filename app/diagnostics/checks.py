"""What a check found: its state, the cause in a sentence, the fix in another."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext as _l


class State(StrEnum):
    """How it stands, from well to bad; what cannot be seen from here is neither."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    BAD = "bad"


TITLES = {
    "engine": _l("Engine"),
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
    "proxy": _l("Proxy"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable, one of TITLES; the sentences are in the language in force when it was made."""

    code: str
    state: State
    sentence: str
    fix: str = ""

    @property
    def title(self) -> str:
        """What was looked at, in a few words."""
        return str(TITLES[self.code])


def count(findings: Iterable[Finding], state: State) -> int:
    """How many are in that state."""
    return sum(finding.state == state for finding in findings)
