"""The brand by configuration: what is served in its place, what is refused, and the manifest of the installable app."""

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.brand import CANVAS, GROUNDS, NAMES, ON_BRAND, USUAL, BrandError
from config import ROOT, SettingError, load
from tests.support.person import Person
from tests.support.site import Site

GREEN = ("#0b5d3b", "#07402a", "#9a2f6b", "#bfe8d2", "#dff5ea", "#ff9ad0")
LOGO = ROOT / "tests/samples/logo.svg"
Sites = Callable[..., Site]


def address(page: str, name: str) -> str:
    """Where a page fetches that file."""
    stem, ending = name.rsplit(".", 1)
    found = re.findall(rf'"(/static/{re.escape(stem)}-\w{{8}}\.{ending})"', page)
    assert found, name
    return str(found[0])


def test_the_colours_are_those_of_the_sheets() -> None:
    sheet = (ROOT / "static/css/brand.css").read_text()
    found = tuple(re.search(rf"--brand-{name}: (#\w+);", sheet)[1] for name in NAMES)  # type: ignore[index]
    assert found == USUAL
    tokens = (ROOT / "static/css/tokens.css").read_text()
    for token, both in (("canvas", CANVAS), ("on-brand", ON_BRAND)):
        assert f"--{token}: light-dark({both[0]}, {both[1]});" in tokens
    assert f"--sunken: light-dark({GROUNDS[0][1]}, " in tokens
    assert re.search(rf"--raised: light-dark\(#\w+, {GROUNDS[1][1]}\)", tokens)


def test_without_configuration_nothing_is_added(site: Site) -> None:
    page = Person(site.app).get("/login").text
    assert "brand/colours" not in page
    assert 'class="mark__bow"' in page
    assert Person(site.app).get(address(page, "brand/sea.svg")).data == (ROOT / "static/brand/sea.svg").read_bytes()


def test_configured_colours_are_a_sheet_with_its_hash(make_site: Sites) -> None:
    visitor = Person(make_site(BRAND_COLORS=" ".join(GREEN)).app)
    page = visitor.get("/login").text
    assert page.index("/static/css/app-") < page.index("/static/brand/colours-")
    sheet = visitor.get(address(page, "brand/colours.css"))
    assert (sheet.mimetype, "immutable" in sheet.headers["Cache-Control"]) == ("text/css", True)
    for name, colour in zip(NAMES, GREEN, strict=True):
        assert f"--brand-{name}:{colour}" in sheet.text
    # A tenth of the green on white, a fifth on the night.
    assert "--brand-soft:light-dark(#e4ede9,#2b3d43)" in sheet.text
    other = Person(make_site(BRAND_COLORS=" ".join((*GREEN[:5], "#ffb0dd"))).app).get("/login").text
    assert address(other, "brand/colours.css") != address(page, "brand/colours.css")
    for drawing in ("brand/icon.svg", "brand/sea.svg"):
        drawn = visitor.get(address(page, drawing)).text
        assert GREEN[5] in drawn
        assert not set(USUAL) & set(re.findall("#[0-9a-f]{6}", drawn))


