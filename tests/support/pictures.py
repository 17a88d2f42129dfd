"""Small pictures of each format, made by hand, with what cameras and programs write beside the picture itself."""

import struct
import zlib

SECRET = b"GPS 48.1173 N"


def png(width: int = 40, height: int = 20, shade: int = 200, *extra: tuple[bytes, bytes]) -> bytes:
    """A grey PNG file; `extra`: chunks between its header and its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    # A size that is only claimed has no pixels.
    rows = b"".join(b"\0" + bytes([shade]) * width for _ in range(height)) if width * height < 10**7 else b""
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def jpeg(width: int = 40, height: int = 20, *extra: bytes) -> bytes:
    """A JPEG file with the parts that readers look at; `extra`: segments after its header."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    parts = [segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"), *extra, segment(0xDB, bytes(65))]
    parts += [segment(0xC0, frame), segment(0xC4, bytes(18)), segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")]
    return b"\xff\xd8" + b"".join(parts) + b"\x12\xff\x00\x34\xff\xd0\x56\xff\xd9"


def webp(width: int = 40, height: int = 20, *extra: tuple[bytes, bytes]) -> bytes:
    """A WebP file of the extended form; `extra`: chunks after the picture."""
    flags = b"\x0c\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    lossy = b"\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF) + b"\0\0\0"
    body = b"WEBP" + b"".join(_riff(*chunk) for chunk in [(b"VP8X", flags), (b"VP8 ", lossy), *extra])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def exif() -> bytes:
    """The segment in which cameras write where they were."""
    return segment(0xE1, b"Exif\0\0" + SECRET)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
