"""What stays of a picture, and which files are refused as pictures."""

import pytest

from app.errors import AppError
from app.extraction.pictures import MOST_BYTES, media_type, without_metadata
from tests.support.pictures import SECRET, exif, jpeg, png, segment, webp

PLAIN = {"image/jpeg": jpeg(), "image/png": png(), "image/webp": webp()}
TALKATIVE = {
    "exif": jpeg(40, 20, exif()),
    "xmp": jpeg(40, 20, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)),
    "photoshop": jpeg(40, 20, segment(0xED, b"Photoshop 3.0\0" + SECRET)),
    "comment": jpeg(40, 20, segment(0xFE, SECRET)),
    "thumbnail": jpeg(40, 20, segment(0xE0, b"JFXX\0" + SECRET)),
    "more pictures": jpeg(40, 20, segment(0xE2, b"MPF\0" + SECRET)),
    "after the end": jpeg() + SECRET,
    "png exif": png(40, 20, 0, (b"eXIf", SECRET)),
    "png text": png(40, 20, 0, (b"tEXt", b"Author\0" + SECRET), (b"iTXt", SECRET), (b"zTXt", SECRET)),
    "png after the end": png() + b"<script>" + SECRET,
    "webp exif": webp(40, 20, (b"EXIF", SECRET), (b"XMP ", SECRET)),
    "webp after the end": webp() + SECRET,
}
REFUSED = {
    "cut jpeg": (jpeg()[:-2], "file_damaged"),
    "cut in its header": (jpeg()[:60], "file_damaged"),
    "jpeg without a frame": (b"\xff\xd8\xff\xda\x00\x04\x00\x00\x12\xff\xd9", "file_damaged"),
    "jpeg of noise": (b"\xff\xd8\xff" + b"abc" * 100, "file_damaged"),
    "a part of no length": (b"\xff\xd8\xff\xe0\x00\x00" * 50, "file_damaged"),
    "cut png": (png()[:-6], "file_damaged"),
    "wrong check sum": (png().replace(b"IDAT", b"IDAX"), "file_damaged"),
    "png without pixels": (png()[:33] + png()[-12:], "file_damaged"),
    "cut webp": (webp()[:-4], "file_damaged"),
    "animation": (webp(40, 20).replace(b"VP8 ", b"ANMF"), "file_damaged"),
    "no area": (jpeg(0, 20), "file_damaged"),
    "60,000 by 60,000": (jpeg(60_000, 60_000), "image_too_fine"),
    "png of 60,000 by 60,000": (png(60_000, 60_000), "image_too_fine"),
    "webp of 60,000 by 60,000": (webp(60_000, 60_000), "image_too_fine"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "file_kind_unknown"),
    "gif": (b"GIF89a" + bytes(40), "file_kind_unknown"),
    "nothing": (b"", "file_kind_unknown"),
    "too large": (jpeg() + bytes(MOST_BYTES), "file_too_large"),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_picture_is_known_by_its_content(kind: str) -> None:
    assert media_type(PLAIN[kind][:12]) == kind


@pytest.mark.parametrize("name", TALKATIVE)
def test_only_what_a_picture_shows_stays(name: str) -> None:
    shown = without_metadata(TALKATIVE[name])
    assert SECRET not in shown
    assert media_type(shown[:12]) == media_type(TALKATIVE[name][:12])
    assert without_metadata(shown) == shown


def test_what_readers_need_stays() -> None:
    adobe, profile = segment(0xEE, b"Adobe" + bytes(7)), segment(0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(20))
    assert without_metadata(jpeg(40, 20, adobe, profile)) == jpeg(40, 20, adobe, profile)
    transparent = png(40, 20, 0, (b"sRGB", b"\0"), (b"tRNS", b"\0\0"))
    assert without_metadata(transparent) == transparent


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_picture_is_refused(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(AppError) as refusal:
        without_metadata(data)
    assert refusal.value.code == code
