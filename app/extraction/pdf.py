"""Read PDF files by PDFium: the text of each page as it is drawn, nearly always in reading order."""

import re
from typing import IO

import pypdfium2
from pypdfium2 import raw

from app.extraction.sections import MOST_PAGES, Content, Progress, Section, UnreadableError, plain

# PDFium joins the halves of a word that is cut at the end of a line, and writes this for the hyphen.
CUT = "\x02"
# The hyphen is the word's own before a capital or a digit, and in « peut-être », « lui-même », « est-elle ».
HYPHEN = re.compile(rf"{CUT}(?=[A-ZÀ-Þ\d]|(?:êtres?|mêmes?|là|ils?|elles?|on|je|tu|nous|vous)\b)")


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
    for index in range(count):
        yield Progress(index, count)
        page = document[index]
        text = page.get_textpage()
        yield Section("", plain(HYPHEN.sub("-", text.get_text_bounded()).replace(CUT, "")))
        text.close()
        page.close()
