"""What the readers of all formats give, and how text without pages becomes some."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.text import clean

# Characters of a part of a text without pages, and how many it has at least before a heading begins another one.
PART, LEAST_PART = 3_000, 1_500
# Rows of a part of a table, and characters after which it ends though it has fewer.
ROWS, FULL_TABLE = 200, 100_000
# Pages of a document, characters of all pages.
MOST_PAGES, MOST_CHARACTERS = 5_000, 30_000_000
# What is shown as nothing, or turns the direction of what follows it; and line ends of all kinds.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
BLANK = re.compile(r"[ \t\xa0]+\n")
BLANK_LINES = re.compile(r"\n{3,}")
# Where a paragraph that is too long may be cut, the best first.
CUTS = ("\n", ". ", " ")


class UnreadableError(Exception):
    """A file that cannot be read; `code` is one of app.errors, which this process does not load."""

    def __init__(self, code: str, **params: int) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Section:
    """A page, slide, sheet or part: its title ("" without one) and its text."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How many pages are read, of how many."""

    done: int
    total: int


Content = Iterator[Section | Progress]


def plain(text: str) -> str:
    """Return text as NFC, without control characters and marks of direction, with one blank line at most in a row."""
    text = INVISIBLE.sub("", LINE_END.sub("\n", clean(text)))
    return BLANK_LINES.sub("\n\n", BLANK.sub("\n", unicodedata.normalize("NFC", text) + "\n")).strip("\n")


def one_line(text: str) -> str:
    """Return text with every run of white space as one space."""
    return " ".join(text.split())


def table_line(cells: list[str]) -> str:
    """Return a row of a table as a line "a | b | c", without the empty cells at its end; "" for an empty row."""
    cells = [one_line(cell) for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return " | ".join(cells)


def table_parts(rows: Iterable[list[str]], title: str = "") -> Iterator[Section]:
    """Cut a table into parts of ROWS rows, or of fewer if these are long; `title`: that of each part."""
    part: list[str] = []
    taken = length = 0
    for line in map(table_line, rows):
        part.append(line)
        taken, length = taken + 1, length + len(line)
        if taken == ROWS or length >= FULL_TABLE:
            yield from _table(part, title)
            part, taken, length = [], 0, 0
    yield from _table(part, title)


def _table(lines: list[str], title: str) -> Iterator[Section]:
    if text := "\n".join(filter(None, lines)):
        yield Section(title, plain(text))


def parts(text: str) -> Iterator[Section]:
    """Cut a text without pages at headings and paragraphs into parts of about PART characters."""
    part: list[str] = []
    length = 0
    for block in _blocks(plain(text)):
        full = length + len(block) > PART or (block.startswith("#") and length >= LEAST_PART)
        if part and full:
            yield Section("", "\n\n".join(part))
            part, length = [], 0
        part.append(block)
        length += len(block) + 2
    if part:
        yield Section("", "\n\n".join(part))


def _blocks(text: str) -> Iterator[str]:
    """Give the paragraphs of a text, cut where they are longer than a part."""
    for paragraph in text.split("\n\n"):
        at = 0
        while len(paragraph) - at > PART:
            end = _end_of_part(paragraph, at)
            yield paragraph[at:end].strip("\n")
            at = end
        if paragraph[at:].strip():
            yield paragraph[at:].strip("\n")


def _end_of_part(paragraph: str, at: int) -> int:
    """Return where a part that begins at `at` ends: after a line, else a sentence, else a word."""
    for cut in CUTS:
        end = paragraph.rfind(cut, at + LEAST_PART, at + PART)
        if end >= 0:
            return end + len(cut)
    return at + PART
