"""Another brand reaches every page that can be reached by a link: by its pixels, its words and its drawings."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Error, Page, expect
from werkzeug.routing import MapAdapter

from app.brand import USUAL
from tests.browser.conftest import Visitors
from tests.browser.served import HOST, Served, wait_for_model
from tests.browser.test_accessibility import STILL, check
from tests.browser.visitor import Tab
from tests.browser.walking import walk
from tests.fakes.ollama import FakeOllama
from tests.functional.test_brand import GREEN, LOGO
from tests.support.server import RemotePerson

Seen = Callable[[Page, tuple[str, ...]], set[str]]

# Which of these colours a picture has a pixel of.
COUNT = """async ([picture, colours]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const counts = Object.fromEntries(colours.map((colour) => [parseInt(colour.slice(1), 16), 0]));
  const {data} = context.getImageData(0, 0, image.width, image.height);
  for (let at = 0; at < data.length; at += 4) {
    const pixel = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    if (pixel in counts) counts[pixel]++;
  }
  return colours.filter((colour) => counts[parseInt(colour.slice(1), 16)]);
}"""
# All that is shown, told or read aloud.
WORDS = """() => [document.title, document.body.innerText, ...[...document.querySelectorAll("*")].flatMap((each) =>
  ["aria-label", "title", "placeholder", "alt", "content"].map((name) => each.getAttribute(name) ?? ""))].join("\\n")"""
PRODUCT = "Sillage"
# Of the company's logo.
DRAWN = ("#7a1f8c", "#f2d64b")


@pytest.fixture(scope="module")
def branded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with another name, other colours and a welcome."""
    settings = {"PRODUCT_NAME": PRODUCT, "BRAND_COLORS": " ".join(GREEN), "WELCOME_TEXT": "Bienvenue à bord"}
    with (
        FakeOllama() as engine,
        Served(tmp_path_factory.mktemp("branded"), OLLAMA_HOST=engine.url, **settings) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def administrator(branded: Served) -> RemotePerson:
    """Its first account, who sees all pages."""
    first = branded.register("capitaine")
    wait_for_model(first)
    return first


def photograph(page: Page) -> bytes:
    """What is seen of a page. Chromium now and then refuses a picture, and takes the same one when asked again."""
    try:
        return page.screenshot()
    except Error as error:
        if "Unable to capture screenshot" not in error.message:
            raise
        return page.screenshot()


@pytest.fixture
def seen(chromium: Browser) -> Iterator[Seen]:
    """Which of some colours a page shows."""
    eye = chromium.new_page()

    def look(page: Page, colours: tuple[str, ...]) -> set[str]:
        picture = base64.b64encode(photograph(page)).decode()
        return set(eye.evaluate(COUNT, [picture, colours]))

    yield look
    eye.close()


def show_drawer(tab: Tab) -> None:
    """On a phone the mark of somebody who is signed in is in the drawer."""
    if tab.narrow and tab.button("Afficher la barre latérale").count():
        tab.show_sidebar()
        tab.page.evaluate(STILL)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_the_colours_and_the_name(
    visit: Visitors, branded: Served, administrator: RemotePerson, addresses: MapAdapter, seen: Seen, scheme: str
) -> None:
    stranger, member = visit(branded, color_scheme=scheme), visit(branded, color_scheme=scheme)
    for visitor in (stranger, member):
        visitor.watch.allow("status of 404")
    member.carry(administrator)
    chat = member.here.open()
    chat.ask("Une question")
    chat.finished()
    administrator.api("POST", f"/conversations/{chat.path.removeprefix('/c/')}/shares")
    both = (GREEN[0], GREEN[2]) if scheme == "light" else (GREEN[3], GREEN[5])
    shown: dict[str, set[str]] = {}
    for visitor, beginning in ((stranger, "/login"), (member, "/")):
        for path in walk(visitor.here, addresses, beginning, "/nulle-part"):
            shown[path] = seen(visitor.page, (*USUAL, *both))
            show_drawer(visitor.here)
            shown[path] |= seen(visitor.page, (*USUAL, *both))
            words = visitor.page.evaluate(WORDS)
            assert f"· {PRODUCT}\n" in words, path
            assert "couach" not in words.replace(HOST, "").lower(), path
    assert {path: colours for path, colours in shown.items() if colours != set(both)} == {}
    assert {"/register", "/settings", "/settings/shares", "/bin", "/admin/models", "/lab/"} <= set(shown)
    assert any(path.startswith("/s/") for path in shown)


@pytest.mark.slow
def test_a_changed_brand_is_readable(visit: Visitors, branded: Served, administrator: RemotePerson) -> None:
    stranger = visit(branded)
    check(stranger.here.open("/login").page)
    member = visit(branded, "nadia")
    page = member.here.open().page
    expect(page.get_by_text("Bienvenue à bord")).to_be_visible()
    check(page)
    member.here.ask("Une question")
    member.here.finished()
    check(page)


@pytest.mark.slow
def test_a_logo_is_drawn_in_place_of_the_mark(visit: Visitors, engine: FakeOllama, tmp_path: Path, seen: Seen) -> None:
    with Served(tmp_path, OLLAMA_HOST=engine.url, BRAND_LOGO=LOGO) as server:
        server.register("capitaine")
        stranger, member = visit(server), visit(server, "nadia")
        stranger.watch.allow("status of 404")
        for visitor, path in ((stranger, "/login"), (stranger, "/nulle-part"), (member, "/"), (member, "/settings")):
            page = visitor.here.open(path).page
            show_drawer(visitor.here)
            expect(page.locator("img.mark").first).to_be_visible()
            assert seen(page, DRAWN) == set(DRAWN), path
            icon = page.locator("link[rel=icon]").get_attribute("href")
            assert requests.get(f"{server.url}{icon}", timeout=10).content == LOGO.read_bytes()
        for visitor in (stranger, member):
            visitor.context.close()


def test_the_files_that_leave_name_no_other_product(branded: Served, administrator: RemotePerson) -> None:
    made = administrator.start()
    administrator.ask(made, "Une question").end()
    for kind in ("html", "markdown"):
        answer = administrator.get(f"/c/{made}/export?format={kind}")
        assert answer.status_code == 200
        assert "couach" not in answer.text.lower()
    manifest = administrator.get("/manifest")
    assert manifest.json["name"] == PRODUCT
    assert "couach" not in manifest.text.lower()
