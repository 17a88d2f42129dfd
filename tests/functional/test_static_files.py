"""Static files: built with a hash in their names, for a year, compressed, and nothing outside their folder."""

import gzip
import re
from pathlib import Path

from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from app.assets import StaticFiles
from tests.support.person import Person
from tests.support.site import Site


def address(visitor: Person, name: str) -> str:
    """Where the log-in page fetches that file."""
    stem, ending = name.rsplit(".", 1)
    found = set(re.findall(rf'"(/static/{re.escape(stem)}-\w{{8}}\.{ending})"', visitor.get("/login").text))
    assert len(found) == 1, name
    return str(found.pop())


def test_a_page_names_its_files_by_their_hash_and_they_stay_for_a_year(site: Site) -> None:
    visitor = Person(site.app)
    kinds = {"css/app.css": "text/css", "js/app.js": "text/javascript", "brand/icon.svg": "image/svg+xml"}
    for name, kind in kinds.items():
        where = address(visitor, name)
        plain = visitor.get(where)
        assert (plain.status_code, plain.mimetype) == (200, kind)
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        small = visitor.get(where, headers={"Accept-Encoding": "br, gzip"})
        assert (small.mimetype, small.headers["Content-Encoding"]) == (kind, "gzip")
        assert "Accept-Encoding" in small.headers["Vary"]
        assert gzip.decompress(small.data) == plain.data
        assert len(small.data) < len(plain.data)
        refused = visitor.get(where, headers={"Accept-Encoding": "gzip;q=0"})
        assert ("Content-Encoding" in refused.headers, refused.data) == (False, plain.data)


def test_fonts_and_pictures_are_sent_as_they_are(site: Site) -> None:
    visitor = Person(site.app)
    for name, kind in (("fonts/inter-4.1.1.woff2", "font/woff2"), ("brand/icon-192.png", "image/png")):
        font = visitor.get(address(visitor, name), headers={"Accept-Encoding": "gzip"})
        assert (font.status_code, font.mimetype) == (200, kind)
        assert "Content-Encoding" not in font.headers
        assert "immutable" in font.headers["Cache-Control"]


def test_what_has_no_hash_is_asked_for_each_time(site: Site) -> None:
    visitor = Person(site.app)
    answer = visitor.get("/static/LICENSES.txt")
    assert "dompurify" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_nothing_else_is_served(site: Site) -> None:
    visitor = Person(site.app)
    for name in ("", "../css/app.css", "%2e%2e/css/app.css", "css", "none.css", "a%00b", "..%5ccss%5capp.css"):
        assert visitor.get(f"/static/{name}").status_code == 404, name


def test_static_files_depend_on_no_cookie(alice: Person) -> None:
    answer = alice.get(address(Person(alice.app), "css/app.css"))
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_an_upgrade_took_away_is_not_found(tmp_path: Path) -> None:
    script = tmp_path / "app.js"
    script.write_text("0")
    visitor = Client(StaticFiles(NotFound(), {"app.js": script}, ()))
    assert visitor.get("/static/app.js").text == "0"
    script.unlink()
    assert visitor.get("/static/app.js").status_code == 404
