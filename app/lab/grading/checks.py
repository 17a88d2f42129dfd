"""The checks of a task: words, wording, language and length; the registry of all kinds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from app.lab.grading import expressions
from app.lab.grading import text as plain
from app.lab.grading.judgement import CheckResult
from app.lab.grading.text import LANGUAGES, foreign_language, guess_language, numbers, same_number

# Letters of a text; entries of a list and letters of each; how large a number may be.
MAX_TEXT, MAX_ENTRIES, MAX_ENTRY, LARGEST, LARGEST_COUNT = 20_000, 100, 500, 1e15, 1_000_000
# What is told of a key.
KEY_SHOWN = 80
STYLES = frozenset({"any", "bullet", "number"})
ANY_COUNT = 1_000
# A quotation or a name in another language is no mistake.
FOREIGN_ALLOWED = 0.2
MEASURES: dict[str, Callable[[str], int]] = {
    "words": lambda text: len(plain.words(text)),
    "sentences": lambda text: len(plain.sentences(text)),
    "lines": lambda text: len(plain.lines(text)),
    "characters": lambda text: len(text.strip()),
}

# Made from a check's settings once; sees an answer (and the question): whether it passes, and what it saw.
Sight = Callable[[str, str], tuple[bool, str]]


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


def has_numbers(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """`all` of the numbers are there, and one of `any`; `only_known`: no other than those and the question's."""
    needed, chosen = params.figures("all"), params.figures("any")
    tolerance = max(params.figures("tolerance"), default=0.0)
    only_known = params.flag("only_known")
    if not (needed or chosen or only_known):
        raise MalformedError("task_missing_key", "all, any, only_known")

    def sight(answer: str, question: str) -> tuple[bool, str]:
        # The numbers of a list's items are not the answer's.
        found = numbers(plain.without_marks(answer))
        missing = [one for one in needed if not any(same_number(read, one, tolerance) for read in found)]
        lacking = bool(chosen) and not any(same_number(read, one, tolerance) for read in found for one in chosen)
        told = ", ".join(f"{min(read):g}" for read in found[:20])
        if missing or lacking:
            return False, told
        if only_known:
            known = {value for read in numbers(question) for value in read} | {*needed, *chosen}
            new = [read for read in found if not any(same_number(read, one, tolerance) for one in known)]
            return not new, ", ".join(f"{min(read):g}" for read in new[:20])
        return True, told

    return sight


