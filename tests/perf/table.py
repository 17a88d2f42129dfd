"""The figures as a table that people read, in Markdown so that it can be kept."""

from collections.abc import Sequence

from tests.perf.row import Figures, Line, Row, holds

HEAD = ("row", "what", "engine alone", "this project", "difference", "must reach", "")
DIGITS = {"×": 3, "s": 3, "ms": 1, "MB": 1, "KB": 1, "%": 2, "": 0}


def number(value: float | None, unit: str) -> str:
    """A figure with its unit; a dash for one that is missing."""
    if value is None:
        return "—"
    written = f"{value:,.{DIGITS[unit]}f}"
    return f"× {written}" if unit == "×" else f"{written} {unit}".strip()


def limit(line: Line) -> str:
    """A bound in words; nothing for a line without one."""
    for sign, value in (("≤", line.at_most), ("≥", line.at_least)):
        if value is not None:
            return f"{sign} × {value:g}" if line.unit == "×" else f"{sign} {value:g} {line.unit}".strip()
    return ""


def cells(row: Row, line: Line, figures: Figures) -> tuple[str, ...]:
    """One line of the table."""
    value = number(figures.get(line.figure), line.unit)
    direct = number(figures.get(line.direct), line.beside) if line.direct else ""
    ours = number(figures.get(line.ours), line.beside) if line.ours else value
    verdict = "" if not line.bound else "ok" if holds(line.bound, figures.get(line.figure)) else "NOT"
    return row.name, line.what, direct, ours, value if line.ours else "", limit(line), verdict


def misses(row: Row, figures: Figures) -> list[str]:
    """The lines whose bound is not kept, in words."""
    return [
        f"{row.name}: {line.what}: {number(figures.get(line.figure), line.unit)}, must reach {limit(line)}"
        for line in row.lines
        if line.bound and not holds(line.bound, figures.get(line.figure))
    ]


def render(measured: Sequence[tuple[Row, Figures]]) -> str:
    """The whole table; a row's name stands beside its first line only."""
    lines: list[tuple[str, ...]] = [HEAD]
    for row, figures in measured:
        for nth, line in enumerate(row.lines):
            name, *rest = cells(row, line, figures)
            lines.append((name if nth == 0 else "", *rest))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )
