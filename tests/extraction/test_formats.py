"""The text of each format: what people see in its own program, in the same order."""

import threading
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.extraction import reader
from app.extraction.sections import PART
from tests.extraction import files
from tests.extraction.conftest import Read

LONG = "\n\n".join(f"# Partie {number}\n\n" + "Le voilier part vers le sud. " * 80 for number in range(6))


def texts(read: Read, content: bytes, name: str) -> list[str]:
    return [page.text for page in read(content, name).pages]


def test_a_pdf_is_read_page_by_page_and_words_are_joined(read: Read) -> None:
    pages = texts(
        read, files.pdf(["La répa-\nration du mât\nest finie", "", "Saint-\nMalo, peut-\nêtre\nou -\nnon"]), "a.pdf"
    )
    assert pages == ["La réparation du mât\nest finie", "", "Saint-Malo, peut-être\nou -\nnon"]


def test_progress_is_told_in_pages(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(files.pdf(["a"] * 40))
    told: list[tuple[int, int]] = []
    found = reader.read_document(tmp_path / "file", "a.pdf", lambda *each: told.append(each), threading.Event())
    assert told == [(page, 40) for page in range(40)]
    assert len(found.pages) == 40


def test_letters_that_reach_below_the_line_make_no_heading_in_a_pdf(read: Read) -> None:
    # Fonts of LibreOffice say so little of their height.
    height = "/Ascent 660/Descent -10/FontBBox[0 -10 1000 660]"
    font = f"/FontDescriptor<</Type/FontDescriptor/FontName/Helvetica/Flags 32{height}>>"
    lines = "La coque est\ngarantie dix ans\nEt le mât aussi\npar le chantier\nqui le pose"
    assert texts(read, files.pdf([lines], font=font), "a.pdf") == [lines]


def test_a_document_of_word_keeps_headings_and_tables(read: Read) -> None:
    cell = "<w:tc>{}</w:tc>".format
    row = "<w:tr>{}</w:tr>".format
    table = "".join(
        row("".join(cell(files.paragraph(text)) for text in texts)) for texts in (["Nom", "Prix"], ["Coque", "3 €"])
    )
    body = files.paragraph("Devis", "Heading1") + files.paragraph("Le voilier") + f"<w:tbl>{table}</w:tbl>"
    style = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    styles = f'<w:styles xmlns:w="{files.WORD}">{style}</w:styles>'
    assert texts(read, files.docx(body, {"word/styles.xml": styles}), "a.docx") == [
        "# Devis\n\nLe voilier\n\nNom | Prix\nCoque | 3 €"
    ]


def test_notes_of_a_document_follow_its_text_and_other_parts_do_not_matter(read: Read) -> None:
    call = '<w:p><w:r><w:t>La coque</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    note = f'<w:footnote w:id="2">{files.paragraph("En bois ↑.")}</w:footnote>'
    notes = f'<w:footnotes xmlns:w="{files.WORD}">{note}</w:footnotes>'
    parts = {"word/footnotes.xml": notes, "customXml/item1.xml": "", "word/media/a.xml": "<<"}
    assert texts(read, files.docx(call, parts), "a.docx") == ["La coque[1]\n\n1. En bois ↑."]


def test_a_sheet_is_lines_of_values_not_of_formulas(read: Read) -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Nom\nlong</t></is></c><c r="B1" t="str"><v>Prix</v></c></row>'
        '<row r="3"><c r="A3" t="b"><v>1</v></c><c r="B3"><f>1+1</f><v>2</v></c>'
        '<c r="C3"><v>0.30000000000000004</v></c></row>'
    )
    (page,) = read(files.xlsx(rows), "a.xlsx").pages
    assert (page.title, page.text) == ("Devis", "Nom long | Prix\nTRUE | 2 | 0.3")


def test_a_page_of_a_wide_table_has_fewer_rows(read: Read) -> None:
    rows = [f"{number};{'x' * 4000}" for number in range(60)]
    pages = read("\n".join(rows).encode(), "large.csv").pages
    assert [len(page.text.splitlines()) for page in pages] == [25, 25, 10]
    assert "\n".join(page.text for page in pages).replace(" | ", ";").splitlines() == rows


def test_a_long_sheet_has_a_page_for_each_200_rows(read: Read) -> None:
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>' for row in range(1, 452))
    pages = texts(read, files.xlsx(rows), "a.xlsx")
    assert [page.splitlines()[0] for page in pages] == ["1", "201", "401"]


@pytest.mark.parametrize("separator", ";,\t|")
def test_separated_values_become_a_table(read: Read, separator: str) -> None:
    content = f'Nom{separator}Prix\n"a{separator}\nb"{separator}3\n{separator}\n'.encode()
    assert texts(read, content, "a.csv") == [f"Nom | Prix\na{separator.strip()} b | 3"]


