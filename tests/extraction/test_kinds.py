"""A file's kind is told by its content: a wrong name harms nothing, and what has no text is refused."""

from collections.abc import Callable

import pytest

from tests.extraction import files
from tests.extraction.conftest import Read

HTML = b"<!DOCTYPE html>\n<html><body><p>Bonjour</p></body></html>"
MAIL = b"From: a@b.fr\r\nTo: c@d.fr\r\nSubject: Devis\r\n\r\nBonjour"
ODF = "application/vnd.oasis.opendocument"


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (files.pdf(["Bonjour"]), "devis.docx", "pdf"),
        (b"\n" * 100 + files.pdf(["Bonjour"]), "devis", "pdf"),
        (files.docx(files.paragraph("Bonjour")), "devis.pdf", "docx"),
        (files.docx(files.paragraph("Bonjour"), {"word/vbaProject.bin": "Sub AutoOpen()"}), "devis.docm", "docx"),
        (files.xlsx('<row r="1"><c r="A1"><v>1</v></c></row>'), "devis.txt", "xlsx"),
        (HTML, "page.pdf", "html"),
        (HTML, "page.md", "markdown"),
        (MAIL, "courrier.txt", "email"),
        (b"X-Empty:\nReceived: from a\n by b\nFrom:a@b.fr\n\nBonjour", "courrier", "email"),
        (b"Bonjour : a\r\nTo: b\r\n\r\nx", "mot.eml", "text"),
        (b"Nom;Prix\nCoque;3", "prix.CSV", "csv"),
        (b"Nom;Prix\nCoque;3", "prix", "text"),
        (b"# Titre", "lisez.MD", "markdown"),
        (b"int main() { return 0; }", "main.c", "code"),
        (b"run:\n\techo", "Makefile", "code"),
        ("\ufeffÉté à Brest".encode("utf-16"), "été.txt", "text"),
        ("Été à Brest".encode("cp1252"), "../../été.txt", "text"),
        (b"<!-- Bonjour -->\n" * 100 + b"<p>", "notes", "text"),
        (b"x", "\u202etxt.exe", "text"),
        (b"x", "a." + "\0\n" * 5000, "text"),
    ],
)  # fmt: skip
def test_the_content_says_which_kind_it_is(read: Read, content: bytes, name: str, kind: str) -> None:
    found = read(content, name)
    assert found.kind == kind
    assert [page.number for page in found.pages] == [1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b" \n\t\r\n", "file_without_text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_kind_unknown"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "file_kind_unknown"),
        (b"\x7fELF\x02\x01\x01\0\0", "file_kind_unknown"),
        (b"MZ\x90\0\x03\0", "file_kind_unknown"),
        (b"{\\rtf1 Bonjour}", "file_kind_unknown"),
        (b"texte\x01\x02", "file_kind_unknown"),
        (files.archive({"a.txt": "x"}), "file_kind_unknown"),
        (files.archive({"mimetype": f"{ODF}.graphics"}), "file_kind_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "file_kind_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        (files.archive({"mimetype": f"{ODF}.text", "META-INF/manifest.xml": "<encryption-data/>"}), "file_encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "file_damaged"),
        (files.docx("")[:200], "file_damaged"),
        (files.archive({"word/x": "y"}), "file_damaged"),
        (files.archive({"mimetype": f"{ODF}.text"}), "file_damaged"),
        (files.archive({"ppt/presentation.xml": "<presentation>"}), "file_damaged"),
        (b"%PDF-1.7\n", "file_damaged"),
        (files.docx(""), "file_without_text"),
        (files.pdf(["", ""]), "file_without_text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(refusal: Callable[..., str], content: bytes, code: str) -> None:
    assert refusal(content) == code
