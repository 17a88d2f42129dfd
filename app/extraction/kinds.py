"""Which kind of file is this? Told by its content; its name only says which kind of text it is."""

import re
from typing import IO
from zipfile import BadZipFile, ZipFile

from app.extraction import archives
from app.extraction.sections import MOST_CHARACTERS, UnreadableError
from app.extraction.texts import decoded

# Bytes at the beginning in which a file says what it is.
HEAD = 4096
# Characters of a text in which headers of a mail or tags of HTML are looked for.
BEGINNING = 20_000
ZIP, OLE2, PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-"
# What is text, but not for people: RTF, PostScript.
UNREAD = (b"{\\rtf", b"%!PS")
FOLDERS = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
OPEN_DOCUMENTS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
OPEN_DOCUMENT = re.compile(rb"application/vnd\.oasis\.opendocument\.(\w+?)(?:-template)?\s*")
# Names in the directory of an OLE2 file: what Word and Excel encrypt, and Excel's own streams.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
WORKBOOKS = ("Workbook".encode("utf-16-le"), "Book\0".encode("utf-16-le"))
ENDINGS = {"md": "markdown", "markdown": "markdown", "csv": "csv", "tsv": "csv"}
# Endings of what is written for programs; others are text, which is read in the same way.
CODE = set(
    """
    bas bash bat bib c cc cfg cmake conf cpp cs css diff dockerfile f90 go gradle graphql h hpp ini ipynb java js json
    jsonl jsx kt lua m makefile mjs pas patch php pl proto ps1 py r rb rs scala scss sh sql svelte svg swift tex toml ts
    tsx vb vue xml xsd xsl yaml yml
    """.split()  # noqa: SIM905
)
HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):|[ \t]+\S")
MAIL_HEADERS = {"from", "to", "date", "subject", "received", "return-path", "message-id", "mime-version"}
# Possessive: each comment ends at its first end, else many of them would be tried in all ways to part them.
HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


def kind_of(file: IO[bytes], ending: str) -> str:
    """Return the kind of an open file; `ending`: what stands after the last dot of its name, in lower case.

    Raises UnreadableError: file_kind_unknown, file_encrypted, file_too_heavy, file_damaged.
    """
    file.seek(0)
    head = file.read(HEAD)
    if PDF in head[:1024]:
        return "pdf"
    if head.startswith(OLE2):
        return _ole2(file)
    if head.startswith(ZIP):
        return _archive(file)
    if head.startswith(UNREAD):
        raise UnreadableError("file_kind_unknown")
    file.seek(0)
    # A character has four bytes at most.
    data = file.read(4 * MOST_CHARACTERS + 1)
    if len(data) > 4 * MOST_CHARACTERS:
        raise UnreadableError("file_too_heavy")
    text = decoded(data)
    if text is None:
        raise UnreadableError("file_kind_unknown")
    return _text(text[:BEGINNING], ending)


def _archive(file: IO[bytes]) -> str:
    try:
        archive = archives.opened(file)
    except BadZipFile:
        raise UnreadableError("file_damaged") from None
    names = archive.namelist()
    if "mimetype" in names:
        return _open_document(archive)
    for folder, kind in FOLDERS.items():
        if any(name.startswith(folder) for name in names):
            return kind
    raise UnreadableError("file_kind_unknown")


def _open_document(archive: ZipFile) -> str:
    with archive.open("mimetype") as mimetype:
        found = OPEN_DOCUMENT.fullmatch(mimetype.read(200))
    kind = OPEN_DOCUMENTS.get(found[1].decode()) if found else None
    if kind is None:
        raise UnreadableError("file_kind_unknown")
    if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise UnreadableError("file_encrypted")
    return kind


def _ole2(file: IO[bytes]) -> str:
    file.seek(0)
    data = file.read()
    if ENCRYPTED in data:
        raise UnreadableError("file_encrypted")
    if any(name in data for name in WORKBOOKS):
        return "xls"
    raise UnreadableError("file_kind_unknown")


def _text(head: str, ending: str) -> str:
    if ending in CODE:
        return "code"
    if ending in ENDINGS:
        return ENDINGS[ending]
    if HTML.match(head) or ending in ("html", "htm", "xhtml"):
        return "html"
    if _is_mail(head):
        return "email"
    return "text"


def _is_mail(head: str) -> bool:
    """Whether a text begins with the headers of a message (RFC 822): only such lines, at least two that mails have."""
    lines = head.lstrip().splitlines()
    found = set()
    # The last line may be cut.
    for line in lines[:-1] if len(head) == BEGINNING else lines:
        if not line.strip():
            break
        header = HEADER.match(line)
        if header is None:
            return False
        found.add((header[1] or "").lower())
    return len(found & MAIL_HEADERS) >= 2 and bool(found & {"from", "received", "return-path"})
