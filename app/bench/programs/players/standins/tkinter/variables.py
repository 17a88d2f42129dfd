"""Stand-in for tkinter's variables: values that widgets show."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.bench.programs.players.standins.beyond import Told

from .loop import LOOP


class Variable(Told):
    """A value that widgets show."""

    empty: Any = ""

    def __init__(self, master: Any = None, value: Any = None, name: Any = None) -> None:
        if LOOP.root is None:
            raise RuntimeError("Too early to create variable: no default root window")
        self._value = self.empty if value is None else value
        self._traces: list[Callable[..., Any]] = []

    def get(self) -> Any:
        return type(self.empty)(self._value) if self._value != "" else self.empty

    def set(self, value: Any) -> None:
        self._value = value
        for trace in self._traces:
            LOOP.call(partial(trace, "", "", "write"))

    def trace_add(self, mode: Any, callback: Callable[..., Any]) -> str:
        self._traces.append(callback)
        return str(len(self._traces))

    trace = trace_variable = trace_add


class StringVar(Variable):
    """Text."""


class IntVar(Variable):
    """A whole number."""

    empty = 0


class DoubleVar(Variable):
    """A number."""

    empty = 0.0


class BooleanVar(Variable):
    """Yes or no."""

    empty = False
