"""Where a page is cut into passages: before headings, else between paragraphs, lines, sentences or words."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

# A passage weighs its bytes of UTF-8, and each figure, each sign and the white space before them two more: a third of
# that is what `estimated_tokens` counts. At 180 tokens, four passages leave a context to the question and the answer.
MOST = 540
# From this weight on, a heading begins the next passage, and a passage that is full is cut at the best place.
LEAST = 180
DENSE = re.compile(r"[^\w\s]|[\d_]|\s(?=[^\w\s]|[\d_])")

# How good a place is to cut before; NEVER: it would part a heading, or a line that announces
# others, from what follows.
HEADING, PARAGRAPH, LINE, WORD, NEVER = 4, 3, 2, 1, 0
WHOLE_LINE = re.compile(r"\S.*")
# What a line that does not fit is cut into, then its parts, and how good a place that is. Each of the last characters
# weighs six at most.
PARTS = (
    (LINE, re.compile(r"\S.*?(?:[.!?…](?=\s)|$)")),
    (WORD, re.compile(r"\S+")),
    (WORD, re.compile(rf"\S{{1,{MOST // 6}}}")),
)

# Headings: of Markdown; with a number and a capital, such as « 3.2 Vidange » or « Article 4 – Prix »; in capitals.
MARKED = re.compile(r"(#{1,6}) ")
NUMBERED = re.compile(
    r"(?:(?i:article|chapitre|section|annexe|partie)\s+)?"
    r"(?:\d{1,2}((?:\.\d{1,2})*)|[IVX]+)\.?\s*[)–:-]?\s+[^\W\d_a-zß-öø-ÿ]"
)
CAPITALS = re.compile(r"[^a-zß-öø-ÿ]*[^\W\d_]{4}[^a-zß-öø-ÿ]*")
LONGEST_HEADING = 90
# More lines than this that look like headings, one after the other, are a list.
HEADINGS_TOGETHER = 2
BETWEEN_CELLS = " | "


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage: the page's characters from `start` to before `end`, with no white space around them.

    `context`: what stands above and says what it is about, for the search: the document's first heading, its own
    headings, the first row of its table.
    """

    start: int
    end: int
    context: str = ""


@dataclass(slots=True)
class _Line:
    """A line that is not blank. `level`: of a heading, from 1; `before`: how good it is to cut before it."""

    start: int
    words: str
    level: int
    before: int = PARAGRAPH
    begins_table: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.words)

    @property
    def is_row(self) -> bool:
        return BETWEEN_CELLS in self.words


class PassageCutter:
    """Cuts the pages of one document, in their order: a heading counts until the next one, also on later pages."""

    def __init__(self) -> None:
        self._headings: list[_Line] = []
        self._table: str | None = None
        self._title: _Line | None = None

    def cut(self, text: str) -> list[Cut]:
        """Return the passages of the next page: all its text, in order."""
        lines, at = _lines(text), 0
        found = []
        self._table = None
        for start, end in _spans(text, lines):
            while lines[at].end <= start:
                self._pass(lines[at])
                at += 1
            found.append(Cut(start, end, "\n".join(self._above(lines[at]))))
        for line in lines[at:]:
            self._pass(line)
        return found

    def _pass(self, line: _Line) -> None:
        if line.level:
            self._title = self._title or line
            self._headings = [each for each in self._headings if each.level < line.level] + [line]
        if line.begins_table or not line.is_row:
            self._table = line.words if line.is_row else None

    def _above(self, line: _Line) -> list[str]:
        headings = [each for each in self._headings if not line.level or each.level < line.level]
        above = [each.words for each in headings]
        if self._title and self._title not in headings:
            above.insert(0, self._title.words)
        return [*above, self._table] if self._table and line.is_row and not line.begins_table else above


def _lines(text: str) -> list[_Line]:
    """Return the lines that are not blank, with what they are."""
    lines = []
    for found in WHOLE_LINE.finditer(text):
        words = found[0].rstrip()
        lines.append(_Line(found.start(), words, _level(words)))
    _take_out_lists(lines)
    for above, line in pairwise([None, *lines]):
        assert line is not None  # noqa: S101 - only the first of all is
        is_apart = above is None or text.count("\n", above.end, line.start) > 1
        line.begins_table = line.is_row and (is_apart or above is None or not above.is_row)
        if above and (
            above.level or above.words.endswith(":") or (above.begins_table and line.is_row and not is_apart)
        ):
            line.before = NEVER
        elif line.level:
            line.before = HEADING
        elif above and not is_apart and line.is_row == above.is_row:
            line.before = LINE
    return lines


def _level(line: str) -> int:
    """Return the level of a heading, 1 for the highest; 0 for other lines."""
    if found := MARKED.match(line):
        return len(found[1])
    if len(line) > LONGEST_HEADING or line.endswith((".", ";", ",")) or BETWEEN_CELLS in line:
        return 0
    if found := NUMBERED.match(line):
        return 1 + (found[1] or "").count(".")
    return 1 if CAPITALS.fullmatch(line) else 0


def _take_out_lists(lines: list[_Line]) -> None:
    """Make plain lines of those that look like headings but follow others of the same look."""
    for look, group in groupby(lines, lambda line: _look(line) if line.level else None):
        together = list(group)
        if look and len(together) > HEADINGS_TOGETHER:
            for line in together:
                line.level = 0


def _look(heading: _Line) -> re.Pattern[str] | None:
    return None if MARKED.match(heading.words) else NUMBERED if NUMBERED.match(heading.words) else CAPITALS


def _spans(text: str, lines: list[_Line]) -> Iterator[tuple[int, int]]:
    """Yield where passages begin and end."""
    dense = [found.start() for found in DENSE.finditer(text)]

    def weigh(start: int, end: int) -> int:
        return len(text[start:end].encode()) + 2 * (bisect_left(dense, end) - bisect_left(dense, start))

    # Start, end, how good it is to cut before, how often it was cut.
    pieces = [(line.start, line.end, line.before, 0) for line in lines]
    first = 0
    while first < len(pieces):
        begin, best, last = pieces[first][0], 0, first
        while last < len(pieces):
            start, end, before, depth = pieces[last]
            is_enough = last > first and weigh(begin, pieces[last - 1][1]) >= LEAST
            if is_enough and before == HEADING:
                break
            if is_enough and before and (not best or before >= pieces[best][2]):
                best = last
            if weigh(begin, end) <= MOST:
                last += 1
            elif best or depth == len(PARTS):
                last = best or last
                break
            else:
                pieces[last : last + 1] = _parts(text, start, end, before, depth)
        yield begin, pieces[last - 1][1]
        first = last


def _parts(text: str, start: int, end: int, before: int, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the parts of a piece, as pieces."""
    worth, part = PARTS[depth]
    for found in part.finditer(text, start, end):
        yield found.start(), found.end(), before if found.start() == start else worth, depth + 1
