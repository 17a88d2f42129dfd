"""Read OpenDocument texts and presentations (.odt, .odp), as LibreOffice writes them, from their XML."""

import xml.etree.ElementTree as ET
from typing import IO

from app.extraction.archives import attribute, local, opened, parsed
from app.extraction.sections import Content, Progress, Section, parts, plain, table_line

CONTENT = "content.xml"
# Comments, deleted text, marks of notes, and formulas as drawings.
LEFT_OUT = {"annotation", "tracked-changes", "note-citation", "forms", "sequence-decls", "object", "settings", "image"}


def read_odt(file: IO[bytes]) -> Content:
    """Read the text, in parts; footnotes stand where they are called."""
    yield from parts("\n\n".join(_blocks(_body(file, "text"))))


def read_odp(file: IO[bytes]) -> Content:
    """Read one section a slide: its texts, then its notes."""
    slides = [each for each in _body(file, "presentation") if local(each) == "page"]
    for number, slide in enumerate(slides):
        yield Progress(number, len(slides))
        yield Section("", plain("\n\n".join(_blocks(slide))))


def _body(file: IO[bytes], name: str) -> ET.Element:
    """Return the element of the content with this name. Raises ValueError if it is not there."""
    for element in parsed(opened(file), CONTENT).iter():
        if local(element) == name and element.tag.endswith(":office:1.0}" + name):
            return element
    raise ValueError(f"no {name}")


def _blocks(element: ET.Element, depth: int = 0) -> list[str]:
    """Return the blocks below an element: paragraphs, headings, lists and tables. `depth`: of lists around it."""
    blocks: list[str] = []
    for child in element:
        name = local(child)
        if name == "h":
            blocks.append("#" * min(6, int(attribute(child, "outline-level") or 1)) + " " + _inline(child).strip())
        elif name == "p":
            blocks.append(_inline(child))
        elif name == "list":
            blocks.append("\n".join(_items(child, depth)))
        elif name == "table":
            rows = ([_cell(cell) for cell in row if local(cell) == "table-cell"] for row in _rows(child))
            blocks.append("\n".join(filter(None, map(table_line, rows))))
        elif name not in LEFT_OUT:
            blocks += _blocks(child, depth)
    return [block for block in blocks if block.strip()]


def _items(element: ET.Element, depth: int) -> list[str]:
    lines = []
    for item in element:
        mark = "  " * depth + "- "
        for block in _blocks(item, depth + 1):
            # Lists in the item have marks of their own.
            lines.append(block if block.lstrip().startswith("- ") else mark + block)
    return lines


def _rows(table: ET.Element) -> list[ET.Element]:
    """Return a table's rows, those of its header and its groups included, not those of tables within."""
    rows = []
    for child in table:
        if local(child) == "table-row":
            rows.append(child)
        elif local(child).startswith("table-"):
            rows += _rows(child)
    return rows


def _cell(cell: ET.Element) -> str:
    return " ".join(_blocks(cell))


def _inline(element: ET.Element) -> str:
    """Return a paragraph's text: with its spaces, tabs and line breaks, notes in brackets, what is framed after it."""
    text, framed = [element.text or ""], []
    for child in element:
        name = local(child)
        if name == "s":
            text.append(" " * min(100, int(attribute(child, "c") or 1)))
        elif name in ("tab", "line-break"):
            text.append("\t" if name == "tab" else "\n")
        elif name == "note":
            text.append(f" ({' '.join(_blocks(child)).strip()})")
        elif name == "frame":
            framed += _blocks(child)
        elif name not in LEFT_OUT:
            text.append(_inline(child))
        text.append(child.tail or "")
    return "\n\n".join(["".join(text), *framed])
