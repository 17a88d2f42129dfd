"""Compare an answer with the passages that it was written from: what it cites, and the figures that it gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

# A list item; its mark is a bullet or a number.
ITEM = re.compile(r"^\s{0,8}(?P<mark>[-*•–+]|\(?\d{1,3}[.):])\s+(?P<text>\S.*)$")
# Digits with spaces, points, commas or apostrophes between them, as 1 234,5 or 1,234.5; a minus sign before. Right
# behind a word, a unit or a bracket it is the hyphen of a range: 8h-17h, 5%-20%.
NUMBER = re.compile(
    # The minutes of 14h30 follow a letter.
    r"(?:(?<![\w.,])|(?<=\d[hH]))(?:(?<![\w%°€$£²³)\]])(?P<sign>[-−–\u2011]))?"
    r"(?P<digits>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,']\d+)*)"
)
# Passages cited as [1], [1, 3] or [1-3], and the numbers of pages and passages that a text names.
CITED_PAGES = re.compile(
    r"\[\s*p(?:ages?\b|p?\.)\s*\d{1,5}(?:\s*(?:[,;–-]|et)\s*(?:p\.\s*)?\d{1,5})*\s*\]", re.IGNORECASE
)
CITATION = re.compile(r"\[\s*\d{1,3}(?:\s*(?:[,;–-]|et)\s*\d{1,3})*\s*\]")
REFERENCE = re.compile(r"\b(?:pages?|p\.|extraits?|passages?)\s*\d+(?:\s*(?:[,–-]|et|à)\s*\d+)*", re.IGNORECASE)
# Numbers that texts write as words and models as figures: « deux ans », « le 3 mars » as 03/03.
IN_WORDS = """
0 zéro
1 un une premier première janvier
2 deux deuxième second seconde février
3 trois troisième mars
4 quatre quatrième avril
5 cinq cinquième mai
6 six sixième juin
7 sept septième juillet
8 huit huitième huitaine août
9 neuf neuvième septembre
10 dix dixième dizaine octobre
11 onze novembre
12 douze douzaine décembre
13 treize
14 quatorze
15 quinze quinzaine
16 seize
20 vingt vingtaine
30 trente trentaine
40 quarante quarantaine
50 cinquante cinquantaine
60 soixante
80 quatre-vingt quatre-vingts
100 cent centaine
1000 mille
"""
WORDS = {word: int(number) for number, *words in map(str.split, IN_WORDS.split("\n")[1:-1]) for word in words}
# Numbers that one range may name: more is no citation.
MOST_IN_RANGE = 100
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Sources:
    """What an answer cites: `cited` are numbers of passages, `unknown` numbers that none has; `figures`, as written in
    the answer, stand in no passage.
    """

    cited: list[int]
    unknown: list[int]
    figures: list[str]


def check(answer: str, passages: Sequence[str], question: str) -> Sources:
    """Compare an answer with the passages, numbered from 1, that it was to be written from.

    Figures of the question count as known; numbers of list items, citations and pages are no figures.
    """
    named = list(dict.fromkeys(citations(answer)))
    cited = [number for number in named if 1 <= number <= len(passages)]
    known = {abs(value) for text in (*passages, question) for value in chain(*numbers(text), _in_words(text))}
    figures = [
        found["digits"]
        for found in NUMBER.finditer(without_references(without_marks(answer)))
        # The minutes of a full hour.
        if found["digits"] != "00" and not {abs(value) for value in _readings(found)} & known
    ]
    return Sources(cited, [number for number in named if number not in cited], list(dict.fromkeys(figures)))


def check_pages(answer: str, pages: Sequence[tuple[int, str]], question: str = "") -> Sources:
    """Compare an answer that cites pages, as [p. 12], with all of them, given as number and text."""
    cited = list(dict.fromkeys(number for found in CITED_PAGES.findall(answer) for number in _numbered(found)))
    known = {number for number, _ in pages}
    found = check(CITED_PAGES.sub("\n", answer), [text for _, text in pages], question)
    return Sources(
        [each for each in cited if each in known], [each for each in cited if each not in known], found.figures
    )


def citations(text: str) -> list[int]:
    """Return the numbers of the passages that the text cites, in its order; [1-3] cites three."""
    found: list[int] = []
    for citation in CITATION.finditer(text):
        found += _numbered(citation[0])
    return found


def _numbered(citation: str) -> list[int]:
    """Return the numbers that one citation names."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*[–-]\s*(?:p\.\s*)?(\d+))?", citation):
        found += range(int(first), min(int(last or first), int(first) + MOST_IN_RANGE) + 1)
    return found


def without_references(text: str) -> str:
    """Return the text without its citations and without the numbers of pages and passages that it names."""
    # Not a space, which would make one number of two.
    return REFERENCE.sub("\n", CITATION.sub("\n", text))


def without_marks(text: str) -> str:
    """Return the text without the bullets and numbers of its list items."""
    return "\n".join(one["text"] if (one := ITEM.match(line)) else line for line in text.splitlines())


def numbers(text: str) -> list[frozenset[float]]:
    """Return the numbers of the text, each as the set of its possible values: `1,234` may be 1.234 or 1234."""
    return [_readings(found) for found in NUMBER.finditer(text)]


def same_number(readings: frozenset[float], wanted: float, tolerance: float) -> bool:
    """Return whether one of a number's possible values is within `tolerance` of the wanted one."""
    return any(abs(one - wanted) <= tolerance + 1e-9 for one in readings)


def _readings(found: re.Match[str]) -> frozenset[float]:
    digits = re.sub(r"[ \u00a0\u202f']", "", found["digits"])
    sign = -1 if found["sign"] else 1
    return frozenset(sign * float(one) for one in _decimal_forms(digits))


def _decimal_forms(digits: str) -> set[str]:
    """Return the possible readings of digits with points and commas, each with at most a decimal point."""
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return {digits}
    if len(set(marks)) == 2:
        # Both marks occur: the last one is the decimal mark.
        whole, _, part = digits.rpartition(marks[-1])
        return {re.sub(r"[.,]", "", whole) + "." + part}
    joined = re.sub(r"[.,]", "", digits)
    thousands = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits)
    if len(marks) > 1:
        # Thousands separators, else a date or a version number, whose parts count.
        return {joined} if thousands else set(re.split(r"[.,]", digits))
    return {digits.replace(",", "."), joined} if thousands else {digits.replace(",", ".")}


def _in_words(text: str) -> list[float]:
    """Return the numbers that French words of the text say; of `vingt-cinq` only 25."""
    found: list[float] = []
    for word in WORD.findall(text.lower()):
        if word in WORDS:
            found.append(WORDS[word])
        elif "-" in word:
            eighty = word.startswith("quatre-vingt-")
            rest = word.removeprefix("quatre-vingt-") if eighty else word
            parts = [WORDS[part] for part in rest.split("-") if part in WORDS]
            found += [80 * eighty + sum(parts)] if parts else []
    return found
