"""The `[code]` table of a task file: how the programs of its answers are tried."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bench.checkers import slow

PLAYS = ("game", "window", "calls", "lines")
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CodeTask:
    """The `[code]` table of a task file: how its programs are tried."""

    play: str
    seconds: float = SECONDS
    function: str = ""
    # (arguments, result)
    calls: tuple[tuple[tuple[Any, ...], Any], ...] = ()
    # (input, expressions that its output must have)
    runs: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read(table: Mapping[str, Any]) -> CodeTask:
    """The table of a task file; ValueError says what is wrong with it."""
    if extra := set(table) - {"play", "seconds", "function", "calls", "runs"}:
        raise ValueError(f"unknown: {', '.join(sorted(extra))}")
    if table.get("play") not in PLAYS:
        raise ValueError(f"play is one of: {', '.join(PLAYS)}")
    seconds = table.get("seconds", SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= 60:
        raise ValueError("seconds is a number from 1 to 60")
    task = CodeTask(
        play=table["play"],
        seconds=float(seconds),
        function=str(table.get("function", "")),
        calls=tuple(_call(one) for one in table.get("calls", [])),
        runs=tuple(_run(one) for one in table.get("runs", [])),
    )
    if task.play == "calls" and not (task.function.isidentifier() and task.calls):
        raise ValueError("play = calls needs a function and calls")
    if task.play == "lines" and not task.runs:
        raise ValueError("play = lines needs runs")
    return task


def _call(one: Any) -> tuple[tuple[Any, ...], Any]:
    if not isinstance(one, Mapping) or set(one) != {"args", "returns"} or not isinstance(one["args"], list):
        raise ValueError("each call has args (a list) and returns")
    return tuple(one["args"]), one["returns"]


def _run(one: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(one, Mapping) or set(one) != {"input", "output"} or not isinstance(one["output"], list):
        raise ValueError("each run has input and output (a list of expressions)")
    for expression in one["output"]:
        try:
            if slow(expression):
                raise ValueError("output: no repeat within a repeat, nor a choice, .* twice at most")
            re.compile(expression)
        except (re.error, TypeError) as error:
            raise ValueError(f"output: {error}") from None
    return str(one["input"]), tuple(one["output"])
