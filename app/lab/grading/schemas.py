"""What a table of a task file may hold: its types of values, its regular expressions, and the code of each error."""

import re
from collections.abc import Collection
from math import isfinite, prod
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    import regex

# Letters of a text; entries of a list and letters of each; how large a number may be.
MAX_TEXT, MAX_ENTRIES, MAX_ENTRY, LARGEST, LARGEST_COUNT = 20_000, 100, 500, 1e15, 1_000_000
# What an error says of a key.
KEY_SHOWN = 80
# pydantic's types of errors, and our codes (sentences: `app/lab/wording.py`).
CODES = {
    "missing": "task_missing_key",
    "extra_forbidden": "task_unknown_key",
    "string_type": "task_want_text",
    "string_pattern_mismatch": "task_want_text",
    "string_too_long": "task_long_text",
    "int_type": "task_want_count",
    "greater_than_equal": "task_want_count",
    "less_than_equal": "task_want_count",
    "bool_type": "task_want_flag",
    "dict_type": "task_want_table",
    "model_type": "task_want_table",
    "list_type": "task_want_tables",
    "tuple_type": "task_want_tables",
    "too_short": "task_missing_key",
    "too_long": "task_many_entries",
}
IN_A_LIST = {"task_want_text": "task_want_texts", "task_want_table": "task_want_tables"}


class MalformedError(ValueError):
    """Something in a task file is not as it must be: `code` and `params` say what is wrong.

    `place` leads to it from the table that was read: names of keys, and numbers (from 0) in a list.
    """

    def __init__(self, code: str, *place: str | int, **params: Any) -> None:
        super().__init__(code, place, params)
        self.code = code
        self.place = place
        keys = [part for part in place if isinstance(part, str)]
        self.params = {"key": keys[-1][:KEY_SHOWN], **params} if keys else params


class Table(BaseModel):
    """A table of a task file: unknown keys are errors, and no value is converted to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AnyTable = TypeVar("AnyTable", bound=Table)


def read_table(kind: type[AnyTable], values: Any) -> AnyTable:
    """The table with these values. Raises MalformedError for the first that is wrong."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    place, context = first["loc"], first.get("ctx", {})
    if isinstance(own := context.get("error"), MalformedError):
        raise MalformedError(own.code, *place, *own.place, **own.params)
    code = CODES[first["type"]]
    if place and isinstance(place[-1], int):
        code = IN_A_LIST.get(code, code)
    limit = LARGEST_COUNT if code == "task_want_count" else context.get("max_length")
    raise MalformedError(code, *place, **({"limit": limit} if limit else {}))


def one_of(known: Collection[str]) -> BeforeValidator:
    """One word of a few."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in known:
            raise MalformedError("task_want_choice", known=", ".join(sorted(known)))
        return value

    return BeforeValidator(check)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> Any:
    # Large whole numbers cannot even be made floats, and what is no number is equal to none.
    if isinstance(value, bool) or not isinstance(value, int | float) or not (abs(value) <= LARGEST and isfinite(value)):
        raise MalformedError("task_want_numbers")
    return float(value)


# A text that is not blank.
Text = Annotated[str, Field(pattern=r"\S", max_length=MAX_TEXT)]
AnyText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(str.strip)]
# One alone is a list of one.
Texts = Annotated[
    list[Annotated[str, Field(pattern=r"\S", max_length=MAX_ENTRY)]],
    Field(max_length=MAX_ENTRIES),
    BeforeValidator(_listed),
]
Number = Annotated[float, BeforeValidator(_number)]
Numbers = Annotated[list[Number], Field(max_length=MAX_ENTRIES), BeforeValidator(_listed)]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


# Regular expressions: limits, and a timeout against catastrophic patterns

# Letters of one.
LONGEST_PATTERN = 1_000
# The product of all repetition counts `{n}` is limited, since compiling unrolls them and has no timeout.
TIMES = re.compile(r"\{(\d+)")
MOST_PARTS = 100_000
# Seconds of CPU that one search may take.
SEARCH_S = 0.5


class UndecidedError(Exception):
    """A search timed out, so it is not known whether the expression matches."""


def compile_pattern(pattern: str, *place: str, case: bool = False) -> "regex.Pattern[str]":
    """Compile an expression in multi-line mode; `case`: match case. Raises MalformedError about the key at `place`."""
    # Imported here: only tasks need it, and it would take memory in a server on which nobody measures.
    import regex  # noqa: PLC0415

    if len(pattern) > LONGEST_PATTERN:
        raise MalformedError("task_long_text", *place, limit=LONGEST_PATTERN)
    if prod(max(1, int(times)) for times in TIMES.findall(pattern)) > MOST_PARTS:
        raise MalformedError("task_slow_pattern", *place)
    try:
        return regex.compile(pattern, regex.MULTILINE if case else regex.MULTILINE | regex.IGNORECASE)
    except (regex.error, RecursionError, OverflowError) as error:
        begin = getattr(error, "pos", None) or 0
        params = {"place": begin + 1, "near": pattern[begin : begin + 20] or pattern[-20:]}
        raise MalformedError("task_bad_pattern", *place, **params) from None


def search_pattern(expression: "regex.Pattern[str]", text: str) -> "regex.Match[str] | None":
    """The first match in the text, or None. Raises UndecidedError after `SEARCH_S`."""
    try:
        return expression.search(text, timeout=SEARCH_S)
    except TimeoutError:
        raise UndecidedError from None
