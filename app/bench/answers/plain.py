"""An answer made comparable: words without case, accents or marks, sentences, lines, list items, tables, JSON."""

import json
import re
import unicodedata
from itertools import islice
from typing import Any

# An answer is judged on its beginning: more is a loop, and expressions cost more than its length.
LONGEST = 20_000
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?…])[\s»\"]+(?=[^\s])|\n+")
ITEM = re.compile(r"^\s{0,8}(?P<mark>[-*•–+]|\(?\d{1,3}[.):])\s+(?P<text>\S.*)$")
FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"[*_`#]+")
QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "\u00a0": " ", "\u202f": " ", "\u2011": "-"}
)


def folded(text: str) -> str:
    """Without case, accents and marks of Markdown, one kind of quotes and spaces; `œ` is `oe`."""
    text = MARKS.sub("", text.translate(QUOTES)).casefold().replace("œ", "oe").replace("æ", "ae")
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(bare.split())


def words(text: str) -> list[str]:
    """The words, as they are written; numbers count."""
    return WORD.findall(text.translate(QUOTES))


def sentences(text: str) -> list[str]:
    """The sentences; a line's end ends one, as in lists and headings."""
    parts = (part.strip() for part in SENTENCE_END.split(text))
    return [part for part in parts if WORD.search(part)]


def lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line.strip() for line in text.splitlines() if WORD.search(line)]


def bare(text: str) -> str:
    """One short answer without what surrounds it: quotes, bold, a final stop."""
    return folded(text).strip(" \"'.!:;")


def phrase(wanted: str) -> re.Pattern[str]:
    """Finds a word or several in folded text, whole words only; a `*` stands for any end of a word."""
    parts = [re.escape(part) for part in folded(wanted.replace("*", "\0")).split("\0")]
    pattern = r"\w*".join(parts)
    begin = r"(?<!\w)" if re.match(r"\w", pattern) else ""
    end = r"(?!\w)" if re.search(r"[\w*]$", pattern) else ""
    return re.compile(begin + pattern + end)


def items(text: str) -> list[tuple[str, str]]:
    """The items of the lists: (`bullet` or `number`, text)."""
    found = (ITEM.match(line) for line in text.splitlines())
    return [("number" if one["mark"][-1] in ".):" else "bullet", one["text"]) for one in found if one]


def without_marks(text: str) -> str:
    """The text without the marks and numbers that begin a list's items."""
    return "\n".join(one["text"] if (one := ITEM.match(line)) else line for line in text.splitlines())


def table(text: str) -> list[list[str]]:
    """The rows of the Markdown table, the head first; empty without a table."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.strip().startswith("|")]
    ruled = len(rows) > 1 and all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in rows[1])
    return [[cell.strip() for cell in row] for row in (rows[:1] + rows[2:])] if ruled else []


def json_value(text: str, alone: bool) -> Any:
    """The first JSON object or list of the answer; `alone`: nothing else may stand there. Raises ValueError."""
    fenced = FENCE.search(text)
    if alone:
        return _decoded(text)
    if fenced:
        text = fenced[1]
    for start in islice(re.finditer(r"[\[{]", text), 50):
        try:
            return _decoded(text[start.start() :], whole=False)
        except ValueError:
            continue
    raise ValueError("no JSON")


def _decoded(text: str, whole: bool = True) -> Any:
    try:
        return json.loads(text) if whole else json.JSONDecoder().raw_decode(text)[0]
    except RecursionError:
        raise ValueError("nested too deeply") from None
