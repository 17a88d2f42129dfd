"""The settings of one check, as a task file gives them: read by kind of value, unknown ones refused."""

from typing import Any

MAX_TEXT = 20_000


class MalformedError(Exception):
    """Something in a task file is not as it must be; `key` names it, `code` and `params` say what is wrong.

    `check` is the number of the check that it is in, 0 for the task itself.
    """

    def __init__(self, code: str, key: str = "", **params: Any) -> None:
        super().__init__(code, key, params)
        self.code = code
        self.key = key
        self.params = {"key": key, **params} if key else params
        self.check = 0


class Params:
    """Each value is asked for once; `done()` refuses what nobody asked for, which is a slip of the pen."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._left = dict(values)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that says something; without a default it must be there."""
        value = self._taken(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()) or len(value) > MAX_TEXT:
            raise MalformedError("task_want_text", key)
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts; one text alone is a list of one; empty when it is not there."""
        value = self._taken(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise MalformedError("task_want_texts", key)
        return value

    def figures(self, key: str) -> list[float]:
        """A list of numbers; one alone is a list of one; empty when it is not there."""
        value = self._taken(key, [])
        value = value if isinstance(value, list) else [value]
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
            raise MalformedError("task_want_numbers", key)
        return [float(one) for one in value]

    def count(self, key: str, default: int) -> int:
        """A whole number that is not negative."""
        value = self._taken(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise MalformedError("task_want_count", key)
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
        if value not in known:
            raise MalformedError("task_want_choice", key, known=", ".join(sorted(known)))
        return str(value)

    def table(self, key: str) -> dict[str, Any]:
        """Names with values of any kind; empty when it is not there."""
        value = self._taken(key, {})
        if not isinstance(value, dict):
            raise MalformedError("task_want_table", key)
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
