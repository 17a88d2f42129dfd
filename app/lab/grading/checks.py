"""The checks of a task: what each kind takes from a task file, what it sees in an answer; and the judgement of one."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, model_validator

from app.generation.citations import citations, numbers, same_number, without_marks, without_references
from app.lab.grading import text as plain
from app.lab.grading.schemas import (
    Count,
    MalformedError,
    Number,
    Numbers,
    Table,
    Text,
    Texts,
    UndecidedError,
    compile_pattern,
    one_of,
    read_table,
    search_pattern,
)
from app.lab.grading.text import LANGUAGES, foreign_language, guess_language
from app.models.lab import Verdict

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


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: its kind, whether it passed (None: not decided in time), and shortly what it found."""

    check: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` from 0 to 1; `code` and `params` name the reason (sentences: `app/lab/wording.py`).

    `failures`: the failures of small models that were found, as named in `text.find_failures`.
    `log`: what the answer's program printed, if it was run.
    """

    verdict: Verdict
    score: float
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    failures: tuple[str, ...] = ()
    log: str = ""

    def as_json(self) -> dict[str, Any]:
        """The JSON stored in a sample's `judgement`; verdict and score have columns of their own."""
        return {name: value for name, value in asdict(self).items() if name not in ("verdict", "score")}


class Check(Table):
    """One check of a task. An answer that fails an `essential` one is worth nothing; `bad` is one that fails it."""

    # Without at least one of these keys the check would ask for nothing.
    needs_one_of: ClassVar[tuple[str, ...]] = ()

    # One of CHECK_KINDS.
    kind: Annotated[str, Field(alias="type")]
    essential: bool = False
    bad: Text

    @model_validator(mode="after")
    def _prepare(self) -> Self:
        if self.needs_one_of and not any(getattr(self, key) for key in self.needs_one_of):
            raise MalformedError("task_missing_key", ", ".join(self.needs_one_of))
        self.prepare()
        return self

    def prepare(self) -> None:
        """Make what `check` needs. Raises MalformedError."""

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        """Whether an answer passes, and what was seen in it. Raises UndecidedError."""
        raise NotImplementedError

    def result(self, answer: str, question: str) -> CheckResult:
        """What this check thinks of an answer."""
        try:
            passed, detail = self.check(answer[: plain.MAX_CHARACTERS], question)
        except UndecidedError:
            return CheckResult(self.kind, None)
        return CheckResult(self.kind, passed, detail[:200])


class Contains(Check):
    """`all` of the words (or groups of words) are there, and one of `any`."""

    needs_one_of = ("all", "any")
    all: Texts = []
    any: Texts = []

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = _present(self.all, answer)
        missing = [word for word in self.all if word not in found]
        if self.any and not _present(self.any, answer):
            missing.append(" / ".join(self.any))
        return not missing, ", ".join(missing)


class Forbidden(Check):
    """None of the `words` is there."""

    words: Annotated[Texts, Field(min_length=1)]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = _present(self.words, answer)
        return not found, ", ".join(found)


def _present(words: list[str], answer: str) -> dict[str, int]:
    """Those of the words that are in the answer, with their first place."""
    text = plain.normalize(answer)
    found = {word: plain.phrase_pattern(word).search(text) for word in words}
    return {word: match.start() for word, match in found.items() if match}


class Equals(Check):
    """The answer is one of `any` and nothing else, but for case, accents, quotes and a final stop."""

    any: Annotated[Texts, Field(min_length=1)]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        return plain.strip_decoration(answer) in map(plain.strip_decoration, self.any), answer.strip()[:80]


class Starts(Check):
    """The answer begins with one of `any`."""

    any: Annotated[Texts, Field(min_length=1)]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        wanted = tuple(plain.normalize(one) for one in self.any)
        return plain.normalize(answer).lstrip("\"' ").startswith(wanted), answer.strip()[:40]


class MatchesRegex(Check):
    """The regular expression `pattern` finds something; with `absent = true`, it finds nothing."""

    pattern: Text
    absent: bool = False

    _expression: Any

    def prepare(self) -> None:
        self._expression = compile_pattern(self.pattern, "pattern")

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = search_pattern(self._expression, answer.translate(plain.QUOTES))
        return (found is None) == self.absent, found[0][:80] if found else ""


class InLanguage(Check):
    """The answer is in the language `is`; quotations and names in another one are allowed."""

    language: Annotated[str, one_of(LANGUAGES), Field(alias="is")]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        other, share = foreign_language(answer, self.language)
        return bool(answer.strip()) and share <= FOREIGN_ALLOWED, other or guess_language(answer)


class Length(Check):
    """So many words, sentences, lines or characters: `min_words`, `max_words`, and so on."""

    min_words: Count = 0
    max_words: Count = plain.MAX_CHARACTERS
    min_sentences: Count = 0
    max_sentences: Count = plain.MAX_CHARACTERS
    min_lines: Count = 0
    max_lines: Count = plain.MAX_CHARACTERS
    min_characters: Count = 0
    max_characters: Count = plain.MAX_CHARACTERS

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        off, asked = [], []
        for unit, measure in MEASURES.items():
            found, least, most = measure(answer), getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if found < least:
                off.append(f"{found} < {least}")
            if found > most:
                off.append(f"{found} > {most}")
            if (least, most) != (0, plain.MAX_CHARACTERS):
                asked.append(str(found))
        return not off and bool(answer.strip()), ", ".join(off or asked)


class HasNumbers(Check):
    """`all` of the numbers are there, and one of `any`; `only_known`: no other than those and the question's.

    `sources`: the answer names passages and pages, whose numbers are no figures.
    """

    needs_one_of = ("all", "any", "only_known")
    all: Numbers = []
    any: Numbers = []
    tolerance: Number = 0.0
    only_known: bool = False
    sources: bool = False

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        if self.sources:
            answer = without_references(answer)
        # The numbers of a list's items are not the answer's.
        found = numbers(without_marks(answer))
        missing = [one for one in self.all if not self._among(one, found)]
        shown = found
        passed = not missing and (not self.any or any(self._among(one, found) for one in self.any))
        if passed and self.only_known:
            known = {value for read in numbers(question) for value in read} | {*self.all, *self.any}
            shown = [read for read in found if not any(same_number(read, one, self.tolerance) for one in known)]
            passed = not shown
        return passed, ", ".join(f"{min(read):g}" for read in shown[:20])

    def _among(self, wanted: float, found: list[frozenset[float]]) -> bool:
        return any(same_number(read, wanted, self.tolerance) for read in found)


class JsonShape(Check):
    """The answer holds JSON with these `values`, or as a JSON `schema` says; `alone`: and nothing else."""

    values: dict[str, Any] = {}
    rules: Annotated[dict[str, Any], Field(alias="schema")] = {}
    alone: bool = False

    _check_schema: Callable[[Any], Any]

    def prepare(self) -> None:
        if not self.values and not self.rules:
            raise MalformedError("task_missing_key", "values, schema")
        self._check_schema = _schema(self.rules)

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        try:
            found = plain.json_value(answer, self.alone)
            self._check_schema(found)
        except (ValueError, RecursionError) as error:
            return False, _broken_rule(error) or answer.strip()[:80]
        return not self.values or _holds(found, self.values), json.dumps(found, ensure_ascii=False)


class ListShape(Check):
    """A list of `items` items (or `min_items`, `max_items`), of one style, each of `max_words` at most."""

    items: Count = 0
    min_items: Count = 1
    max_items: Count = ANY_COUNT
    style: Annotated[str, one_of(STYLES)] = "any"
    max_words: Count = ANY_COUNT
    alone: bool = False

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = [text for kind, text in plain.list_items(answer) if self.style in ("any", kind)]
        least, most = self.items or self.min_items, self.items or self.max_items
        fits = least <= len(found) <= most and all(len(plain.words(text)) <= self.max_words for text in found)
        return fits and not (self.alone and len(plain.lines(answer)) > len(found)), str(len(found))


class TableShape(Check):
    """A Markdown table with these `columns` and so many `rows` below the head."""

    columns: Texts = []
    rows: Count = 0

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = plain.markdown_table(answer)
        if not found:
            return False, ""
        head = [plain.strip_decoration(cell) for cell in found[0]]
        fits = not self.columns or head == [plain.strip_decoration(one) for one in self.columns]
        even = len({len(row) for row in found}) == 1
        rows = len(found) - 1
        return fits and even and rows == (self.rows or rows), f"{rows} × {len(head)}"


class InOrder(Check):
    """The `words` are all there, and appear one after the other."""

    words: Annotated[Texts, Field(min_length=2)]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        places = _present(self.words, answer)
        seen = sorted(places, key=lambda word: places[word])
        return seen == self.words, ", ".join(seen)


class CitesPassages(Check):
    """The answer cites `all` of these passages by their numbers, as in [2], and no other."""

    all: Annotated[list[Count], Field(min_length=1)]

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        found = sorted(set(citations(answer)))
        return found == sorted(self.all), ", ".join(map(str, found))


class Abstains(Check):
    """The answer says in French that what was asked is not in the text."""

    def check(self, answer: str, question: str) -> tuple[bool, str]:
        return plain.says_not_told(answer), answer.strip()[:80]


def _schema(schema: dict[str, Any]) -> Callable[[Any], Any]:
    """What refuses values that are not as the schema says, with a ValueError."""
    if not schema:
        return lambda value: value
    # Only the Labo needs it, and not before a task with a schema is read.
    import fastjsonschema  # noqa: PLC0415

    formats: dict[str, Callable[[str], bool]] = {}
    bounded = _bounded(schema, formats)
    try:
        made: Callable[[Any], Any] = fastjsonschema.compile(bounded, formats=formats)
    except (fastjsonschema.JsonSchemaException, ValueError, TypeError, AttributeError, SyntaxError, RecursionError):
        raise MalformedError("task_bad_schema", "schema") from None
    return made


def _bounded(value: Any, formats: dict[str, Callable[[str], bool]]) -> Any:
    """The same schema with each `pattern` made a format, which is searched for a bounded time; `formats` gets them.

    Raises MalformedError for what would be fetched from elsewhere, or searched by a library that cannot be stopped.
    """
    if isinstance(value, list):
        return [_bounded(one, formats) for one in value]
    if not isinstance(value, dict):
        return value
    if not str(value.get("$ref", "#")).startswith("#"):
        raise MalformedError("task_schema_elsewhere", "schema")
    if "patternProperties" in value:
        raise MalformedError("task_schema_pattern", "schema", word="patternProperties")
    made = {key: _bounded(one, formats) for key, one in value.items()}
    if not isinstance(pattern := value.get("pattern"), str):
        return made
    expression = compile_pattern(pattern, "schema", case=True)
    name = f"pattern-{len(formats)}"
    formats[name] = lambda text: search_pattern(expression, text) is not None
    del made["pattern"]
    return made | {"allOf": [*made.get("allOf", []), {"format": name}]}


def _broken_rule(error: Exception) -> str:
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


CHECK_KINDS: dict[str, type[Check]] = {
    "contains": Contains,
    "forbidden": Forbidden,
    "equals": Equals,
    "starts": Starts,
    "regex": MatchesRegex,
    "language": InLanguage,
    "length": Length,
    "numbers": HasNumbers,
    "json": JsonShape,
    "list": ListShape,
    "table": TableShape,
    "order": InOrder,
    "citations": CitesPassages,
    "abstains": Abstains,
}


def make_check(values: Any) -> Check:
    """The check that a task file describes. Raises MalformedError."""
    if not isinstance(values, dict):
        raise MalformedError("task_want_checks")
    if "type" not in values:
        raise MalformedError("task_missing_key", "type")
    if not isinstance(kind := values["type"], str) or kind not in CHECK_KINDS:
        raise MalformedError("task_want_choice", "type", known=", ".join(sorted(CHECK_KINDS)))
    return read_table(CHECK_KINDS[kind], values)


AnyCheck = Annotated[Check, PlainValidator(make_check)]
