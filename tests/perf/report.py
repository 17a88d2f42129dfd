"""The figures as JSON: one file, in which a run replaces the rows that it measured."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.perf.row import Figures, Row, ok


class Report:
    """`latest.json`; rows that are not measured now keep their figures and their own dates. `names`: their order."""

    def __init__(self, path: Path, machine: dict[str, Any], names: Iterable[str]) -> None:
        self._path = path
        self._machine = machine
        self._names = list(names)
        self._rows: dict[str, Any] = json.loads(path.read_text())["rows"] if path.exists() else {}

    def add(self, row: Row, figures: Figures, seconds: float) -> None:
        """Write a row down at once: a run that is interrupted keeps what it has measured."""
        self._rows[row.name] = {
            "date": _now(),
            "how": row.how,
            "seconds": round(seconds, 1),
            "figures": {name: _rounded(value) for name, value in figures.items()},
            "bound": row.bound,
            "ok": ok(row, figures),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = {name: self._rows[name] for name in self._names if name in self._rows}
        written = {"date": _now(), "machine": self._machine, "rows": rows}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n")
        temporary.replace(self._path)


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
