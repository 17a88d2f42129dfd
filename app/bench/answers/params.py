"""The settings of one check, as a task file gives them: read by kind of value, unknown ones refused."""

from math import isfinite
from typing import Any

# Letters of a text; entries of a list and letters of each; how large a number may be.
MAX_TEXT, MAX_ENTRIES, MAX_ENTRY, LARGEST, LARGEST_COUNT = 20_000, 100, 500, 1e15, 1_000_000
# What is told of a key.
KEY_SHOWN = 80


class MalformedError(Exception):
    """Something in a task file is not as it must be; `key` names it, `code` and `params` say what is wrong.

    `check` is the number of the check that it is in, 0 for the task itself; `within`: the table of the task that it is
    in, if it is in one.
    """

    def __init__(self, code: str, key: str = "", **params: Any) -> None:
        super().__init__(code, key, params)
        self.code = code
        self.key = key
        self.params = {"key": key[:KEY_SHOWN], **params} if key else params
        self.check = 0
        self.within = ""


class Params:
    """Each value is asked for once; `done()` refuses what nobody asked for, which is a slip of the pen."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._left = dict(values)

    def text(self, key: str, default: str | None = None, longest: int = MAX_TEXT) -> str:
        """A text that says something; without a default it must be there."""
        value = self._taken(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise MalformedError("task_want_text", key)
        if len(value) > longest:
            raise MalformedError("task_long_text", key, limit=longest)
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts; one text alone is a list of one; empty when it is not there."""
        value = self._taken(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise MalformedError("task_want_texts", key)
        if any(len(one) > MAX_ENTRY for one in value):
            raise MalformedError("task_long_text", key, limit=MAX_ENTRY)
        _check_count(key, value)
        return value

    def figures(self, key: str) -> list[float]:
        """A list of numbers; one alone is a list of one; empty when it is not there."""
        value = self._taken(key, [])
        value = value if isinstance(value, list) else [value]
        # Large whole numbers cannot even be made floats, and what is no number is equal to none.
        if not all(isinstance(one, int | float) and not isinstance(one, bool) and _small(one) for one in value):
            raise MalformedError("task_want_numbers", key)
        _check_count(key, value)
        return [float(one) for one in value]

    def count(self, key: str, default: int) -> int:
        """A whole number that is not negative."""
        value = self._taken(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_COUNT:
            raise MalformedError("task_want_count", key, limit=LARGEST_COUNT)
        return value

    def flag(self, key: str) -> bool:
        """Yes or no; no when it is not there."""
        value = self._taken(key, False)
        if not isinstance(value, bool):
            raise MalformedError("task_want_flag", key)
        return value

    def choice(self, key: str, known: frozenset[str], default: str | None = None) -> str:
        """One word of a few."""
        value = self._taken(key, default)
        if not isinstance(value, str) or value not in known:
            raise MalformedError("task_want_choice", key, known=", ".join(sorted(known)))
        return value

    def table(self, key: str) -> dict[str, Any]:
        """Names with values of any kind; empty when it is not there."""
        value = self._taken(key, {})
        if not isinstance(value, dict):
            raise MalformedError("task_want_table", key)
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables; empty when it is not there."""
        value = self._taken(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise MalformedError("task_want_tables", key)
        return value

    def done(self) -> None:
        """Refuse what is left."""
        for key in self._left:
            raise MalformedError("task_unknown_key", key)

    def _taken(self, key: str, default: Any) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise MalformedError("task_missing_key", key)
        return value


def _small(number: float) -> bool:
    return abs(number) <= LARGEST and isfinite(number)


def _check_count(key: str, entries: list[Any]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise MalformedError("task_many_entries", key, limit=MAX_ENTRIES)
