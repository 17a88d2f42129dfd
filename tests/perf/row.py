"""A row of the proof: how it is measured, what it shows, what it must reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.perf.bench import Bench

Figures = dict[str, Any]


class NotMeasuredError(Exception):
    """Why a row could not be measured here, as a sentence."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a row's table: a figure, its bound, and what stands beside it; figures are named."""

    what: str
    figure: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    direct: str = ""
    """What the bare engine needs, when the figure compares with it."""
    ours: str = ""
    """What this project needs; without it the figure itself is that."""
    beside: str = ""
    """The unit of these two."""

    @property
    def bound(self) -> dict[str, float]:
        """The limit as it is written down."""
        limits = {"at_most": self.at_most, "at_least": self.at_least}
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True)
class Row:
    """`measure` gives the figures, or raises NotMeasuredError."""

    name: str
    how: str
    lines: tuple[Line, ...]
    measure: Callable[[Bench], Figures]

    @property
    def bound(self) -> dict[str, dict[str, float]]:
        """The limits by the names of their figures."""
        return {line.figure: line.bound for line in self.lines if line.bound}


def holds(bound: Mapping[str, float], value: float | None) -> bool:
    """Whether one figure keeps its bound; one that is missing does not."""
    if value is None:
        return False
    return value <= bound.get("at_most", value) and value >= bound.get("at_least", value)


def ok(row: Row, figures: Figures) -> bool:
    """Whether all of a row's figures keep their bounds."""
    return all(holds(bound, figures.get(name)) for name, bound in row.bound.items())
