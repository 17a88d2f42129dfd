"""What browsers fetch: the files that `make build` made from static/, and a company's own brand beside them."""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

from app.errors import AppError
from app.guards import public

BUILD = Path(__file__).resolve().parents[1] / "static" / "build"
LASTING = "public, max-age=31536000, immutable"

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@cache
def built() -> dict[str, str]:
    """Each source below static/ with the name of the file that was made of it, in which its contents are hashed."""
    names: dict[str, str] = json.loads((BUILD / "manifest.json").read_text())
    return names


def read(source: str) -> str:
    """A built file's text, for pages that stand alone."""
    return (BUILD / built()[source]).read_text()


def init_app(app: Flask, brand: Mapping[str, bytes]) -> None:
    """Serve `/static/…` and give templates `asset()`, a source's address; `brand` files go before built ones."""
    names = dict(built())
    files = {path.relative_to(BUILD).as_posix(): path.read_bytes() for path in BUILD.rglob("*") if path.is_file()}
    for source, body in brand.items():
        names[source] = _hashed(source, body)
        files |= {names[source]: body, f"{names[source]}.gz": gzip.compress(body, mtime=0)}
    lasting = frozenset(names.values())

    @public
    def static(filename: str) -> Response:
        if filename not in files:
            raise AppError("not_found")
        zipped = files.get(f"{filename}.gz") if request.accept_encodings["gzip"] else None
        response = Response(zipped or files[filename], mimetype=mimetypes.guess_type(filename)[0])
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = LASTING if filename in lasting else "no-cache"
        return response

    app.add_url_rule("/static/<path:filename>", "static", static)
    # The same for all: a page names its drawings hundreds of times.
    app.jinja_env.globals["asset"] = cache(lambda source: url_for("static", filename=names[source]))


def _hashed(name: str, body: bytes) -> str:
    """The name with its contents' hash in it, as built files have it."""
    path = Path(name)
    return str(path.with_stem(f"{path.stem}-{hashlib.sha256(body).hexdigest()[:8]}"))