def test_a_page_of_the_web_is_what_can_be_seen_of_it(read: Read) -> None:
    content = """<html><head><title>Chantier</title><style>p {}</style><script>alert("<p>non</p>")</script></head>
    <body><h2>Le  port</h2><p>Un &amp; deux<br>trois<!-- non --><ul><li>a<li>b<ol><li>c</ol></ul>
    <table><tr><td>Nom<td>Prix<tr><td>Coque</td><td>3</td></tr></table><pre>x  y
 z</pre><template>non</template>fin"""
    assert texts(read, content.encode(), "a.html") == [
        "# Chantier\n\n## Le port\n\nUn & deux\ntrois\n\n- a\n- b\n  1. c\n\nNom | Prix\nCoque | 3\n\nx  y\n z\n\nfin"
    ]


def test_a_table_that_arranges_a_page_is_no_table(read: Read) -> None:
    content = "<body><table><tr><td><p>Bonjour</p><table><tr><td>a</td><td>b</td></tr></table><p>Au revoir</p></table>"
    assert texts(read, content.encode(), "a.html") == ["Bonjour\n\na | b\n\nAu revoir"]


def test_the_encoding_that_a_page_names_counts(read: Read) -> None:
    content = '<html><meta charset="iso-8859-15"><p>3 €'.encode("iso-8859-15")
    assert texts(read, content, "a.html") == ["3 €"]
    content = '<html><meta charset="iso-8859-1"><p>l’été « 3 € »'.encode("cp1252")
    assert texts(read, content, "a.html") == ["l’été « 3 € »"]


def test_a_mail_is_its_headers_its_text_and_the_names_of_its_files(read: Read) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "André <a@b.fr>", "c@d.fr", "Devis numéro 3"
    mail.set_content("<p>Prix : 3 €</p><script>non</script>", subtype="html", charset="iso-8859-15")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="plan.pdf")
    head = "From: André <a@b.fr>\nTo: c@d.fr\nSubject: Devis numéro 3"
    assert texts(read, mail.as_bytes(), "a.eml") == [f"{head}\n\nPrix : 3 €\n\n[plan.pdf]"]


def test_slides_are_read_in_their_order_with_title_table_and_notes(read: Read) -> None:
    drawing = 'xmlns:a="a" xmlns:p="p"'
    text = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>".format
    shape = '<p:sp><p:nvPr><p:ph type="{}"/></p:nvPr><p:txBody>{}</p:txBody></p:sp>'.format
    table = f"<a:tbl><a:tr><a:tc>{text('Nom')}</a:tc><a:tc>{text('Prix')}</a:tc></a:tr></a:tbl>"
    shapes = shape("sldNum", text("1")) + shape("body", text("Coque") + text("Mât")) + table
    order = '<p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/>'
    slides = {"r1": ("slide", "slides/slide1.xml"), "r2": ("slide", "slides/slide2.xml")}
    content = files.archive({
        "ppt/presentation.xml": f'<p:presentation xmlns:p="p" xmlns:r="r">{order}</p:presentation>',
        "ppt/_rels/presentation.xml.rels": files.relations(slides),
        "ppt/slides/slide2.xml": f"<p:sld {drawing}>{shapes}{shape('title', text('Chantier'))}</p:sld>",
        "ppt/slides/_rels/slide2.xml.rels": files.relations({"r1": ("notesSlide", "../notesSlides/n1.xml")}),
        "ppt/notesSlides/n1.xml": f"<p:notes {drawing}>{shape('body', text('À dire'))}</p:notes>",
        "ppt/slides/slide1.xml": f"<p:sld {drawing}>{shape('', text('Fin'))}</p:sld>",
    })  # fmt: skip
    pages = read(content, "a.pptx").pages
    assert [(page.title, page.text) for page in pages] == [
        ("Chantier", "# Chantier\n\nCoque\nMât\n\nNom | Prix\n\nÀ dire"), ("", "Fin"),
    ]  # fmt: skip


def test_text_without_pages_is_cut_at_headings_and_nothing_is_lost(read: Read) -> None:
    pages = texts(read, LONG.encode(), "a.md")
    assert [page.splitlines()[0] for page in pages] == [f"# Partie {number}" for number in range(6)]
    assert "\n\n".join(pages).split() == LONG.split()


def test_a_paragraph_without_end_is_cut_at_a_sentence(read: Read) -> None:
    pages = texts(read, ("Le voilier part vers le sud. " * 500).encode(), "a.txt")
    assert all(page.strip().endswith("sud.") and len(page) <= PART for page in pages)
    assert "".join(texts(read, b"x" * 10_000, "a.txt")) == "x" * 10_000


def test_text_has_no_invisible_characters_and_accents_are_composed(read: Read) -> None:
    content = "e\u0301te\u0301\u202e \u2066abc\u2069\x1b[1m\u200b\r\nfin \x0csuite\n\n\n\n\nx"
    assert texts(read, content.encode(), "a.txt") == ["été abc[1m\nfin\nsuite\n\nx"]
