"""The judgement on one answer: verdict, score, reason, and the result of each check."""

from dataclasses import dataclass, field
from typing import Any

from app.models.lab import Verdict


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: its kind, whether it passed (None: not decided in time), and shortly what it found."""

    check: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` from 0 to 1; `code` and `params` name the reason (sentences: `app/lab/wording.py`).

    `failures`: the failures of small models that were found, as named in `failures.find_failures`.
    `log`: what the answer's program printed, if it was run.
    """

    verdict: Verdict
    score: float
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    failures: tuple[str, ...] = ()
    log: str = ""

    def as_json(self) -> dict[str, Any]:
        """The JSON stored in a sample's `judgement`; verdict and score have columns of their own."""
        return {
            "code": self.code,
            "params": self.params,
            "checks": [{"check": one.check, "passed": one.passed, "detail": one.detail} for one in self.checks],
            "failures": list(self.failures),
            "log": self.log,
        }
