"""Serve `/static/…`: the files that `make build` made from static/, and the company's own logo and colours."""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug import Request, Response

from app.security import NOT_A_PAGE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BUILD = Path(__file__).resolve().parents[1] / "static" / "build"
PREFIX = "/static/"
LASTING = "public, max-age=31536000, immutable"

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@cache
def built() -> dict[str, str]:
    """Return the build's manifest: the path of a source below static/ → the path of its hashed file."""
    names: dict[str, str] = json.loads((BUILD / "manifest.json").read_text())
    return names


def read(source: str) -> str:
    """Return the text of the file built from `source`, for pages that must not link to others."""
    return (BUILD / built()[source]).read_text()


class StaticFiles:
    """Answer `/static/…` in WSGI, before Flask and its session.

    Flask would add `Vary: Cookie` to the response, and browsers would fetch every file again after each log-in.
    """

    def __init__(self, inner: "WSGIApplication", files: Mapping[str, Path | bytes], lasting: Collection[str]) -> None:
        self._inner = inner
        self._files = files
        self._lasting = lasting

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        name = environ["PATH_INFO"].removeprefix(PREFIX)
        known = environ["PATH_INFO"].startswith(PREFIX) and name in self._files
        if not known or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._inner(environ, start_response)
        zipped = self._files.get(f"{name}.gz") if Request(environ).accept_encodings["gzip"] else None
        found = zipped or self._files[name]
        try:
            # Read at each request, which is quick: all of them in memory would be three megabytes.
            body = found if isinstance(found, bytes) else found.read_bytes()
        except FileNotFoundError:
            # An upgrade has replaced it, and the server was not restarted yet.
            return self._inner(environ, start_response)
        response = Response(body, mimetype=mimetypes.guess_type(name)[0])
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = LASTING if name in self._lasting else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = NOT_A_PAGE
        return response(environ, start_response)


def init_app(app: Flask, brand: Mapping[str, bytes]) -> None:
    """Serve `/static/…` and give templates `asset()`, which maps a source's path to its URL.

    `brand`: contents by path, from `brand.init_app`; they replace built files of the same path.
    """
    names = dict(built())
    files: dict[str, Path | bytes] = {
        path.relative_to(BUILD).as_posix(): path for path in BUILD.rglob("*") if path.is_file()
    }
    for source, body in brand.items():
        path = Path(source)
        # As `make build` names the files.
        names[source] = str(path.with_stem(f"{path.stem}-{hashlib.sha256(body).hexdigest()[:8]}"))
        files |= {names[source]: body, f"{names[source]}.gz": gzip.compress(body, mtime=0)}
    app.wsgi_app = StaticFiles(app.wsgi_app, files, frozenset(names.values()))  # type: ignore[method-assign]
    app.jinja_env.globals["asset"] = {source: PREFIX + name for source, name in names.items()}.__getitem__
