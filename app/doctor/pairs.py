"""The figures of a comparison: answers by the clock of who reads them, pairs of them, and what they come to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# Our question should not have waited at all.
WAITED_MS = 100
# Fewer tokens say nothing about the pace; where an engine does not count, a token is about so many letters.
FEWEST, LETTERS_A_TOKEN = 8, 4
# Answers are of any length: they are compared as if all had so many tokens.
TOKENS = 200
# The limits of "the same".
RATIO, LATER_MS = 1.05, 50.0


class NotComparedError(Exception):
    """Why there is no comparison: a code, and the detail that belongs to it."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Answer:
    """Seconds from the question to the first word and to the end, as the reader saw them; and what the engine was
    at work for: its pace is exact where the reader's, who gets several tokens at once, is not."""

    first_s: float
    end_s: float
    tokens: int
    reading_s: float
    writing_s: float
    waited_ms: float = 0

    @property
    def usable(self) -> bool:
        """Whether it tells a pace, and nobody came between."""
        return self.tokens >= FEWEST and self.writing_s > 0 and self.waited_ms <= WAITED_MS

    @property
    def pace(self) -> float:
        """Tokens a second; the first one comes with the end of reading."""
        return (self.tokens - 1) / self.writing_s

    @property
    def total_s(self) -> float:
        """What TOKENS would have taken: what is not the engine's work does not depend on the length."""
        return self.end_s - self.writing_s + (TOKENS - 1) / self.pace


@dataclass
class Clock:
    """Runs from the question on."""

    started: float = field(default_factory=time.monotonic)
    first_s: float | None = None
    last_s: float = 0
    letters: int = 0

    def word(self, text: str) -> None:
        """More of the answer came."""
        self.last_s = time.monotonic() - self.started
        if self.first_s is None:
            self.first_s = self.last_s
        self.letters += len(text)

    def answer(
        self, tokens: int | None, reading_ms: float | None, writing_ms: float | None, waited_ms: float = 0
    ) -> Answer:
        """The end; with what the engine tells of its work, None where it does not."""
        end = time.monotonic() - self.started
        first = end if self.first_s is None else self.first_s
        return Answer(
            first,
            end,
            tokens or self.letters // LETTERS_A_TOKEN,
            first if reading_ms is None else reading_ms / 1000,
            self.last_s - first if writing_ms is None else writing_ms / 1000,
            waited_ms,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of both ways, of the pair that is in the middle by it; `difference` is a ratio or seconds."""

    direct: float
    web: float
    difference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs of (direct, web) answers."""

    model: str
    pairs: tuple[tuple[Answer, Answer], ...]

    @property
    def total(self) -> Row:
        """Seconds to the end, and their ratio."""
        return self._middle(lambda answer: answer.total_s, lambda direct, web: web / direct)

    @property
    def first(self) -> Row:
        """Seconds to the first word, and how much later it came."""
        return self._middle(lambda answer: answer.first_s, lambda direct, web: web - direct)

    @property
    def pace(self) -> Row:
        """Tokens a second, and their ratio."""
        return self._middle(lambda answer: answer.pace, lambda direct, web: web / direct)

    @property
    def same(self) -> bool:
        """Whether a person would notice nothing."""
        return self.total.difference <= RATIO and self.first.difference * 1000 <= LATER_MS

    @property
    def uncertain(self) -> bool:
        """Whether the engine's own times are as far apart as the two ways."""
        own = [direct.total_s for direct, _web in self.pairs]
        return max(self.first.difference, self.total.web - self.total.direct) <= max(own) - min(own)

    def _middle(self, measure: Callable[[Answer], float], compare: Callable[[float, float], float]) -> Row:
        rows = [(measure(direct), measure(web)) for direct, web in self.pairs]
        rows.sort(key=lambda row: compare(*row))
        direct, web = rows[(len(rows) - 1) // 2]
        return Row(direct, web, compare(direct, web))
