"""Files as real programs write them: LibreOffice, Chromium, and the libraries with which other programs make files."""

import datetime
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest

from tests.extraction.conftest import Read

Converted = Callable[..., bytes]
CHROMIUM = "/usr/bin/chromium"
HTML = """<!DOCTYPE html><html><body><h1>Devis du voilier</h1>
<p>La coque doit être reprise avant l’été, et le mât être vérifié sur toute sa hauteur par deux personnes.</p>
<p>Le second paragraphe parle de peinture : deux couches, à un jour d’intervalle, sur une coque propre et sèche.</p>
<h2>Prix</h2><ul><li>Ponçage</li><li>Peinture<ul><li>deux couches</li></ul></li></ul>
<table><tr><th>Poste</th><th>Prix</th></tr><tr><td>Coque</td><td>1 200 €</td></tr></table></body></html>"""
FIRST = "La coque doit être reprise avant l’été, et le mât être vérifié sur toute sa hauteur par deux personnes."
SECOND = "Le second paragraphe parle de peinture : deux couches, à un jour d’intervalle, sur une coque propre et sèche."
TABLE = 'Poste;Prix;Jour\nCoque;1200,5;2026-03-04\n"Mât\nalu";;\n;;\nTotal;=1+1;'
FROM_TABLE = "Text - txt - csv (StarCalc):59,34,76,1,,1036,false,true,false,false,false,-1"
SLIDES = """<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.presentation"><office:body><office:presentation>
<draw:page draw:name="a"><draw:frame svg:width="20cm" svg:height="3cm"><draw:text-box><text:p>Le chantier</text:p>
</draw:text-box></draw:frame><draw:frame svg:width="20cm" svg:height="3cm" svg:y="5cm"><draw:text-box><text:list>
<text:list-item><text:p>Coque</text:p></text:list-item><text:list-item><text:p>Mât</text:p></text:list-item>
</text:list></draw:text-box></draw:frame><presentation:notes><draw:frame presentation:class="notes" svg:width="9cm"
 svg:height="3cm"><draw:text-box><text:p>À dire</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>
<draw:page draw:name="b"><draw:frame svg:width="9cm" svg:height="3cm"><draw:text-box><text:p>Fin</text:p>
</draw:text-box></draw:frame></draw:page></office:presentation></office:body></office:document>"""


def words(text: str) -> list[str]:
    """The words and marks of a text, wherever its lines end."""
    return text.replace("\u202f", " ").replace("\xa0", " ").split()


def blocks(text: str) -> list[list[str]]:
    return [words(block) for block in text.split("\n\n")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["docx", "odt"])
def test_documents_of_libreoffice(read: Read, converted: Converted, kind: str) -> None:
    found = read(converted(HTML.encode(), f"{kind}.html", kind, "--infilter=HTML (StarWriter)"), "a")
    (page,) = found.pages
    assert found.kind == kind
    items = "- Ponçage - Peinture - deux couches"
    assert words(page.text) == words(
        f"# Devis du voilier {FIRST} {SECOND} ## Prix {items} Poste | Prix Coque | 1 200 €"
    )
    assert "\n  - deux couches\n" in page.text
    assert "\n\nPoste | Prix\nCoque | 1" in page.text


def made_by_libreoffice(converted: Converted) -> bytes:
    return converted(HTML.encode(), "pdf.html", "pdf", "--infilter=HTML (StarWriter)")


def made_by_chromium(folder: Path) -> bytes:
    if not Path(CHROMIUM).exists():
        pytest.skip("*** Chromium is not installed: reading what it prints is NOT TESTED ***")
    (folder / "a.html").write_text(HTML)
    printing = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--print-to-pdf={folder}/a.pdf",
    ]
    command = [CHROMIUM, *printing, f"--user-data-dir={folder}/profile", f"file://{folder}/a.html"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return (folder / "a.pdf").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["LibreOffice", "Chromium"])
def test_headings_and_paragraphs_of_a_pdf_are_found(
    read: Read, converted: Converted, tmp_path: Path, writer: str
) -> None:
    content = made_by_chromium(tmp_path) if writer == "Chromium" else made_by_libreoffice(converted)
    (page,) = read(content, "a").pages
    found = blocks(page.text.replace("•", "").replace("◦", ""))
    assert [block[0] for block in found if set(block[0]) == {"#"}] in (["#", "##"], ["##", "###"])
    assert [words(" ".join(block).lstrip("# ")) for block in found] == [
        words("Devis du voilier"), words(FIRST), words(SECOND), ["Prix"], words("Ponçage Peinture deux couches"),
        words("Poste Prix Coque 1 200 €"),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_pdf_with_a_password(refusal: Callable[..., str], converted: Converted) -> None:
    options = '{"EncryptFile":{"type":"boolean","value":"true"},"DocumentOpenPassword":{"type":"string","value":"x"}}'
    content = converted(HTML.encode(), "locked.html", f"pdf:writer_web_pdf_Export:{options}")
    assert refusal(content) == "file_encrypted"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_spreadsheets_of_libreoffice(read: Read, converted: Converted, kind: str) -> None:
    found = read(converted(TABLE.encode(), f"{kind}.csv", kind, f"--infilter={FROM_TABLE}"), "a")
    assert found.kind == kind
    assert [page.title for page in found.pages] == [kind]
    assert found.pages[0].text == "Poste | Prix | Jour\nCoque | 1200.5 | 2026-03-04\nMât alu\nTotal | 2"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pptx", "odp"])
def test_slides_of_libreoffice(read: Read, converted: Converted, kind: str) -> None:
    found = read(converted(SLIDES.encode(), f"{kind}.fodp", kind), "a")
    assert found.kind == kind
    assert [words(page.text.replace("- ", "")) for page in found.pages] == [
        words("Le chantier Coque Mât À dire"), ["Fin"],
    ]  # fmt: skip


def test_a_document_of_another_writer_with_footers_and_pictures(read: Read) -> None:
    document = docx.Document()
    document.add_heading("Notice", 0)
    document.add_heading("Outils", 1)
    document.add_paragraph("Ponceuse", "List Bullet")
    document.add_paragraph("Pinceau", "List Number")
    table = document.add_table(2, 2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), "abcd", strict=True):
        cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    document.add_picture(io.BytesIO(bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )))  # fmt: skip
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    made = io.BytesIO()
    document.save(made)
    (page,) = read(made.getvalue(), "a.docx").pages
    assert page.text == "# Notice\n\n# Outils\n\n- Ponceuse\n\n1. Pinceau\n\na b\nc | d"


def test_a_workbook_of_another_writer_with_several_sheets(read: Read) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Heures"
    sheet.append(["Jour", "Début", "Fait", "Part"])
    sheet.append([datetime.date(2026, 3, 4), datetime.time(8, 30), True, 0.1 + 0.2])
    sheet["D2"].number_format = "0 %"
    book.create_sheet("Vide")
    book.create_sheet("Caché").append(["secret"])
    book["Caché"].sheet_state = "hidden"
    made = io.BytesIO()
    book.save(made)
    pages = read(made.getvalue(), "a.xlsx").pages
    assert [(page.number, page.title, page.text) for page in pages] == [
        (1, "Heures", "Jour | Début | Fait | Part\n2026-03-04 | 08:30:00 | TRUE | 0.3"), (2, "Caché", "secret"),
    ]  # fmt: skip
