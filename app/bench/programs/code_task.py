"""The `[code]` table of a task file: how the programs of its answers are tried."""

from dataclasses import dataclass
from typing import Any

from app.bench.answers import expressions
from app.bench.answers.params import MalformedError, Params

PLAYS = ("game", "window", "calls", "lines")
SECONDS, FEWEST_SECONDS, MOST_SECONDS = 5.0, 1, 60
# Calls or runs, expressions of one output, and letters of a name or an input.
MOST_TRIES, LONGEST_NAME, LONGEST_INPUT = 50, 80, 20_000


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


def read(table: dict[str, Any]) -> CodeTask:
    """The table of a task file; MalformedError says what is wrong with it."""
    params = Params(table)
    task = CodeTask(
        play=params.choice("play", frozenset(PLAYS)),
        seconds=_seconds(params),
        function=params.text("function", "", LONGEST_NAME),
        calls=tuple(_call(one) for one in _tries(params, "calls")),
        runs=tuple(_run(one) for one in _tries(params, "runs")),
    )
    params.done()
    if task.play == "calls" and not (task.function.isidentifier() and task.calls):
        raise MalformedError("task_code_no_calls", "play")
    if task.play == "lines" and not task.runs:
        raise MalformedError("task_code_no_runs", "play")
    return task


def _seconds(params: Params) -> float:
    given = params.figures("seconds") or [SECONDS]
    if len(given) > 1 or not FEWEST_SECONDS <= given[0] <= MOST_SECONDS:
        raise MalformedError("task_code_seconds", "seconds", least=FEWEST_SECONDS, most=MOST_SECONDS)
    return given[0]


def _tries(params: Params, key: str) -> list[Any]:
    tries = params.tables(key)
    if len(tries) > MOST_TRIES:
        raise MalformedError("task_many_entries", key, limit=MOST_TRIES)
    return tries


def _call(one: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    if set(one) != {"args", "returns"} or not isinstance(one["args"], list):
        raise MalformedError("task_code_call", "calls")
    return tuple(one["args"]), one["returns"]


def _run(one: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    if set(one) != {"input", "output"}:
        raise MalformedError("task_code_run", "runs")
    params = Params(one)
    given, output = params.text("input", "", LONGEST_INPUT), params.texts("output")
    for expression in output:
        expressions.compiled(expression, "output", case=True)
    return given, tuple(output)
