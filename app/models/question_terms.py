"""What a question looks for in documents, and where a text has it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.models.word_forms import STOP_WORDS, WORD, normalize, stems_of

# Figures with spaces between thousands; what signs hold together, such as « RX-204 » or « 1,5 »; any other word.
THOUSANDS = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)"
PIECE = re.compile(rf"[\"«“]([^\"»”]+)[\"»”]|({THOUSANDS}|[^\W_]+(?:[-./,][^\W_]+)*)")
SPLIT = re.compile(r"\d+|[^\W\d_]+")
GROUP = re.compile(r"\d{1,3}(?=(?:\d{3})*$)")
# Digits of numbers that are written with spaces between thousands, too.
WITH_THOUSANDS = range(4, 13)
MOST_TERMS = 24


@dataclass(frozen=True, slots=True)
class Term:
    """What a passage may have of a question: one of some phrases, or a word of one of the stems.

    `phrases`: normalized words that follow each other; `is_needed`: no passage without it.
    """

    phrases: tuple[tuple[str, ...], ...]
    stems: tuple[str, ...] = ()
    is_needed: bool = False


def terms(question: str) -> list[Term]:
    """Return what to look for: phrases in quotes, numbers, part numbers, and all words but stop words.

    A question of stop words only is looked for as it is.
    """
    found = [term for quoted, plain in PIECE.findall(question) for term in _terms(quoted, plain)]
    told = [term for term in found if term.is_needed or term.stems or term.phrases[0][0] not in STOP_WORDS]
    return list(dict.fromkeys(told or found))[:MOST_TERMS]


def _terms(quoted: str, plain: str) -> Iterator[Term]:
    words = tuple(WORD.findall(normalize(quoted or plain)))
    if not words:
        return
    if quoted:
        yield Term((words,), is_needed=True)
    elif any(figure.isdecimal() for figure in plain):
        yield Term(_numbers(plain, words))
    else:
        for word in WORD.findall(plain):
            yield Term(((normalize(word),),), stems_of(word.lower()))


def _numbers(plain: str, words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return how texts may write a number or a part number: « 12 450 » and 12450, RX-204 and « RX 204 »."""
    joined = "".join(words)
    found = [words]
    if not joined.isdecimal():
        found += [(joined,), tuple(SPLIT.findall(joined))]
    elif not re.search(r"[-./,]", plain) and len(joined) in WITH_THOUSANDS:
        found += [(joined,), tuple(GROUP.findall(joined))]
    return tuple(dict.fromkeys(found))


def marks(content: str, wanted: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where the text has the terms: start and end of each place, in order."""
    words = list(WORD.finditer(content))
    plain = [normalize(word[0]) for word in words]
    phrases, family = (
        {each for term in wanted for each in term.phrases},
        {each for term in wanted for each in term.stems},
    )
    longest = max(map(len, phrases), default=0)
    places: list[tuple[int, int]] = []
    for at, word in enumerate(words):
        lengths = [
            length
            for length in range(min(longest, len(words) - at), 0, -1)
            if tuple(plain[at : at + length]) in phrases
        ]
        if lengths or family.intersection(stems_of(word[0].lower())):
            last = words[at + (lengths or [1])[0] - 1]
            if not places or word.start() >= places[-1][1]:
                places.append((word.start(), last.end()))
    return places