def json_shape(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """The answer holds JSON with these `values`, or as a JSON `schema` says; `alone`: and nothing else."""
    values, schema, alone = params.table("values"), params.table("schema"), params.flag("alone")
    if not values and not schema:
        raise MalformedError("task_missing_key", "values, schema")
    valid = _schema(schema)

    def sight(answer: str, _: str) -> tuple[bool, str]:
        try:
            found = plain.json_value(answer, alone)
            valid(found)
        except (ValueError, RecursionError) as error:
            return False, _broken(error) or answer.strip()[:80]
        return not values or _holds(found, values), json.dumps(found, ensure_ascii=False)

    return sight


def list_shape(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """A list of `items` items (or `min_items`, `max_items`), of one style, each of `max_words` at most."""
    exact = params.count("items", 0)
    least = exact or params.count("min_items", 1)
    most = exact or params.count("max_items", ANY_COUNT)
    style = params.choice("style", STYLES, "any")
    longest = params.count("max_words", ANY_COUNT)
    alone = params.flag("alone")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = [text for kind, text in plain.list_items(answer) if style in ("any", kind)]
        fits = least <= len(found) <= most and all(len(plain.words(text)) <= longest for text in found)
        return fits and not (alone and len(plain.lines(answer)) > len(found)), str(len(found))

    return sight


def table_shape(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """A Markdown table with these `columns` and so many `rows` below the head."""
    columns = [plain.strip_decoration(one) for one in params.texts("columns")]
    rows = params.count("rows", 0)

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = plain.markdown_table(answer)
        if not found:
            return False, ""
        fits = not columns or [plain.strip_decoration(cell) for cell in found[0]] == columns
        even = len({len(row) for row in found}) == 1
        return fits and even and len(found) - 1 == (rows or len(found) - 1), f"{len(found) - 1} × {len(found[0])}"

    return sight


def in_order(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """The `words` are all there, and appear one after the other."""
    wanted = params.texts("words")
    if len(wanted) < 2:
        raise MalformedError("task_missing_key", "words")
    patterns = [plain.phrase_pattern(word) for word in wanted]

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.normalize(answer)
        places = [found.start() if (found := pattern.search(text)) else -1 for pattern in patterns]
        seen = sorted((place, word) for place, word in zip(places, wanted, strict=True) if place >= 0)
        return -1 not in places and places == sorted(places), ", ".join(word for _, word in seen)

    return sight


def _schema(schema: dict[str, Any]) -> Callable[[Any], Any]:
    """What refuses values that are not as the schema says, with a ValueError."""
    if not schema:
        return lambda value: value
    # Only the Labo needs it, and not before a task with a schema is read.
    import fastjsonschema  # noqa: PLC0415

    for key, value in _pairs(schema):
        # Nothing is fetched from elsewhere, and nothing is searched by a library that cannot be stopped.
        if key == "$ref" and not str(value).startswith("#"):
            raise MalformedError("task_schema_elsewhere", "schema")
        if key == "patternProperties":
            raise MalformedError("task_schema_pattern", "schema", word=key)
    formats: dict[str, Callable[[str], bool]] = {}
    try:
        made: Callable[[Any], Any] = fastjsonschema.compile(_bounded(schema, formats), formats=formats)
    except (fastjsonschema.JsonSchemaException, ValueError, TypeError, AttributeError, SyntaxError, RecursionError):
        raise MalformedError("task_bad_schema", "schema") from None
    return made


def _bounded(value: Any, formats: dict[str, Callable[[str], bool]]) -> Any:
    """The same schema with each `pattern` made a format, which is searched for a bounded time; `formats` gets them."""
    if isinstance(value, list):
        return [_bounded(one, formats) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _bounded(one, formats) for key, one in value.items()}
    if not isinstance(pattern := value.get("pattern"), str):
        return made
    expression = expressions.compiled(pattern, "schema", case=True)
    name = f"pattern-{len(formats)}"
    formats[name] = lambda text: expressions.found(expression, text) is not None
    del made["pattern"]
    return made | {"allOf": [*made.get("allOf", []), {"format": name}]}


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of a schema with their values, however deep."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield str(key), one
        yield from _pairs(one)


def _broken(error: Exception) -> str:
    """Which rule of a schema a value breaks: where, and what it would have to be."""
    rule = getattr(error, "rule", None)
    return f"{error.name}: {rule} = {error.rule_definition}" if rule else ""  # type: ignore[attr-defined]


def _holds(found: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one; objects may hold more, texts may differ in case and accents."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and _holds(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_holds(one, other) for one, other in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, str):
        return isinstance(found, str) and plain.strip_decoration(found) == plain.strip_decoration(wanted)
    return type(found) in (int, float, bool, type(None)) and bool(found == wanted)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a task. An answer that fails an `essential` one is worth nothing; `bad` is one that fails it.

    `wants` is what the file says, for people.
    """

    kind: str
    essential: bool
    bad: str
    wants: str
    sight: Sight

    def result(self, answer: str, question: str) -> CheckResult:
        """What this check thinks of an answer."""
        try:
            passed, detail = self.sight(answer[: plain.MAX_CHARACTERS], question)
        except expressions.UndecidedError:
            return CheckResult(self.kind, None)
        return CheckResult(self.kind, passed, detail[:200])


def make_check(values: dict[str, Any]) -> Check:
    """The check that a task file describes. Raises MalformedError."""
    params = Params(values)
    kind = params.choice("type", frozenset(CHECK_KINDS))
    essential = params.flag("essential")
    bad = params.text("bad")
    sight = CHECK_KINDS[kind](params)
    params.done()
    return Check(kind, essential, bad, _wants(values), sight)


def _wants(values: dict[str, Any]) -> str:
    """The settings of a check in one line."""
    told = {key: value for key, value in values.items() if key not in ("type", "essential", "bad")}
    lists = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in told.items()}
    return " · ".join(f"{key} = {value}" for key, value in lists.items())


def contains(params: Params) -> Sight:
    """`all` of the words (or groups of words) are there, and one of `any`."""
    needed = {word: plain.phrase_pattern(word) for word in params.texts("all")}
    chosen = {word: plain.phrase_pattern(word) for word in params.texts("any")}
    if not needed and not chosen:
        raise MalformedError("task_missing_key", "all, any")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.normalize(answer)
        missing = [word for word, pattern in needed.items() if not pattern.search(text)]
        if chosen and not any(pattern.search(text) for pattern in chosen.values()):
            missing.append(" / ".join(chosen))
        return not missing, ", ".join(missing)

    return sight


def forbidden(params: Params) -> Sight:
    """None of the `words` is there."""
    unwanted = {word: plain.phrase_pattern(word) for word in params.texts("words")}
    if not unwanted:
        raise MalformedError("task_missing_key", "words")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.normalize(answer)
        found = [word for word, pattern in unwanted.items() if pattern.search(text)]
        return not found, ", ".join(found)

    return sight


def equals(params: Params) -> Sight:
    """The answer is one of `any` and nothing else, but for case, accents, quotes and a final stop."""
    wanted = {plain.strip_decoration(one) for one in params.texts("any")}
    if not wanted:
        raise MalformedError("task_missing_key", "any")
    return lambda answer, _: (plain.strip_decoration(answer) in wanted, answer.strip()[:80])


def starts(params: Params) -> Sight:
    """The answer begins with one of `any`."""
    wanted = tuple(plain.normalize(one) for one in params.texts("any"))
    if not wanted:
        raise MalformedError("task_missing_key", "any")
    return lambda answer, _: (plain.normalize(answer).lstrip("\"' ").startswith(wanted), answer.strip()[:40])


def matches_regex(params: Params) -> Sight:
    """The regular expression `pattern` finds something; with `absent = true`, it finds nothing."""
    expression = expressions.compiled(params.text("pattern"), "pattern")
    absent = params.flag("absent")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = expressions.found(expression, answer.translate(plain.QUOTES))
        return (found is None) == absent, found[0][:80] if found else ""

    return sight


def in_language(params: Params) -> Sight:
    """The answer is in the language `is`; quotations and names in another one are allowed."""
    wanted = params.choice("is", LANGUAGES)

    def sight(answer: str, _: str) -> tuple[bool, str]:
        other, share = foreign_language(answer, wanted)
        return bool(answer.strip()) and share <= FOREIGN_ALLOWED, other or guess_language(answer)

    return sight


def length(params: Params) -> Sight:
    """So many words, sentences, lines or characters: `min_words`, `max_words`, and so on."""
    bounds = {
        unit: (params.count(f"min_{unit}", 0), params.count(f"max_{unit}", plain.MAX_CHARACTERS)) for unit in MEASURES
    }

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = {unit: MEASURES[unit](answer) for unit in MEASURES}
        off = [f"{found[unit]} < {least}" for unit, (least, _) in bounds.items() if found[unit] < least]
        off += [f"{found[unit]} > {most}" for unit, (_, most) in bounds.items() if found[unit] > most]
        asked = [str(found[unit]) for unit, bound in bounds.items() if bound != (0, plain.MAX_CHARACTERS)]
        return not off and bool(answer.strip()), ", ".join(off or asked)

    return sight


CHECK_KINDS: dict[str, Callable[[Params], Sight]] = {
    "contains": contains,
    "forbidden": forbidden,
    "equals": equals,
    "starts": starts,
    "regex": matches_regex,
    "language": in_language,
    "length": length,
    "numbers": has_numbers,
    "json": json_shape,
    "list": list_shape,
    "table": table_shape,
    "order": in_order,
}
