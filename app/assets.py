"""Static files: hashed addresses, a year in the browser's cache, gzip, held in memory; and the import map."""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from flask import Flask, Response, request, url_for

from app.errors import AppError
from app.guards import public

COMPRESSIBLE = {".css", ".js", ".svg", ".json", ".txt", ".html"}
YEAR_S = 31_536_000
HASH_LENGTH = 12

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    compressed: bytes | None
    mimetype: str
    tag: str


class Assets:
    """The files below `folder`, read once; in development a changed file is read again. `made` ones come first."""

    def __init__(self, folder: Path, made: Mapping[str, Callable[[], bytes]], *, fresh: bool) -> None:
        self._folder = folder.resolve()
        self._made = {name: cache(partial(_asset, name, make)) for name, make in made.items()}
        self._fresh = fresh
        self._read = cache(self._load)

    def get(self, name: str) -> Asset:
        """The file of that name; FileNotFoundError for anything outside the folder."""
        if name in self._made:
            return self._made[name]()
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise FileNotFoundError(name)
        return self._read(path, path.stat().st_mtime_ns if self._fresh else 0)

    def url(self, name: str) -> str:
        """The file's address, which changes when its bytes do."""
        return url_for("static", filename=name, v=self.get(name).tag)

    def import_map(self) -> str:
        """JSON that gives each module its hashed address: `couach/…` our own, bare names the vendored ones."""
        imports = {}
        for prefix, folder in (("couach/", "js"), ("", "vendor")):
            for path in sorted(path for path in (self._folder / folder).rglob("*.js") if path.is_file()):
                name = path.relative_to(self._folder / folder).as_posix().removesuffix(".js")
                imports[prefix + name] = self.url(f"{folder}/{name}.js")
        return json.dumps({"imports": imports}, separators=(",", ":")).replace("<", "\\u003c")

    def _load(self, path: Path, _changed: int) -> Asset:
        return _asset(path.name, path.read_bytes)


def _asset(name: str, read: Callable[[], bytes]) -> Asset:
    body = read()
    small = gzip.compress(body, 9, mtime=0) if Path(name).suffix in COMPRESSIBLE else None
    return Asset(
        body,
        small if small and len(small) < len(body) else None,
        mimetypes.guess_type(name)[0] or "application/octet-stream",
        hashlib.sha256(body).hexdigest()[:HASH_LENGTH],
    )


def init_app(app: Flask, folder: Path, made: Mapping[str, Callable[[], bytes]]) -> None:
    """Serve `/static/…`, with the `made` files, and give templates `asset()` and `import_map()`."""
    assets = Assets(folder, made, fresh=app.debug)
    # Made once: the same for all until the program starts again. A page names its drawings hundreds of times.
    keep = (lambda made: made) if app.debug else cache
    app.jinja_env.globals.update(asset=keep(assets.url), import_map=keep(assets.import_map))

    @public
    def static(filename: str) -> Response:
        try:
            asset = assets.get(filename)
        except (FileNotFoundError, ValueError):
            raise AppError("not_found") from None
        zipped = asset.compressed if "gzip" in request.headers.get("Accept-Encoding", "") else None
        response = Response(zipped or asset.body, mimetype=asset.mimetype)
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        if asset.compressed:
            response.headers["Vary"] = "Accept-Encoding"
        # Fonts carry their version in their name, because the compiled CSS names them. Of a hundred small files the
        # heads are a tenth: what never changes is never asked for again, and needs no tag for that.
        if request.args.get("v") == asset.tag or filename.startswith("fonts/"):
            response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        else:
            response.headers["Cache-Control"] = "no-cache"
            response.set_etag(asset.tag + ("-gzip" if zipped else ""))
            response.make_conditional(request)
        return response

    app.add_url_rule("/static/<path:filename>", "static", static)