def test_a_logo_stands_for_the_mark_and_the_icon(make_site: Sites) -> None:
    visitor = Person(make_site(BRAND_LOGO="tests/samples/logo.svg").app)
    page = visitor.get("/login").text
    where = address(page, "brand/logo.svg")
    assert re.search(rf'<link rel="icon" href="{re.escape(where)}">', page)
    assert re.search(rf'<img class="mark" src="{re.escape(where)}" alt=""', page)
    assert "mark__bow" not in page
    assert visitor.get(where).data == LOGO.read_bytes()
    assert visitor.get("/manifest").json["icons"] == [
        {"src": where, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    ]


def test_the_welcome_is_shown_as_text(make_site: Sites) -> None:
    site = make_site(WELCOME_TEXT="Bonjour & <b>bienvenue</b>")
    newcomer = Person(site.app, "nadia")
    assert "Bonjour &amp; &lt;b&gt;bienvenue&lt;/b&gt;" in newcomer.get("/login").text
    newcomer.register()
    assert "Bonjour &amp; &lt;b&gt;bienvenue&lt;/b&gt;" in newcomer.get("/").text


def test_the_model_is_told_the_product_s_name() -> None:
    assert load({"PRODUCT_NAME": "Sillage"}, env_file=None)["SYSTEM_PROMPT"].startswith("Tu es Sillage, ")
    assert load({}, env_file=None)["SYSTEM_PROMPT"].startswith("Tu es CouachGPT, ")


@pytest.mark.parametrize("value", ["#12324f", "navy " * 6, "#12324g " * 6, "#123 " * 6, "#12324f " * 7])
def test_what_is_no_colour_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match=r"BRAND_COLORS=.* is not valid, expected: six colours"):
        load({"BRAND_COLORS": value}, env_file=None)


@pytest.mark.parametrize("value", ["nowhere.svg", "README.md", "static"])
def test_what_is_no_picture_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match=r"BRAND_LOGO=.* is not valid, expected: the path of an"):
        load({"BRAND_LOGO": value}, env_file=None)


@pytest.mark.parametrize(
    ("place", "colour", "words"),
    [
        (0, "#ffd54f", "#ffffff and #ffd54f have a contrast of 1.4, at least 4.5"),
        (1, "#8fb3d0", "#ffffff and #8fb3d0"),
        (2, "#ff9159", "#ff9159 and #faf8f4"),
        (3, "#12324f", "#0a1c2c and #12324f"),
        (5, "#7a1f3c", "#7a1f3c and #0b1724"),
    ],
)
def test_colours_that_cannot_be_read_are_refused(make_site: Sites, place: int, colour: str, words: str) -> None:
    with pytest.raises(BrandError, match=re.escape(words)):
        make_site(BRAND_COLORS=" ".join((*GREEN[:place], colour, *GREEN[place + 1 :])))


def test_the_manifest_names_the_product_and_its_icons(make_site: Sites) -> None:
    site = make_site(PRODUCT_NAME="Sillage", DEFAULT_LOCALE="en")
    visitor = Person(site.app)
    assert '<link rel="manifest" href="/manifest">' in visitor.get("/login").text
    answer = visitor.get("/manifest")
    assert answer.mimetype == "application/manifest+json"
    told = answer.json
    assert (told["name"], told["short_name"], told["lang"]) == ("Sillage", "Sillage", "en")
    assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
    assert told["theme_color"] == CANVAS[0]
    made = {(icon["sizes"], icon["purpose"]): visitor.get(icon["src"]) for icon in told["icons"]}
    assert set(made) == {("any", "any"), ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    for (sizes, _purpose), picture in made.items():
        assert picture.status_code == 200
        if picture.mimetype == "image/png":
            assert "{}x{}".format(*struct.unpack(">II", picture.data[16:24])) == sizes


def test_the_theme_colour_is_the_theme_s(site: Site, alice: Person) -> None:
    both = re.findall(r'<meta name="theme-color" content="(#\w+)"( media="[^"]+")?>', alice.get("/").text)
    assert [colour for colour, _media in both] == list(CANVAS)
    assert all(media for _colour, media in both)
    alice.submit("/preferences", {"theme": "dark"})
    assert re.findall(r'<meta name="theme-color" content="(#\w+)">', alice.get("/").text) == [CANVAS[1]]


def test_a_picture_in_another_place(make_site: Sites, tmp_path: Path) -> None:
    file = tmp_path / "Le logo.PNG"
    file.write_bytes((ROOT / "static/brand/icon-192.png").read_bytes())
    visitor = Person(make_site(BRAND_LOGO=file).app)
    picture = visitor.get(address(visitor.get("/login").text, "brand/logo.png"))
    assert (picture.mimetype, picture.data) == ("image/png", file.read_bytes())
