"""Files that are meant to do harm, and files that are too much: refused with their reason, and nothing is fetched."""

import io
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.errors import AppError
from app.extraction import reader
from app.extraction.sections import MOST_CHARACTERS
from tests.extraction import files
from tests.extraction.conftest import Read

Refusal = Callable[..., str]
LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def test_archives_that_unpack_to_too_much(refusal: Refusal) -> None:
    assert refusal(files.docx(files.paragraph("a" * 20_000_000))) == "file_too_heavy"
    many = {f"word/{number}.xml": "" for number in range(10_001)}
    assert refusal(files.archive(many)) == "file_too_heavy"


def test_an_archive_that_lies_about_its_sizes(refusal: Refusal) -> None:
    name = b"word/document.xml"
    content = bytearray(files.docx(files.paragraph("a" * 20_000_000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.rindex(mark, 0, content.index(name, 0 if place == 22 else content.index(b"PK\x01\x02")))
        struct.pack_into("<I", content, at + place, 100)
    assert refusal(bytes(content)) == "file_damaged"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_wherever_they_are_declared(refusal: Refusal, encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>{LAUGHS}<x>&b;</x>'.encode(encoding)
    for parts in (
        {"word/document.xml": document},
        {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": document},
        {"ppt/presentation.xml": document},
    ):
        assert refusal(files.archive(parts)) == "file_damaged"


def test_documents_with_a_password(refusal: Refusal) -> None:
    locked = io.BytesIO(files.archive({"word/document.xml": "x"}))
    with zipfile.ZipFile(locked, "a") as archive:
        archive.filelist[0].flag_bits |= 1
        archive._didModify = True  # type: ignore[attr-defined]
    assert refusal(locked.getvalue()) == "file_encrypted"
    encryption = "/Encrypt<</Filter/Standard/V 1/R 2/O(" + "x" * 32 + ")/U(" + "y" * 32 + ")/P -4>>/ID[(a)(a)]"
    content = files.pdf(["Bonjour"]).replace(b"/Root 1 0 R", b"/Root 1 0 R" + encryption.encode())
    assert refusal(content) == "file_encrypted"


def test_files_that_are_cut_short(refusal: Refusal) -> None:
    sheet = files.xlsx('<row r="1"><c r="A1"><v>1</v></c></row>')
    for content in (files.pdf(["Bonjour"] * 3)[:-300], sheet[:-30], files.docx(files.paragraph("a"))[:-30]):
        assert refusal(content) == "file_damaged"


def test_a_pdf_of_ten_thousand_pages(refusal: Refusal) -> None:
    assert refusal(files.pdf(["a"] * 10_000)) == "file_too_many_pages"


def test_a_pdf_that_draws_itself_a_hundred_million_times(refusal: Refusal) -> None:
    drawing = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A {next} 0 R>>/Font<</F 3 0 R>>>>"
    form = "{number} 0 obj" + drawing + "/Length {length}>>stream\n{content}\nendstream endobj\n"
    forms = ""
    for number in range(20, 29):
        content = "/A Do " * 10 if number < 28 else "BT /F 12 Tf (Bonjour) Tj ET"
        forms += form.format(number=number, next=number + 1, length=len(content), content=content)
    page = files.pdf(["x"]).replace(b"/Font<</F 3 0 R>>", b"/Font<</F 3 0 R>>/XObject<</A 20 0 R>>")
    page = page.replace(b"BT /F 12 Tf 14 TL 50 790 Td (x) ' ET", b"/A Do                               ")
    # Without its table at the end, PDFium looks for the objects themselves.
    content, _, trailer = page.partition(b"xref\n")
    assert refusal(content + forms.encode() + b"trailer" + trailer.partition(b"trailer")[2]) == "file_too_heavy"


def test_a_sheet_that_claims_all_cells_there_are(refusal: Refusal) -> None:
    cells = ('<c r="A1"><v>1</v></c>', '<c r="XFD1048576"><v>1</v></c>')
    rows = "".join(f'<row r="{row}">{cell}</row>' for row, cell in zip((1, 1048576), cells, strict=True))
    assert refusal(files.xlsx(rows)) == "file_too_heavy"


@pytest.mark.slow
def test_a_sheet_of_a_million_formulas_is_read(read: Read) -> None:
    cells = "".join(f'<c r="{chr(65 + column)}ROW"><f>A1+ROW</f><v>ROW.5</v></c>' for column in range(20))
    rows = (f'<row r="{row}">{cells}</row>'.replace("ROW", str(row)) for row in range(1, 50_001))
    pages = read(files.xlsx("".join(rows)), "a.xlsx").pages
    assert len(pages) == 250
    assert pages[-1].text.endswith(" | ".join(["50000.5"] * 20))


@pytest.mark.slow
def test_more_text_than_the_server_keeps(refusal: Refusal) -> None:
    cell = f'<c t="str"><v>{"a" * 32_000}</v></c>'
    rows = (f'<row r="{row}">{cell}</row>' for row in range(1, MOST_CHARACTERS // 32_000 + 2))
    assert refusal(files.xlsx("".join(rows))) == "file_too_heavy"


# What the child may do


@pytest.fixture
def listening() -> Iterator[tuple[int, list[object]]]:
    """A port of this machine, and the connections to it."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                try:
                    connections.append(server.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], connections
        ended.set()
        thread.join()


def test_nothing_that_a_file_names_is_fetched(read: Read, listening: tuple[int, list[object]]) -> None:
    port, connections = listening
    address = f"http://127.0.0.1:{port}/x"
    html = f"<html><link rel=stylesheet href={address}><script src={address}></script><img src={address}>"
    html += f"<iframe src={address}></iframe>"
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@b.fr", "x"
    mail.set_content(f"{html}<p>Bonjour", subtype="html")
    drawn = '<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" r:link="r1"/>'
    image = f"<w:p><w:r><w:drawing>{drawn}</w:drawing></w:r></w:p>"
    outside = files.relations({"r1": ("image", address)}, 'TargetMode="External"')
    link = f"/OpenAction<</S/URI/URI({address})>>/AA<</O<</S/GoToR/F({address})>>>>"
    for content, name in (
        (f"{html}<p>Bonjour".encode(), "a.html"),
        (mail.as_bytes(), "a.eml"),
        (files.docx(image + files.paragraph("Bonjour"), {"word/_rels/document.xml.rels": outside}), "a.docx"),
        (files.pdf(["Bonjour"], link), "a.pdf"),
    ):
        assert read(content, name).pages[0].text.endswith("Bonjour")
    time.sleep(0.1)
    assert connections == []


@pytest.mark.parametrize("attempt", ["socket.create_connection(('127.0.0.1', {port}))", "open('/etc/passwd')"])
def test_a_reader_that_a_file_has_taken_over_reaches_nothing(
    read: Read, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, listening: tuple[int, list[object]], attempt: str
) -> None:
    port, connections = listening
    code = "import socket; from app.extraction import child, texts\n"
    code += f"def taken(file):\n    {attempt.format(port=port)}\n    yield child.Progress(0, 0)\n"
    monkeypatch.setattr(reader, "COMMAND", code + "texts.read_text = taken; child.main()")
    assert refusal(b"Bonjour") == "file_damaged"
    assert connections == []


SAID = {
    "nothing": "",
    "no JSON": "Bonjour",
    "no object": "[1]",
    "no end": '{"kind": "pdf"}\n{"title": "", "text": "a"}',
    "an unknown kind": '{"kind": "exe"}\n{"title": "", "text": "a"}\n{"end": true}',
    "no text": '{"kind": "pdf"}\n{"title": "", "text": 1}\n{"end": true}',
    "no pages": '{"kind": "pdf"}\n{"end": true}',
    "another error": '{"error": "internal_error"}',
    "deep": "[" * 100_000,
    "a negative progress": '{"progress": [-1, 2]}',
}


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
def test_what_a_reader_says_is_not_trusted(refusal: Refusal, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(reader, "COMMAND", f"print({said!r})")
    assert refusal(b"Bonjour") == "file_damaged"


def test_halves_of_characters_are_mended(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    said = '{"kind": "pdf"}\\n{"title": "", "text": "a\\\\ud800\\\\u0000"}\\n{"end": true}'
    monkeypatch.setattr(reader, "COMMAND", f"print('{said}')")
    assert read(b"x", "a").pages[0].text == "a\ufffd"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("import os; os.abort()", "file_too_heavy"),
        ("import sys; sys.exit(3)", "file_too_heavy"),
        ("import ctypes; ctypes.string_at(0)", "file_damaged"),
        ("import time; time.sleep(60)", "file_too_heavy"),
        ("\nwhile True: print('{\"progress\": [1, 1]}')", "file_too_heavy"),
        ("import os; os.close(1); import time; time.sleep(60)", "file_too_heavy"),
    ],
)
def test_a_reader_that_does_not_end_is_ended(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, command: str, code: str
) -> None:
    monkeypatch.setattr(reader, "COMMAND", command)
    monkeypatch.setattr(reader, "LONGEST_S", 1)
    monkeypatch.setattr(reader, "LAST_S", 0.2)
    assert refusal(b"Bonjour") == code


def test_reading_is_cancelled_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(reader, "COMMAND", "import time; time.sleep(60)")
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(AppError) as refused:
        reader.read_document(tmp_path / "file", "a.pdf", lambda _done, _total: None, cancel)
    assert refused.value.code == "file_cancelled"
    assert time.monotonic() - begun < 2


def test_without_its_packages_nothing_is_read(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PACKAGES", ("pypdfium2", "not_installed_anywhere"))
    assert not reader.is_installed()
    assert refusal(b"Bonjour") == "documents_not_installed"
