"""What every answer carries: the policy against foreign scripts, cookies that fit plain HTTP and HTTPS, tokens."""

import gzip
import re
from collections.abc import Callable

import pytest

from tests.structure.sources import ROOT
from tests.support.person import Person
from tests.support.site import Site

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
INLINE = re.compile(r"<(?:\"[^\"]*\"|[^>\"])*\s(style|on[a-z]+)\s*=", re.IGNORECASE)
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<body>[^<]*)</script>")
HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}


def pages(site: Site, alice: Person) -> dict[str, str]:
    """Every kind of page, with the policy it came with."""
    conversation = alice.start()
    alice.ask(conversation, 'Une <b>question</b> style="x"').end()
    visitor = Person(site.app)
    opened = {path: alice.get(path) for path in ("/", f"/c/{conversation}", "/admin/models", "/nothing")}
    opened |= {path: visitor.get(path) for path in ("/login", "/register", "/nowhere")}
    opened["refused"] = visitor.send("POST", "/login", data={})
    for answer in opened.values():
        assert answer.mimetype == "text/html"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
    return {answer.text: answer.headers["Content-Security-Policy"] for answer in opened.values()}


def test_every_page_allows_our_own_files_only_and_keeps_to_it(site: Site, alice: Person) -> None:
    for page, policy in pages(site, alice).items():
        assert policy == POLICY
        assert not INLINE.search(page), INLINE.search(page)
        assert "<style" not in page
        for script in SCRIPT.finditer(page):
            attributes = script["attributes"]
            # A block of data is never run.
            assert 'type="application/json"' in attributes or "src=" in attributes
        for url in re.findall(r'\s(?:src|href|action)="([^"]*)"', page):
            assert url.startswith(("/", "#")) or not url, url


def test_a_page_is_compressed_but_not_where_its_length_could_tell_its_secrets(site: Site) -> None:
    wanted = {"Accept-Encoding": "gzip, deflate"}
    plain = Person(site.app).get("/login")
    small = Person(site.app).get("/login", headers=wanted)
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert "<title>" in gzip.decompress(small.data).decode()
    assert len(small.data) < len(plain.data) / 2
    encrypted = Person(site.app).get("/login", headers=wanted, base_url="https://couach.test/")
    assert "Content-Encoding" not in encrypted.headers


def test_what_is_no_page_can_do_nothing_if_it_is_opened_as_one(make_site: Callable[..., Site]) -> None:
    logo = ROOT / "tests/samples/logo.svg"
    alice = Person(make_site(BRAND_LOGO=str(logo)).app, "alice")
    alice.register()
    icon = re.search(r"/static/brand/logo-[^\"]*svg", alice.get("/").text)
    assert icon
    for path in (icon[0], "/static/LICENSES.txt", "/api/status", "/healthz", "/manifest", "/v1/models"):
        answer = alice.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox", path


def test_the_cookie_fits_plain_http(alice: Person) -> None:
    (line,) = Person(alice.app, "alice").sign_in().headers.getlist("Set-Cookie")
    assert "Secure" not in line
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line


def test_the_cookie_is_secure_behind_a_proxy_that_speaks_https(make_site: Callable[..., Site]) -> None:
    site = make_site(TRUSTED_PROXIES=1)
    headers = {"base_url": "https://couach.test/", "headers": HTTPS}
    visitor = Person(site.app, "alice", **HTTPS)
    page = visitor.get("/login", base_url="https://couach.test/")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "username": "alice", "display_name": "Alice"}
    form |= {"password": "un mot de passe long", "confirm": "un mot de passe long"}
    form["code"] = site.app.extensions["first_account_code"]
    referrer = {**HTTPS, "Referer": "https://couach.test/register"}
    answer = visitor.client.post("/register", data=form, **(headers | {"headers": referrer}))
    assert answer.status_code == 302, answer.text
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_proxy_nobody_trusts_is_not_believed(site: Site) -> None:
    answer = Person(site.app, **HTTPS).get("/login")
    assert "Secure" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("address", "believed"),
    [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("10.0.3.9", True), ("10.0.4.9", False), ("::1", False)],
)
def test_the_proxy_is_believed_and_whoever_goes_round_it_is_not(
    make_site: Callable[..., Site], address: str, believed: bool
) -> None:
    site = make_site(TRUSTED_PROXIES=1, PROXY_ADDRESSES="127.0.0.1 10.0.3.0/24")
    answer = Person(site.app, **HTTPS).get("/login", environ_overrides={"REMOTE_ADDR": address})
    assert ("Secure" in answer.headers["Set-Cookie"]) == believed


def test_a_form_without_its_token_is_refused_in_words(alice: Person) -> None:
    answer = alice.send("POST", "/logout")
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert alice.get("/").status_code == 200


def test_a_token_of_another_session_is_refused(site: Site, alice: Person, bob: Person) -> None:
    alice._token = bob.token
    assert alice.api("POST", "/conversations", {}).status_code == 400


@pytest.mark.parametrize("referer", ["http://[", "https://localhost:99999999/", "https://localhost:a/", "x"])
def test_over_https_a_referer_that_is_no_address_is_that_of_another_site(
    make_site: Callable[..., Site], referer: str
) -> None:
    site = make_site(TRUSTED_PROXIES=1)
    alice = Person(site.app, "alice", **{"X-Forwarded-Proto": "https"})
    refused = alice.send("POST", "/preferences", headers={"Referer": referer, "X-CSRFToken": alice.token})
    assert refused.status_code == 400
