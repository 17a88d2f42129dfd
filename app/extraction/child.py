"""The child process that reads one file: limits first, then the kind, then its reader, without any right to more files.

It writes one JSON object a line: `{"kind"}`, then `{"progress": [done, total]}` and `{"title", "text"}`, then `{"end"}`
or, at any time, `{"error", …}` with the parameters of the error's sentence.
"""

import json
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from app.extraction.kinds import kind_of
from app.extraction.sections import MOST_CHARACTERS, MOST_PAGES, Content, Progress, UnreadableError
from app.limited_process import TOO_HEAVY, Limits, limit, lock_down

MB = 1_000_000
# A PDF of 5,000 full pages takes 62 MB and 6 s, a sheet of a million cells 110 MB and 1.5 s, 400 pages of Word 110 MB
# and 2.5 s.
LIMITS = Limits(memory=512 * MB, cpu_s=60, file_bytes=100 * MB, niceness=19)
# Each kind: the module and the function that read it.
READERS = {
    "pdf": ("pdf", "read_pdf"), "docx": ("word", "read_docx"), "xlsx": ("spreadsheets", "read_workbook"),
    "xls": ("spreadsheets", "read_workbook"), "ods": ("spreadsheets", "read_workbook"),
    "csv": ("texts", "read_separated"), "pptx": ("slides", "read_slides"), "odt": ("open_documents", "read_odt"),
    "odp": ("open_documents", "read_odp"), "text": ("texts", "read_text"), "markdown": ("texts", "read_text"),
    "code": ("texts", "read_text"), "html": ("markup", "read_html"), "email": ("mails", "read_mail"),
}  # fmt: skip


def main() -> None:
    """Read the file on standard input and write what is found to standard output; its argument: the name's ending."""
    limit(LIMITS)
    try:
        read(sys.stdin.buffer, sys.argv[1])
    except UnreadableError as error:
        _write(error=error.code, **error.params)
    except MemoryError:
        sys.exit(TOO_HEAVY)
    except Exception as error:  # noqa: BLE001 - a parser raises whatever it was not made for
        if isinstance(error, ExpatError | ParseError) and error.code == 1:
            # Expat's way to say that it gets no memory.
            sys.exit(TOO_HEAVY)
        _write(error="file_damaged")
        # Where, for the log; not the message, which may repeat words of the file.
        print(*traceback.format_tb(error.__traceback__), type(error).__name__, sep="", file=sys.stderr)


def read(file: IO[bytes], ending: str) -> None:
    """Find the kind, load its reader, give up all rights, and write what it gives."""
    kind = kind_of(file, ending)
    module, name = READERS[kind]
    reader: Callable[[IO[bytes]], Content] = getattr(import_module(f"app.extraction.{module}"), name)
    lock_down(files=False)
    _write(kind=kind)
    pages = characters = 0
    for each in reader(file):
        if isinstance(each, Progress):
            _write(progress=[each.done, each.total])
            continue
        pages += 1
        characters += len(each.text)
        if pages > MOST_PAGES:
            raise UnreadableError("file_too_many_pages", pages=pages, limit=MOST_PAGES)
        if characters > MOST_CHARACTERS:
            raise UnreadableError("file_too_heavy")
        _write(title=each.title, text=each.text)
    if not characters:
        raise UnreadableError("file_without_text")
    _write(end=True)


def _write(**message: Any) -> None:
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()
