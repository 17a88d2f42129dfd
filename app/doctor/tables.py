"""What the last answers were like, in words and figures for a page."""

from collections.abc import Sequence
from typing import Any

from app.doctor.history import waits
from app.doctor.records import Record, medians
from app.formatting import duration, number, percent

NONE = "–"


def answers_table(records: Sequence[Record]) -> list[dict[str, str]]:
    """A row for each model, by the names of its columns."""
    return [
        {
            "model": row.model,
            "answers": number(row.answers),
            "first": NONE if row.first_ms is None else duration(row.first_ms),
            "reading": NONE if row.reading is None else number(row.reading, 1),
            "writing": NONE if row.writing is None else number(row.writing, 1),
            "cached": NONE if row.cached is None else percent(row.cached),
            "overhead": NONE if row.overhead_ms is None else duration(row.overhead_ms),
        }
        for row in medians(records)
    ]


def waits_facts(records: Sequence[Record]) -> dict[str, Any] | None:
    """Announced against real waits; None while nobody had to wait."""
    found = waits(records)
    if found is None:
        return None
    return {
        "announced": duration(found.announced_ms),
        "real": duration(found.real_ms),
        "error": percent(found.error),
        "count": found.count,
    }
