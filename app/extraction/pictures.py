"""Is this file a picture, how large is it, and what does it tell besides what it shows?

Only headers are read, nothing is decoded. What a picture tells of its camera, place and author is removed, and what
follows its end. Written for JPEG, PNG (its third edition) and WebP (RFC 9649).
"""

import re
import zlib
from collections.abc import Iterator

from app.errors import AppError

# Bytes at the beginning by which a picture is known.
HEAD = 12
MOST_BYTES, MOST_MEGAPIXELS = 10_000_000, 40
JPEG, PNG, WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"WEBP"
MEDIA_TYPES = {JPEG: "image/jpeg", PNG: "image/png"}
# JPEG: a marker after compressed data; markers of frames, which tell the size; what a reader needs besides the frames,
# tables and scans: JFIF's own header, Adobe's colours, and the colour profile.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_TABLES = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDD}) | FRAMES
JPEG_APPLICATIONS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"})
WEBP_CHUNKS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP"})
# Flags of VP8X that stay: there is a colour profile, there is transparency.
WEBP_FLAGS = 0x30


def media_type(head: bytes) -> str:
    """Return the media type of a picture by its first HEAD bytes; "" if it is none."""
    if head[:4] == b"RIFF" and head[8:12] == WEBP:
        return "image/webp"
    return next((found for signature, found in MEDIA_TYPES.items() if head.startswith(signature)), "")


def without_metadata(data: bytes) -> bytes:
    """Return a picture without what it tells besides what it shows; the same for what comes out of this.

    Raises file_too_large, file_kind_unknown, file_damaged, image_too_fine.
    """
    if len(data) > MOST_BYTES:
        raise AppError("file_too_large", limit=MOST_BYTES // 1_000_000)
    readers = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
    reader = readers.get(media_type(data[:HEAD]))
    if reader is None:
        raise AppError("file_kind_unknown")
    try:
        return b"".join(reader(data))
    except IndexError:
        raise _damaged("cut short") from None


def _jpeg(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a JPEG file that stay."""
    yield data[:2]
    place, sized = 2, False
    while True:
        if data[place] != 0xFF:
            raise _damaged("no marker where one is due")
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == END_OF_IMAGE:
            yield data[place : place + 2]
            return
        end = place + 2 + _number(data, place + 2, 2)
        if end < place + 4:
            raise _damaged("a part of no length")
        content = data[place + 4 : end]
        if marker in FRAMES:
            _check_size(_number(data, place + 7, 2), _number(data, place + 5, 2))
            sized = True
        if marker == START_OF_SCAN:
            found = MARKER.search(data, end)
            if not (sized and found):
                raise _damaged("no frame, or no end")
            end = found.start()
        start = JPEG_APPLICATIONS.get(marker)
        if marker in JPEG_TABLES or (start and content.startswith(start)):
            yield data[place:end]
        place = end


def _png(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a PNG file that stay."""
    yield data[:8]
    place = 8
    seen: set[bytes] = set()
    while True:
        length, kind = _number(data, place, 4), data[place + 4 : place + 8]
        end = place + 12 + length
        if zlib.crc32(data[place + 4 : end - 4]) != _number(data, end - 4, 4):
            raise _damaged("a wrong check sum")
        if not seen:
            if (kind, length) != (b"IHDR", 13):
                raise _damaged("no header")
            _check_size(_number(data, place + 8, 4), _number(data, place + 12, 4))
        seen.add(kind)
        if kind in PNG_CHUNKS:
            yield data[place:end]
        if kind == b"IEND":
            if b"IDAT" not in seen:
                raise _damaged("no picture")
            return
        place = end


def _webp(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a WebP file that stay; an animation is refused."""
    whole = 8 + int.from_bytes(data[4:8], "little")
    if whole > len(data):
        raise _damaged("cut short")
    chunks: list[bytes] = []
    seen: set[bytes] = set()
    place = HEAD
    while place < whole:
        kind, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        content = data[place + 8 : place + 8 + length]
        if len(content) < length or place + 8 + length > whole:
            raise _damaged("cut short")
        if kind == b"VP8X":
            _check_size(1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little"))
            content = bytes([content[0] & WEBP_FLAGS]) + content[1:]
        elif kind == b"VP8 ":
            sizes = (int.from_bytes(content[start : start + 2], "little") & 0x3FFF for start in (6, 8))
            _check_size(*sizes)
        elif kind == b"VP8L":
            packed = int.from_bytes(content[1:5], "little")
            _check_size(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        if kind in WEBP_CHUNKS:
            chunks.append(kind + length.to_bytes(4, "little") + content + b"\0" * (length % 2))
            seen.add(kind)
        place += 8 + length + length % 2
    if not seen & {b"VP8 ", b"VP8L"}:
        raise _damaged("no picture, or an animation")
    body = WEBP + b"".join(chunks)
    yield b"RIFF" + len(body).to_bytes(4, "little") + body


def _number(data: bytes, place: int, size: int) -> int:
    """Return the number in `size` bytes, the highest first; raises IndexError beyond the end."""
    if place + size > len(data):
        raise IndexError
    return int.from_bytes(data[place : place + size], "big")


def _check_size(width: int, height: int) -> None:
    """Raise file_damaged for a picture without an area, image_too_fine for one of too many pixels."""
    if not width or not height:
        raise _damaged("no area")
    if width * height > MOST_MEGAPIXELS * 1_000_000:
        raise AppError("image_too_fine", limit=MOST_MEGAPIXELS, cause=f"{width} × {height}")


def _damaged(cause: str) -> AppError:
    return AppError("file_damaged", cause=cause)
