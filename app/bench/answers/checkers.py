"""The checks of a task: words, wording, language and length; the registry of all kinds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.bench.answers import expressions, plain, shapes
from app.bench.answers.judgement import CheckResult
from app.bench.answers.language import LANGUAGES, foreign, guess
from app.bench.answers.params import MalformedError, Params

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
            passed, detail = self.sight(answer[: plain.LONGEST], question)
        except expressions.UndecidedError:
            return CheckResult(self.kind, None)
        return CheckResult(self.kind, passed, detail[:200])


def check(values: dict[str, Any]) -> Check:
    """The check that a task file describes. Raises MalformedError."""
    params = Params(values)
    kind = params.choice("type", frozenset(KINDS))
    essential = params.flag("essential")
    bad = params.text("bad")
    sight = KINDS[kind](params)
    params.done()
    return Check(kind, essential, bad, _wants(values), sight)


def _wants(values: dict[str, Any]) -> str:
    """The settings of a check in one line."""
    told = {key: value for key, value in values.items() if key not in ("type", "essential", "bad")}
    lists = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in told.items()}
    return " · ".join(f"{key} = {value}" for key, value in lists.items())


def contains(params: Params) -> Sight:
    """`all` of the words (or groups of words) are there, and one of `any`."""
    needed = {word: plain.phrase(word) for word in params.texts("all")}
    chosen = {word: plain.phrase(word) for word in params.texts("any")}
    if not needed and not chosen:
        raise MalformedError("task_missing_key", "all, any")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.folded(answer)
        missing = [word for word, pattern in needed.items() if not pattern.search(text)]
        if chosen and not any(pattern.search(text) for pattern in chosen.values()):
            missing.append(" / ".join(chosen))
        return not missing, ", ".join(missing)

    return sight


def forbidden(params: Params) -> Sight:
    """None of the `words` is there."""
    unwanted = {word: plain.phrase(word) for word in params.texts("words")}
    if not unwanted:
        raise MalformedError("task_missing_key", "words")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        text = plain.folded(answer)
        found = [word for word, pattern in unwanted.items() if pattern.search(text)]
        return not found, ", ".join(found)

    return sight


def equals(params: Params) -> Sight:
    """The answer is one of `any` and nothing else, but for case, accents, quotes and a final stop."""
    wanted = {plain.bare(one) for one in params.texts("any")}
    if not wanted:
        raise MalformedError("task_missing_key", "any")
    return lambda answer, _: (plain.bare(answer) in wanted, answer.strip()[:80])


def starts(params: Params) -> Sight:
    """The answer begins with one of `any`."""
    wanted = tuple(plain.folded(one) for one in params.texts("any"))
    if not wanted:
        raise MalformedError("task_missing_key", "any")
    return lambda answer, _: (plain.folded(answer).lstrip("\"' ").startswith(wanted), answer.strip()[:40])


def regex(params: Params) -> Sight:
    """The regular expression `pattern` finds something; with `absent = true`, it finds nothing."""
    expression = expressions.compiled(params.text("pattern"), "pattern")
    absent = params.flag("absent")

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = expressions.found(expression, answer.translate(plain.QUOTES))
        return (found is None) == absent, found[0][:80] if found else ""

    return sight


def language(params: Params) -> Sight:
    """The answer is in the language `is`; quotations and names in another one are allowed."""
    wanted = params.choice("is", LANGUAGES)

    def sight(answer: str, _: str) -> tuple[bool, str]:
        other, share = foreign(answer, wanted)
        return bool(answer.strip()) and share <= FOREIGN_ALLOWED, other or guess(answer)

    return sight


def length(params: Params) -> Sight:
    """So many words, sentences, lines or characters: `min_words`, `max_words`, and so on."""
    bounds = {unit: (params.count(f"min_{unit}", 0), params.count(f"max_{unit}", plain.LONGEST)) for unit in MEASURES}

    def sight(answer: str, _: str) -> tuple[bool, str]:
        found = {unit: MEASURES[unit](answer) for unit in MEASURES}
        off = [f"{found[unit]} < {least}" for unit, (least, _) in bounds.items() if found[unit] < least]
        off += [f"{found[unit]} > {most}" for unit, (_, most) in bounds.items() if found[unit] > most]
        asked = [str(found[unit]) for unit, bound in bounds.items() if bound != (0, plain.LONGEST)]
        return not off and bool(answer.strip()), ", ".join(off or asked)

    return sight


KINDS: dict[str, Callable[[Params], Sight]] = {
    "contains": contains,
    "forbidden": forbidden,
    "equals": equals,
    "starts": starts,
    "regex": regex,
    "language": language,
    "length": length,
    "numbers": shapes.figures,
    "json": shapes.json_shape,
    "list": shapes.list_shape,
    "table": shapes.table_shape,
    "order": shapes.order,
}
