"""Turn HTML, of files, of mails and of what mammoth makes of Word's documents, into plain text."""

import codecs
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import IO

from app.extraction.sections import Content, one_line, parts, table_line
from app.extraction.texts import decoded

# Elements whose content nobody reads as text.
DROPPED = {"script", "style", "template", "noscript", "svg", "math", "object", "iframe", "select", "textarea", "button"}
PARAGRAPHS = {
    "p", "div", "section", "article", "header", "footer", "main", "aside", "nav", "blockquote", "figure", "figcaption",
    "ul", "ol", "dl", "dt", "dd", "form", "fieldset", "address", "hr", "body", "caption", "details", "summary",
}  # fmt: skip
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# A table with a longer cell, or a table in a cell, arranges the page: its cells become paragraphs.
LONGEST_CELL = 400
CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.I)
# Encodings beside UTF-8 that pages name, and what they mean by it, as in browsers; looked up now, as the process that
# reads may not open files.
CHARSETS = {"iso-8859-15": "iso-8859-15"} | dict.fromkeys(("iso-8859-1", "us-ascii", "windows-1252"), "windows-1252")
CODECS = [codecs.lookup(name) for name in CHARSETS.values()]


def read_html(file: IO[bytes]) -> Content:
    """Read a page of the web: what can be seen of it, in parts. Nothing that it names is fetched."""
    file.seek(0)
    data = file.read()
    yield from parts(text_of(_declared(data) or decoded(data) or ""))


def text_of(html: str) -> str:
    """Return the text of HTML: headings "# …", items "- …", rows of tables "a | b", all else paragraphs."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.text()


@dataclass(slots=True)
class _Table:
    """A table that is being read: the cells of its row, and whether one is open."""

    cells: list[str] = field(default_factory=list)
    open: bool = False


class _Parser(HTMLParser):
    """Collects text; `_texts`: what is written so far, one level more for each cell that is open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._texts: list[list[str]] = [[]]
        self._tables: list[_Table] = []
        # For each list that is open, the number of its last item; None where items have none.
        self._lists: list[int | None] = []
        self._dropped = ""
        self._title = ""
        self._in_title = False
        self._preformatted = 0

    def text(self) -> str:
        """Return what was read, below the page's title if its first heading is another one."""
        while self._tables:
            self._end_table()
        text = "".join(self._texts[0]).strip()
        title = one_line(self._title)
        return f"# {title}\n\n{text}" if title and title not in text[: len(title) + 10] else text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropped:
            return
        if tag in DROPPED:
            self._dropped = tag
        elif tag == "title":
            self._in_title = not self._title
        elif tag in HEADINGS:
            self._write("\n\n" + "#" * int(tag[1]) + " ")
        elif tag in ("table", "tr", "td", "th"):
            self._start_in_table(tag)
        elif tag == "li":
            self._start_item()
        elif tag == "br":
            self._write("\n")
        else:
            self._start_block(tag)

    def _start_block(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._write("\n" if self._lists else "\n\n")
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "pre":
            self._preformatted += 1
            self._write("\n\n")
        # An item's own paragraphs follow its mark.
        elif tag in PARAGRAPHS and not self._ends_with_mark():
            self._write("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            if tag == self._dropped:
                self._dropped = ""
        elif tag == "title":
            self._in_title = False
        elif tag == "table" and self._tables:
            self._end_table()
        elif tag == "tr" and self._tables:
            self._end_row()
        elif tag in ("td", "th") and self._tables:
            self._end_cell()
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self._write("\n" if self._lists else "\n\n")
        elif tag in HEADINGS or tag in PARAGRAPHS or tag == "pre":
            self._preformatted -= tag == "pre" and self._preformatted > 0
            self._write("\n" if self._lists else "\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title += data
        elif not self._dropped:
            self._write(data if self._preformatted else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _write(self, text: str) -> None:
        written = self._texts[-1]
        if text == " " and (not written or written[-1].endswith(("\n", " "))):
            return
        if text.startswith(" ") and written and written[-1].endswith(("\n", " ")) and not self._preformatted:
            text = text[1:]
        written.append(text)

    def _ends_with_mark(self) -> bool:
        written = self._texts[-1]
        return bool(self._lists and written and re.fullmatch(r" *(?:-|\d+\.) ", written[-1]))

    def _start_item(self) -> None:
        mark = "-"
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
            mark = f"{self._lists[-1]}."
        written = self._texts[-1]
        if written and not written[-1].endswith("\n"):
            written.append("\n")
        written.append("  " * (len(self._lists) - 1) + mark + " ")

    # Tables

    def _start_in_table(self, tag: str) -> None:
        if tag == "table":
            self._tables.append(_Table())
            self._write("\n\n")
        elif self._tables and tag == "tr":
            self._end_row()
        elif self._tables:
            self._end_cell()
            self._tables[-1].open = True
            self._texts.append([])

    def _end_cell(self) -> None:
        table = self._tables[-1]
        if table.open:
            table.cells.append("".join(self._texts.pop()).strip())
            table.open = False

    def _end_row(self) -> None:
        self._end_cell()
        table = self._tables[-1]
        if any(len(cell) > LONGEST_CELL or " | " in cell for cell in table.cells):
            self._write("\n\n".join(["", *filter(None, table.cells), ""]))
        elif line := table_line(table.cells):
            self._write(line + "\n")
        table.cells = []

    def _end_table(self) -> None:
        self._end_row()
        self._tables.pop()
        self._write("\n\n")


def _declared(data: bytes) -> str | None:
    """Return the text in the western encoding that the page names; None if it names none of these."""
    if (found := CHARSET.search(data[:2048])) and (name := found[1].decode().lower()) in CHARSETS:
        return data.decode(CHARSETS[name], "replace")
    return None
