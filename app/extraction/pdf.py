"""Read PDF files by PDFium: the text of each page as it is drawn, nearly always in reading order.

A PDF has no paragraphs and no headings: they are found by the gaps between lines and by the height of letters.
"""

import re
from collections import Counter
from ctypes import byref
from dataclasses import dataclass
from itertools import islice
from statistics import median_low
from typing import IO, Any

import pypdfium2
from pypdfium2 import raw

from app.extraction.sections import MOST_PAGES, Content, Progress, Section, UnreadableError, plain

# PDFium joins the halves of a word that is cut at the end of a line, and writes this for the hyphen.
CUT = "\ufffe"
# The hyphen is the word's own before a capital or a digit, and in « peut-être », « lui-même », « est-elle ».
HYPHEN = re.compile(rf"{CUT}(?=[A-ZÀ-Þ\d]|(?:êtres?|mêmes?|là|ils?|elles?|on|je|tu|nous|vous)\b)")
LETTER, LETTER_OR_MARK = re.compile(r"\w"), re.compile(r"\S")
# Letters of a line that are measured: the usual one counts, as in some fonts a “g” or an “É” is higher than the others.
MEASURED = 7
# A larger gap between two lines than so many usual ones begins a paragraph, unless the next or the last gap is as large
# by this share: rows of tables and items of lists belong together.
LARGER_GAP, EVEN = 1.3, 0.05
# A heading's letters are so much higher than those of the text; from these ratios on it is of level 1, 2 and 3.
LEVELS = (1.7, 1.35, 1.15)
LONGEST_HEADING = 150


@dataclass(frozen=True, slots=True)
class _DrawnLine:
    """A line of a page: its text, where its first letters and its last one stand, and how high they are, in points."""

    text: str
    bottom: float
    end: float
    height: float


def read_pdf(file: IO[bytes]) -> Content:
    """Read one section a page; a page without text is an empty one.

    Raises UnreadableError: file_encrypted for a file that needs a password, file_too_many_pages.
    """
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise UnreadableError("file_encrypted") from None
        raise
    count = len(document)
    if count > MOST_PAGES:
        raise UnreadableError("file_too_many_pages", pages=count, limit=MOST_PAGES)
    # How many letters of each height there were so far: most are those of the text.
    heights: Counter[float] = Counter()
    for index in range(count):
        yield Progress(index, count)
        page = document[index]
        text = page.get_textpage()
        lines = _lines(text, page.get_bbox())
        heights.update({line.height: 0 for line in lines})
        for line in lines:
            heights[line.height] += len(line.text)
        yield Section("", plain(_blocks(lines, max(heights, key=heights.__getitem__, default=0))))
        text.close()
        page.close()


def _lines(text: Any, bounds: tuple[float, float, float, float]) -> list[_DrawnLine]:
    """Return the lines that stand on the page (left, bottom, right, top): what is above or below it is not seen."""
    lines, at = [], 0
    for line in text.get_text_range().split("\r\n"):
        words = line.strip()
        if words:
            # Not a bullet: it may be of another font.
            letters = list(islice(LETTER.finditer(line), MEASURED)) or list(islice(LETTER_OR_MARK.finditer(line), 1))
            places = [_place(text, at + _units(line[: letter.start()])) for letter in letters]
            bottom, top = (median_low(edges) for edges in zip(*places, strict=True))
            # A word that was cut ends on the next line.
            end = _place(text, at + _units(line.rstrip()) - 1)[0] if CUT in words else bottom
            if top >= bounds[1] and bottom <= bounds[3]:
                words = HYPHEN.sub("-", words).replace(CUT, "")
                lines.append(_DrawnLine(words, bottom, end, round(top - bottom, 1)))
        at += _units(line) + 2
    return lines


def _place(text: Any, at: int) -> tuple[float, float]:
    """Return the bottom and the top of the letter at this place of the text."""
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text, raw.FPDFText_GetCharIndexFromTextIndex(text, at), byref(box))
    return box.bottom, box.top


def _units(text: str) -> int:
    """Return the length of a text in UTF-16, in which PDFium counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _blocks(lines: list[_DrawnLine], body: float) -> str:
    """Return the lines with a blank line between paragraphs, and headings marked; `body`: the height of the text."""
    levels = [_level(line, body) for line in lines]
    # From the line before; None for the first one, and beside a heading.
    gaps = [
        None if not number or levels[number] or levels[number - 1] else lines[number - 1].end - line.bottom
        for number, line in enumerate(lines)
    ]
    # A quarter of the gaps is at most as large as the one between two lines of a paragraph.
    near = sorted(gap for gap in gaps if gap is not None and 0 < gap < 4 * body) or [body]
    usual = near[len(near) // 4]
    text: list[str] = []
    for number, (line, level, gap) in enumerate(zip(lines, levels, gaps, strict=True)):
        if level and number and level == levels[number - 1] and 0 < lines[number - 1].end - line.bottom < 4 * body:
            # The second line of a heading.
            text.append(" " + line.text)
            continue
        even = any(_alike(gap, other) for other in (*gaps[number - 1 : number], *gaps[number + 1 : number + 2]))
        apart = gap is None or (gap > LARGER_GAP * usual and not even)
        text.append(("\n\n" if apart else "\n") + "#" * level + " " * bool(level) + line.text)
    return "".join(text)


def _level(line: _DrawnLine, body: float) -> int:
    """Return the level of a heading, 0 for another line."""
    if not body or len(line.text) > LONGEST_HEADING:
        return 0
    return next((level for level, least in enumerate(LEVELS, 1) if line.height >= least * body), 0)


def _alike(gap: float | None, other: float | None) -> bool:
    return gap is not None and other is not None and abs(other - gap) <= EVEN * gap
