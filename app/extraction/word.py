"""Read Word's documents (.docx, .docm) by mammoth, which tells headings, lists and tables from their styles."""

import re

# Loaded by the parser that mammoth takes, when it is too late: the process that reads may not open files.
import xml.dom.expatbuilder  # noqa: F401
from typing import IO

import mammoth

from app.extraction import archives
from app.extraction.markup import text_of
from app.extraction.sections import Content, parts

# Styles beside « heading 1 » to « heading 6 », by the names that files have in all languages.
TITLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"
# After each note, the link back to where it was called.
BACK = re.compile(r'<a href="#[^"]*">↑</a>')


def read_docx(file: IO[bytes]) -> Content:
    """Read the text, footnotes included, in parts. Pictures, comments and deleted text are left out."""
    archive = archives.opened(file)
    archives.refuse_entities_in(archive, [name for name in archive.namelist() if name.endswith((".xml", ".rels"))])
    result = mammoth.convert_to_html(
        file,
        style_map=TITLES,
        convert_image=lambda _image: [],
        include_embedded_style_map=False,
        external_file_access=False,
    )
    yield from parts(text_of(BACK.sub("", result.value)))
