"""Call a program's function with arguments, or run a program on given input lines, and report the results."""

import builtins
import contextlib
import io
import sys
import traceback
from typing import Any

from app.lab.code_runner.players.play import PROGRAM, described

LONGEST = 4000


def call(source: str, function: str, calls: list[list[Any]]) -> dict[str, Any]:
    """Load the program as a module and call its function; each result is a value or the exception raised."""
    namespace: dict[str, Any] = {"__name__": "program", "__file__": PROGRAM}
    builtins.input = _no_input
    try:
        exec(compile(source, PROGRAM, "exec"), namespace)  # noqa: S102 - that is what this sandbox is for
    except BaseException as error:  # noqa: BLE001 - an example below the function may fail: the function counts
        traceback.print_exc()
        if not callable(namespace.get(function)):
            return {"ended": "crashed", "error": described(error)}
    if not callable(namespace.get(function)):
        return {"ended": "returned", "error": None, "results": None}
    return {"ended": "called", "error": None, "results": [_result(namespace[function], args) for args in calls]}


def feed(source: str, inputs: list[str]) -> dict[str, Any]:
    """Run the program once for each input; each result is its output or the exception raised."""
    return {"ended": "called", "error": None, "results": [_written(source, text) for text in inputs]}


def _result(function: Any, args: list[Any]) -> dict[str, Any]:
    try:
        return {"value": plain(function(*args))}
    except BaseException as error:  # noqa: BLE001 - whatever it raises is told
        traceback.print_exc()
        return {"error": described(error)}


def _written(source: str, text: str) -> dict[str, Any]:
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    error: dict[str, Any] | None = None
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(source, PROGRAM, "exec"), {"__name__": "__main__", "__file__": PROGRAM})  # noqa: S102
        except SystemExit:
            pass
        except BaseException as raised:  # noqa: BLE001 - whatever it raises is told
            traceback.print_exc()
            error = described(raised)
    output.seek(0)
    written = output.read(LONGEST)
    sys.stderr.write(written)
    return {"error": error} if error else {"value": written}


def _no_input(*_: Any) -> str:
    raise EOFError("EOF when reading a line")


def plain(value: Any) -> Any:
    """Convert a value to JSON types, shortened; a number or else the text of what JSON does not know."""
    if value is None or isinstance(value, bool | int | str):
        return value[:LONGEST] if isinstance(value, str) else value
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in list(value)[:1000]]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in list(value.items())[:1000]}
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)[:LONGEST]
