"""The checks of what an answer holds: numbers, JSON, lists, tables, the order of things."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from app.bench.answers import expressions, plain
from app.bench.answers.numbers import numbers, same
from app.bench.answers.params import MalformedError, Params

STYLES = frozenset({"any", "bullet", "number"})
ANY_COUNT = 1_000


def figures(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """`all` of the numbers are there, and one of `any`; `only_known`: no other than those and the question's."""
    needed, chosen = params.figures("all"), params.figures("any")
    tolerance = max(params.figures("tolerance"), default=0.0)
    only_known = params.flag("only_known")
    if not (needed or chosen or only_known):
        raise MalformedError("task_missing_key", "all, any, only_known")

    def sight(answer: str, question: str) -> tuple[bool, str]:
        # The numbers of a list's items are not the answer's.
        found = numbers(plain.without_marks(answer))
        missing = [one for one in needed if not any(same(read, one, tolerance) for read in found)]
        lacking = bool(chosen) and not any(same(read, one, tolerance) for read in found for one in chosen)
        told = ", ".join(f"{min(read):g}" for read in found[:20])
        if missing or lacking:
            return False, told
        if only_known:
            known = {value for read in numbers(question) for value in read} | {*needed, *chosen}
            new = [read for read in found if not any(same(read, one, tolerance) for one in known)]
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
        found = [text for kind, text in plain.items(answer) if style in ("any", kind)]
        fits = least <= len(found) <= most and all(len(plain.words(text)) <= longest for text in found)
        return fits and not (alone and len(plain.lines(answer)) > len(found)), str(len(found))

    return sight


def table_shape(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """A Markdown table with these `columns` and so many `rows` below the head."""
    columns = [plain.bare(one) for one in params.texts("columns")]
    rows = params.count("rows", 0)

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = plain.table(answer)
        if not found:
            return False, ""
        fits = not columns or [plain.bare(cell) for cell in found[0]] == columns
        even = len({len(row) for row in found}) == 1
        return fits and even and len(found) - 1 == (rows or len(found) - 1), f"{len(found) - 1} × {len(found[0])}"

    return sight


def order(params: Params) -> Callable[[str, str], tuple[bool, str]]:
    """The `words` are all there, and appear one after the other."""
    wanted = params.texts("words")
    if len(wanted) < 2:
        raise MalformedError("task_missing_key", "words")
    patterns = [plain.phrase(word) for word in wanted]

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.folded(answer)
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
        return isinstance(found, str) and plain.bare(found) == plain.bare(wanted)
    return type(found) in (int, float, bool, type(None)) and bool(found == wanted)
