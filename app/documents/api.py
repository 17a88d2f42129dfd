"""Files as JSON: send one, look at it, at its pages and its passages, get it back, let go of it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Response, current_app, jsonify, request, send_file
from limits import RateLimitItemPerMinute

from app.documents import blueprint
from app.documents.extractor import Extractor
from app.documents.upload import file_in, prepare
from app.engines.catalogue import quickest_with_vision
from app.engines.tokens import TOKENS_PER_IMAGE, text_tokens
from app.errors import AppError, sentence
from app.extensions import release_connection
from app.extraction import pictures
from app.extraction.reader import is_installed
from app.models import File, FilePage, FileState, Library, file_erasure, passages
from app.models.base import MAX_INTEGER, iso
from app.models.file_store import Arrival, file_store
from app.models.files import PICTURE
from app.models.passages import FoundPassage
from app.security import current_user, rate_limiter
from app.text import clean
from app.web import generation, number_asked

UPLOADS = RateLimitItemPerMinute(60)
# Files of one person that may be arriving or waiting to be read, and the part of the request threads that may be busy
# with files that arrive.
MOST_WAITING, PART_OF_THREADS = 20, 4
MOST_PAGES, MOST_PASSAGES = 100, 50
# Characters of a question: more does not fit into an address.
LONGEST_QUESTION = 4000

# Owned by this module: how many files of each person are arriving, of those that hold a thread.
_arriving: Counter[int] = Counter()
_changing_arriving = threading.Lock()


def extractor() -> Extractor:
    """Return this process's extractor."""
    found: Extractor = current_app.extensions["extractor"]
    return found


