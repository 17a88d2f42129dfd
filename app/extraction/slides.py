"""Read PowerPoint's slides (.pptx, .pptm) from their XML."""

import posixpath
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from typing import IO
from zipfile import ZipFile

from app.extraction.archives import attribute, local, opened, parsed
from app.extraction.sections import Content, Progress, Section, one_line, plain, table_line

PRESENTATION = "ppt/presentation.xml"
TITLES = {"title", "ctrTitle"}
# What a slide repeats of its template: its number, the date, the footer.
REPEATED = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


def read_slides(file: IO[bytes]) -> Content:
    """Read one section a slide, in their order: its title, its texts and tables, then its notes."""
    archive = opened(file)
    targets = _relations(archive, PRESENTATION)
    # One of the two attributes of a slide is its relation's id.
    ids = (value for slide in _all(parsed(archive, PRESENTATION), "sldId") for value in slide.attrib.values())
    slides = [targets[value] for value in ids if value in targets]
    for number, path in enumerate(slides):
        yield Progress(number, len(slides))
        title, texts = _slide(parsed(archive, path))
        for target in _relations(archive, path).values():
            if "/notesSlide" in target:
                # Notes that are named but not there are no reason to refuse the slides.
                with suppress(KeyError):
                    texts += _slide(parsed(archive, target))[1]
        yield Section(title, plain("\n\n".join([f"# {title}"] * bool(title) + texts)))


def _relations(archive: ZipFile, path: str) -> dict[str, str]:
    """Return where the parts lie that a part of the archive names, by the ids that it gives them."""
    folder, name = posixpath.split(path)
    try:
        root = parsed(archive, f"{folder}/_rels/{name}.rels")
    except KeyError:
        return {}
    return {
        attribute(each, "Id"): posixpath.normpath(posixpath.join("/", folder, attribute(each, "Target"))).lstrip("/")
        for each in root
        if attribute(each, "TargetMode") != "External"
    }


def _slide(root: ET.Element) -> tuple[str, list[str]]:
    """Return the title of a slide, and its other texts."""
    title, texts = "", []
    for shape in _shapes(root):
        if local(shape) == "tbl":
            rows = ([_paragraphs(cell) for cell in _all(row, "tc")] for row in _all(shape, "tr"))
            texts.append("\n".join(filter(None, map(table_line, rows))))
            continue
        role = next((attribute(each, "type") for each in _all(shape, "ph")), "")
        text = _paragraphs(shape)
        if role in TITLES and not title:
            title = one_line(text)
        elif role not in REPEATED and text:
            texts.append(text)
    return title, texts


def _shapes(element: ET.Element) -> Iterator[ET.Element]:
    """Give the shapes with text and the tables below an element, in the order of the file."""
    for child in element:
        if local(child) in ("sp", "tbl"):
            yield child
        # The second form of a shape, for programs that do not know the first.
        elif local(child) != "Fallback":
            yield from _shapes(child)


def _paragraphs(element: ET.Element) -> str:
    """Return the paragraphs below an element, one a line."""
    lines = []
    for paragraph in _all(element, "p"):
        runs = ("\n" if local(run) == "br" else _written(run) for run in paragraph)
        lines.append("".join(runs))
    return "\n".join(line for line in lines if line.strip())


def _written(run: ET.Element) -> str:
    return "".join(each.text or "" for each in _all(run, "t")) if local(run) in ("r", "fld") else ""


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in element.iter() if local(each) == name)
