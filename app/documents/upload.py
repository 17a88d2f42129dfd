"""Take the file out of a request's body piece by piece: neither memory nor /tmp ever holds the whole of it."""

import os
import unicodedata
from collections.abc import Iterator
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.sansio.multipart import Data, Epilogue, Event, File, MultipartDecoder, NeedData

from app.errors import AppError
from app.web import MAX_NAME, one_line

# Bytes that are read at a time; the most for a part that is no file; the most parts.
PIECE = 1 << 16
LARGEST_PART = 1 << 20
MOST_PARTS = 8
# Bytes that a body may have besides its file.
SPARE = 1 << 16


class LeftUnread(FormDataParser):
    """Parses nothing, so that the body is still there when the view reads it; its fields then count as absent."""

    def parse(self, stream: IO[bytes], *_args: Any, **_options: Any) -> tuple[IO[bytes], Any, Any]:
        """Return the stream as it is, no fields, no files."""
        return stream, self.cls(), self.cls()


def prepare(request: Request, limit: int) -> None:
    """Have the view read the body of a request, which may have a file of `limit` bytes; before anything reads it.

    Raises file_too_large.
    """
    request.form_data_parser_class = LeftUnread
    request.max_content_length = limit + SPARE
    if (request.content_length or 0) > request.max_content_length:
        raise AppError("file_too_large", limit=limit // 1_000_000)


def file_in(request: Request) -> tuple[str, Iterator[bytes]]:
    """Return the name and the bytes, piece by piece, of the file in the field `file` of a prepared request.

    Raises bad_request, missing_field; the pieces raise bad_request and file_too_large.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary.isascii() or not boundary:
        raise AppError("bad_request", cause="not multipart/form-data")
    decoder = MultipartDecoder(boundary.encode(), LARGEST_PART, max_parts=MOST_PARTS)
    events = _events(request.stream, decoder)
    for event in events:
        if isinstance(event, File) and event.name == "file":
            return clean_name(event.filename), _bytes(events)
    raise AppError("missing_field", field="file")


def clean_name(name: str) -> str:
    """Return a file's name without folders, on one line, without marks that turn the direction of writing; the end of
    a long one, its type, is kept.
    """
    last = one_line(unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]))
    stem, ending = os.path.splitext(last)
    ending = ending[:20]
    name = f"{stem[: MAX_NAME - len(ending)]}{ending}".strip()
    return name if name.strip(". ") else "document"


def _bytes(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        if isinstance(event, Data):
            yield event.data
            if not event.more_data:
                return


def _events(stream: IO[bytes], decoder: MultipartDecoder) -> Iterator[Event]:
    """Yield the parts of a body; raises bad_request for one that is malformed or cut."""
    try:
        while True:
            data = stream.read(PIECE)
            decoder.receive_data(data or None)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
            if isinstance(event, Epilogue):
                return
    except RequestEntityTooLarge:
        raise AppError("bad_request", cause="a part or the whole is too large") from None
    except (ValueError, OSError) as error:
        raise AppError("bad_request", cause=str(error)) from error