@blueprint.url_value_preprocessor
def _allow_large_file(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow those who may send a file one as a body, which nothing reads before the view; raises file_too_large."""
    if endpoint not in ("documents.send", "documents.add_to_library") or not current_user.is_authenticated:
        return
    if endpoint == "documents.send" or current_user.is_admin:
        prepare(request, _most_bytes())


@blueprint.post("/api/files")
def send() -> tuple[Response, int]:
    """Take a document and have it read, or a picture; what this person has sent before and could be read is not read
    again.

    Raises documents_not_installed, file_too_large, files_quota, files_waiting, files_busy, storage_full; for pictures
    image_no_model, image_too_fine, file_damaged.
    """
    if not (is_installed() or generation().registry.sees):
        raise AppError("documents_not_installed")
    person, quota = current_user.id, current_app.config["FILES_MB"] * 1_000_000
    rate_limiter().count(UPLOADS, "upload", str(person))
    File.check_quota(person, 0, quota)
    waiting = File.waiting_of(person)

    def keep(name: str, arrival: Arrival) -> tuple[File, bool]:
        take_it = _take_picture if _is_picture(arrival.path) else _take_document
        return take_it(person, name, arrival, quota)

    return take(waiting, keep)


def take(waiting: int, keep: Callable[[str, Arrival], tuple[File, bool]]) -> tuple[Response, int]:
    """Take the file in the request, and have it read if it is new, as `keep` says, which gives it to somebody.

    `waiting`: the person's files that are to be read. Raises file_too_large, files_waiting, files_busy, storage_full.
    """
    person = current_user.id
    # A client may send slowly.
    release_connection()
    with _place(person, waiting):
        store, (name, pieces) = file_store(), file_in(request)
        store.check_room(request.content_length or 0)
        with store.arriving(pieces, _most_bytes()) as arrival:
            file, is_new = keep(name, arrival)
    if file.state == FileState.EXTRACTING and is_new:
        extractor().add(file.whose, file.id)
    return jsonify(_file_json(file)), 201 if is_new else 200


@blueprint.get("/api/files/<string:file_id>")
def show(file_id: str) -> Response:
    """Return a file, and how far it is read."""
    return jsonify(_file_json(File.of(current_user, file_id)))


@blueprint.delete("/api/files/<string:file_id>")
def let_go(file_id: str) -> tuple[str, int]:
    """Erase a file, unless a question was asked with it."""
    erase_unused(File.own(current_user, file_id))
    return "", 204


@blueprint.post("/api/files/<string:file_id>/cancel")
def cancel(file_id: str) -> tuple[Response, int]:
    """End the reading of a file; nothing happens to one that is read."""
    file = File.own(current_user, file_id)
    if File.end_reading(file.id, FileState.FAILED, error_code="file_cancelled", error_params={}):
        extractor().cancel(file.id)
    return jsonify(_file_json(file)), 202


@blueprint.get("/api/files/<string:file_id>/pages")
def pages(file_id: str) -> Response:
    """Return the text of `count` pages, from number `from` on."""
    file = File.of(current_user, file_id)
    first, count = number_asked("from") or 1, number_asked("count") or 20
    found = FilePage.some_of(file, first, min(count, MOST_PAGES))
    shown = [{"number": page.number, "title": page.title, "text": page.content} for page in found]
    return jsonify({"total": file.pages, "pages": shown})


@blueprint.get("/api/files/<string:file_id>/original")
def original(file_id: str) -> Response:
    """Return the bytes as they were sent; raises not_found if they are lost."""
    file = File.of(current_user, file_id)
    path = file_store().path(file.sha256)
    release_connection()
    try:
        return send_file(path, "application/octet-stream", as_attachment=True, download_name=file.name)
    except FileNotFoundError as error:
        raise AppError("not_found", cause=str(error)) from error


@blueprint.get("/api/files/<string:file_id>/picture")
def picture(file_id: str) -> Response:
    """Return a picture, to be shown; raises not_found for other files and if its bytes are lost."""
    file = File.of(current_user, file_id)
    data = file_store().read(file.sha256) if file.kind == PICTURE else None
    if data is None:
        raise AppError("not_found")
    return Response(data, mimetype=pictures.media_type(data[: pictures.HEAD]))


@blueprint.get("/api/passages")
def find_passages() -> Response:
    """Return the `limit` passages of some `files` and `libraries` (ids with commas between) that best answer `q`.

    Raises invalid_field, too_large, too_many_files, not_found, file_not_ready.
    """
    ids, wanted = _listed("files"), _listed("libraries")
    known = {str(library.id): library.id for library in Library.all_for(current_user)} if wanted else {}
    if not set(wanted) <= known.keys():
        raise AppError("not_found")
    question = clean(request.args.get("q", ""))
    if len(question) > LONGEST_QUESTION:
        raise AppError("too_large", limit=LONGEST_QUESTION)
    files = File.ready_ones(current_user, ids)
    limit, libraries = min(number_asked("limit") or 4, MOST_PASSAGES), [known[each] for each in wanted]
    found = passages.best([file.id for file in files], question, limit, libraries=libraries)
    return jsonify({"passages": [_passage_json(each) for each in found]})


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return bool(pictures.media_type(file.read(pictures.HEAD)))


def _take_document(person: int, name: str, arrival: Arrival, quota: int) -> tuple[File, bool]:
    if not is_installed():
        raise AppError("documents_not_installed")
    return File.take(person, name, arrival, quota)


def _take_picture(person: int, name: str, arrival: Arrival, quota: int) -> tuple[File, bool]:
    """Take a picture without what it tells besides what it shows."""
    registry = generation().registry
    if not (registry.models or registry.reachable):
        raise AppError("engine_unreachable", engine=registry.engine.label, cause=registry.failure)
    if not registry.sees:
        raise AppError("image_no_model", model=quickest_with_vision().label)
    if arrival.size > pictures.MOST_BYTES:
        raise AppError("file_too_large", limit=pictures.MOST_BYTES // 1_000_000)
    shown = pictures.without_metadata(arrival.path.read_bytes())
    with file_store().arriving([shown], pictures.MOST_BYTES) as stripped:
        return File.take(person, name, stripped, quota, picture_tokens=TOKENS_PER_IMAGE)


def _listed(name: str) -> list[str]:
    """Return the ids in the query string, between commas."""
    return list(filter(None, request.args.get(name, "").split(",")))


def _passage_json(found: FoundPassage) -> dict[str, Any]:
    """Return a passage; `marks`: start and end in `text` of what was looked for."""
    tokens = text_tokens(found.excerpt.text)
    about = {"title": found.title, "kind": found.kind, "tokens": tokens, "marks": found.marks}
    return found.excerpt._asdict() | about


def erase_unused(file: File) -> bool:
    """Erase a file with which no question was asked, everywhere; return whether it was one."""
    if not file_erasure.mark_unused(File.id == file.id):
        return False
    extractor().forget(file.id)
    generation().forget_file(file.id)
    return True


def _most_bytes() -> int:
    return int(current_app.config["FILE_MB"]) * 1_000_000


@contextmanager
def _place(person: int, waiting: int) -> Iterator[None]:
    """Hold a place for a file that arrives; `waiting`: the person's files to be read. Raises files_waiting, files_busy.

    One that the server's loop has not collected holds a thread for as long as its client sends.
    """
    holds_thread = (request.content_length or MAX_INTEGER) > current_app.config["MAX_CONTENT_LENGTH"]
    with _changing_arriving:
        if _arriving[person] + waiting >= MOST_WAITING:
            raise AppError("files_waiting", count=MOST_WAITING)
        if holds_thread and _arriving.total() >= current_app.config["THREADS"] // PART_OF_THREADS:
            raise AppError("files_busy")
        _arriving[person] += holds_thread
    try:
        yield
    finally:
        with _changing_arriving:
            _arriving[person] -= holds_thread
            if not _arriving[person]:
                del _arriving[person]


def _file_json(file: File) -> dict[str, Any]:
    """Return a file with its state; `progress` in pages while it is being read."""
    progress = extractor().progress(file.id) if file.state == FileState.EXTRACTING else None
    error = None
    if file.error_code:
        error = {"code": file.error_code, "message": sentence(file.error_code, file.error_params or {})}
    return {
        "id": file.id,
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "pages": file.pages,
        "tokens": file.tokens,
        "state": str(file.state),
        "progress": {"done": progress[0], "total": progress[1]} if progress else None,
        "error": error,
        "created_at": iso(file.created_at),
    }
