"""Zip archives and XML of strangers: what unpacks to too much and what declares entities is refused."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from contextlib import suppress
from typing import IO
from xml.parsers import expat
from zipfile import ZipFile

from app.extraction.sections import UnreadableError

# Files in an archive, and bytes of those that are read, all together and unpacked. Pictures and films are not read.
MOST_FILES, MOST_UNPACKED = 10_000, 300_000_000
READ = (".xml", ".rels", ".bin")
# How often a file may be larger than its packed form if it has more than SMALL bytes; real XML is below 100.
MOST_RATIO, SMALL = 1_000, 10_000_000


def opened(file: IO[bytes]) -> ZipFile:
    """Return the archive. Raises UnreadableError for a bomb and for an encrypted one; BadZipFile for a damaged one."""
    archive = ZipFile(file)
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError("file_encrypted")
    read = [entry for entry in entries if entry.filename.lower().endswith(READ)]
    bomb = any(entry.file_size > max(SMALL, MOST_RATIO * entry.compress_size) for entry in read)
    if bomb or len(entries) > MOST_FILES or sum(entry.file_size for entry in read) > MOST_UNPACKED:
        raise UnreadableError("file_too_heavy")
    return archive


def parsed(archive: ZipFile, name: str) -> ET.Element:
    """Return the root of an XML file of the archive. Raises KeyError without it, and what `refuse_entities` does."""
    data = archive.read(name)
    refuse_entities(data)
    return ET.fromstring(data)  # noqa: S314 - without declarations there are no entities


def refuse_entities(data: bytes) -> None:
    """Raise UnreadableError for XML with a document type, in which entities can be declared.

    No office program writes one. What is no XML is left to the parser, if it reads it at all.
    """

    def refuse(*_: object) -> None:
        raise UnreadableError("file_damaged")

    def stop(*_: object) -> None:
        raise StopIteration

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    # A document type stands before the first element.
    parser.StartElementHandler = stop
    with suppress(StopIteration, expat.ExpatError):
        parser.Parse(data, True)


def refuse_entities_in(archive: ZipFile, names: Iterable[str]) -> None:
    """Call `refuse_entities` for files of the archive that another library reads."""
    for name in names:
        refuse_entities(archive.read(name))


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: ET.Element, name: str) -> str:
    """Return the attribute of this name, of whatever namespace; "" without one."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
