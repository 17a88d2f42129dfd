"""What is thought of one answer: a verdict, a score, and each check with what it saw."""

from dataclasses import dataclass, field
from typing import Any

from app.models.lab import Verdict


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: its kind, whether it passed, and what it saw (short; the person's own words or figures).

    `passed` is None where that could not be decided in time.
    """

    check: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` from 0 to 1; `code` and `params` name the reason (sentences: `app/lab/messages.py`).

    `failures`: the small-model failures that were seen (loop, wrong_language, empty_thinking, endless_thinking, cut).
    `log`: what a program printed when it was run, if it was.
    """

    verdict: Verdict
    score: float
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    failures: tuple[str, ...] = ()
    log: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is stored in a sample's `judgement` (verdict and score have columns of their own)."""
        return {
            "code": self.code,
            "params": self.params,
            "checks": [{"check": one.check, "passed": one.passed, "detail": one.detail} for one in self.checks],
            "failures": list(self.failures),
            "log": self.log,
        }
