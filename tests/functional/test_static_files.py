"""Static files: for a year under their hashed address, compressed, and nothing outside their folder."""

import gzip
import re

from tests.support.person import Person
from tests.support.site import Site


def test_a_page_names_its_files_by_their_hash_and_they_stay_for_a_year(site: Site) -> None:
    visitor = Person(site.app)
    (address,) = re.findall(r'href="(/static/build/app\.css\?v=\w{12})"', visitor.get("/login").text)
    plain = visitor.get(address)
    assert (plain.status_code, plain.mimetype) == (200, "text/css")
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    small = visitor.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert gzip.decompress(small.data) == plain.data


def test_without_its_hash_a_file_is_asked_for_each_time(site: Site) -> None:
    for query in ("", "?v=000000000000"):
        visitor = Person(site.app)
        answer = visitor.get(f"/static/build/app.css{query}")
        assert answer.headers["Cache-Control"] == "no-cache"
        again = visitor.get(f"/static/build/app.css{query}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_nothing_else_is_served(site: Site) -> None:
    visitor = Person(site.app)
    for name in ("", "../config.py", "%2e%2e/config.py", "build", "none.css", "a%00b", "..%5cconfig.py"):
        assert visitor.get(f"/static/{name}").status_code == 404, name


def test_static_files_set_no_cookie(site: Site) -> None:
    assert "Set-Cookie" not in Person(site.app).get("/static/build/app.css").headers
