"""Read text files: plain text, Markdown, source code, and tables of separated values."""

import codecs
import csv
import io
from itertools import islice
from typing import IO

from app.extraction.sections import Content, parts, table_parts

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
        codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
# Control characters in text files: tab, line ends, end of a page, end of a file (DOS), escape (colours of terminals).
CONTROLS = frozenset("\t\n\r\f\x1a\x1b")
SEPARATORS = ";,\t|"
# Lines that say which separator a table has.
SAMPLE = 20


def decoded(data: bytes) -> str | None:
    """Return text in UTF-8, UTF-16 and UTF-32 with a mark, or Windows' western characters; None if it is no text."""
    encodings = [encoding for bom, encoding in BOMS.items() if data.startswith(bom)] or ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        controls = {character for character in set(text) if character < " " or "\x7f" <= character <= "\x9f"}
        # U+0085 ends lines on some machines.
        return text if controls <= CONTROLS | {"\x85"} else None
    return None


def whole(file: IO[bytes]) -> str:
    """Return the text of a file that `kinds` takes for one."""
    file.seek(0)
    return decoded(file.read()) or ""


def read_text(file: IO[bytes]) -> Content:
    """Read a text as it is, in parts."""
    yield from parts(whole(file))


def read_separated(file: IO[bytes]) -> Content:
    """Read a table of values separated by semicolons, commas, tabs or bars, in parts, as lines "a | b | c"."""
    text = whole(file)
    csv.field_size_limit(len(text) + 1)
    yield from table_parts(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text)))


def _separator(text: str) -> str:
    """Return the separator that most of the first lines have equally often."""
    lines = [line for line in islice(io.StringIO(text), SAMPLE) if line.strip()]

    def agreement(separator: str) -> tuple[int, int]:
        counts = [line.count(separator) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(SEPARATORS, key=agreement)
