"""Failures as pages in the house's style for people, and as problem+json for scripts."""

import re
from pathlib import Path

import pytest

from app.errors import SENTENCES, AppError
from app.security import public
from tests.support.person import Person, problem
from tests.support.site import Site, furnished

# Values for the places in the sentences.
WORDS = dict.fromkeys(("model", "field", "engine", "own", "name", "part", "title", "line", "reason", "task"), "x")
PAGES = (400, 403, 404, 413, 429, 500, 503)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Site:
    """A site with an address for each failure, as a view would raise it."""
    site = Site(furnished(tmp_path_factory.mktemp("failing") / "instance", empty_database))

    @public
    def fail(code: str) -> str:
        if code == "crash":
            raise RuntimeError("secret detail")
        raise AppError(code, cause="secret detail", limit=1, version=1, count=1, fewest=1, **WORDS)

    for path in ("/fail/<code>", "/api/fail/<code>"):
        site.app.add_url_rule(path, path, fail)
    return site


def test_every_failure_has_a_page_and_its_twin_for_scripts(failing: Site) -> None:
    visitor = Person(failing.app)
    for code, (status, _) in SENTENCES.items():
        page = visitor.get(f"/fail/{code}")
        assert (page.status_code, page.mimetype) == (status, "text/html")
        twin = visitor.get(f"/api/fail/{code}")
        assert problem(twin) == (status, code)
        assert not re.search(r"%\(|secret", page.text + twin.text)
        for answer in (page, twin):
            assert ("Retry-After" in answer.headers) == (status in (429, 503))


def test_the_pages_have_a_title_of_their_own(failing: Site) -> None:
    visitor = Person(failing.app)
    codes = {status: code for code, (status, _) in SENTENCES.items() if status in PAGES}
    titles = {re.search(r"<title>([^<]*)", visitor.get(f"/fail/{code}").text)[1] for code in codes.values()}
    assert len(titles) == len(codes) == len(PAGES)


def test_a_crash_tells_nothing_of_its_inside(failing: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = Person(failing.app)
    page = visitor.get("/fail/crash")
    assert page.status_code == 500
    assert "secret" not in page.text
    assert problem(visitor.get("/api/fail/crash")) == (500, "internal_error")
    assert "secret detail" in caplog.text


def test_an_address_that_does_not_exist(site: Site, alice: Person) -> None:
    conversation = alice.start()
    alice.ask(conversation, "Une <i>question</i> !").end()
    page = alice.get("/does/not/exist")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert f"/c/{conversation}" in page.text
    assert "Une &lt;i&gt;question&lt;/i&gt; !" in page.text
    visitor = Person(site.app).get("/does/not/exist")
    assert visitor.status_code == 404
    assert "/login" in visitor.text
    assert conversation not in visitor.text


def test_whoever_prefers_json_gets_it(site: Site) -> None:
    visitor = Person(site.app, Accept="application/json")
    assert problem(visitor.get("/nothing")) == (404, "not_found")
    browser = Person(site.app, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert browser.get("/nothing").mimetype == "text/html"


def test_the_address_shown_is_no_markup(site: Site) -> None:
    page = Person(site.app).get("/<script>alert(1)</script>").text
    assert "<script>alert" not in page


def test_pages_are_in_the_readers_language(site: Site) -> None:
    english = Person(site.app, **{"Accept-Language": "en"}).get("/nothing").text
    assert "This page is not on the chart." in english
    assert 'lang="en"' in english
    assert 'lang="fr"' in Person(site.app).get("/nothing").text
