"""Files of each format as programs write them, made by hand: only what a reader needs."""

import io
import zipfile
from collections.abc import Iterable, Mapping

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip archive with these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return made.getvalue()


def relations(targets: Mapping[str, tuple[str, str]], more: str = "") -> str:
    """The relations of a part: id → (type, target)."""
    each = (f'<Relationship Id="{id_}" Type="{RELATIONS}/{kind}" Target="{to}" {more}/>'
            for id_, (kind, to) in targets.items())  # fmt: skip
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{"".join(each)}</Relationships>'


def docx(body: str, parts: Mapping[str, str] | None = None) -> bytes:
    """A document of Word with this body."""
    document = f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONS}"><w:body>{body}</w:body></w:document>'
    return archive({
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations({"r1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": document,
        **(parts or {}),
    })  # fmt: skip


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of Word."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def xlsx(rows: str, dimension: str = "") -> bytes:
    """A workbook of Excel with one sheet that has these rows."""
    sheets = '<sheets><sheet name="Devis" sheetId="1" r:id="r1"/></sheets>'
    return archive({
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations({"r1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{RELATIONS}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": relations({"r1": ("worksheet", "worksheets/sheet1.xml")}),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}">{dimension}<sheetData>{rows}</sheetData></worksheet>',
    })  # fmt: skip


def pdf(pages: Iterable[str], extra: str = "", font: str = "") -> bytes:
    """A PDF file with these texts, one a page, a line of the text a line of the page. `extra` is in its catalogue,
    `font` in its font.
    """
    texts = list(pages)
    objects = [f"<</Type/Catalog/Pages 2 0 R{extra}>>".encode()]
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(texts)))
    objects.append(f"<</Type/Pages/Kids[{kids}]/Count {len(texts)}>>".encode())
    objects.append(f"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding{font}>>".encode())
    for index, text in enumerate(texts):
        lines = (line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.split("\n"))
        drawn = "BT /F 12 Tf 14 TL 50 790 Td " + " ".join(f"({line}) ' " for line in lines) + "ET"
        stream = drawn.encode("cp1252") if text else b""
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {5 + 2 * index} 0 R"
            f"/Resources<</Font<</F 3 0 R>>>>>>".encode()
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
    made = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%s endobj\n" % (number, content)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\n"
    return bytes(made) + f"{end}startxref\n{len(made)}\n%%EOF".encode()
