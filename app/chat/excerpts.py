"""The words around what was found, cut into parts that are found words and parts that are not."""

import re
import unicodedata
from functools import cache
from typing import TypedDict

from app.models.search import SearchTerm

# Letters shown before and after the first word found.
BEFORE, AFTER = 40, 120
ACCENTS = "[\u0300-\u036f]*"
# Marks of Markdown, which say nothing in a line of plain text, and what is left of them.
MARKS = (
    (re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*$|^[ \t]*```.*$", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:#{1,6}|>+|[-*+])[ \t]+", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)"), r"\1"),
    (re.compile(r"(?<!\w)[*_`]+(?=\S)|(?<=\S)[*_`]+(?!\w)"), ""),
    (re.compile(r"[ \t]*\|[ \t]*"), " "),
)


class Part(TypedDict):
    """A piece of text, and whether it is one of the words looked for."""

    text: str
    found: bool


def pattern(terms: tuple[SearchTerm, ...]) -> re.Pattern[str] | None:
    """What finds these terms in a text, whatever its accents and capitals; None without terms."""
    if not terms:
        return None
    said = (
        r"[\W_]+".join(_spelling(word) for word in term.words) + (r"[^\W_]*" if term.begins else "") for term in terms
    )
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(said)})(?![^\W_])", re.IGNORECASE)


def parts(text: str, found: re.Pattern[str] | None) -> list[Part]:
    """The whole text, in parts."""
    made: list[Part] = []
    end = 0
    for match in found.finditer(text) if found else ():
        made += [Part(text=text[end : match.start()], found=False), Part(text=match[0], found=True)]
        end = match.end()
    made.append(Part(text=text[end:], found=False))
    return [part for part in made if part["text"]]


def excerpt(text: str, found: re.Pattern[str] | None) -> list[Part]:
    """A line of the text around the first word found, or its beginning."""
    first = found.search(text) if found else None
    start = max(0, first.start() - BEFORE) if first else 0
    end = (first.start() if first else BEFORE) + AFTER
    if start:
        # At a word's beginning, if one is near.
        space = text.find(" ", start, start + BEFORE // 2)
        start = space + 1 if space >= 0 else start
    line = " ".join(_plain(text[start:end]).split())
    return parts(("…" if start else "") + line + ("…" if end < len(text) else ""), found)


def _plain(text: str) -> str:
    """Without the marks of Markdown; words stay as they are."""
    for marks, left in MARKS:
        text = marks.sub(left, text)
    return text


def _spelling(word: str) -> str:
    """The word in a regular expression that does not look at accents."""
    letters = unicodedata.normalize("NFD", word.lower()).replace("œ", "oe")
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "(?:oe|œ)".join("".join(_letter(letter) for letter in piece) for piece in plain.split("oe"))


def _letter(letter: str) -> str:
    return f"[{re.escape(letter)}{_accented().get(letter, '')}]{ACCENTS}"


@cache
def _accented() -> dict[str, str]:
    """Plain letter → its kin with accents."""
    kin: dict[str, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        if plain != chr(code).lower():
            kin[plain] = kin.get(plain, "") + chr(code)
    return kin
