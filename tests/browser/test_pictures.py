"""Pictures beside a question: made small in the browser, shown, read by a model that sees; what others are told."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from app.extraction.pictures import MARKER, media_type
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.test_documents import attach, chips, sent
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.support.pictures import SECRET, png

SEES, BLIND = "gemma3:4b", "phi3:mini"
SIZE = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
PASTE = """(field, data) => {
  const clipboardData = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  clipboardData.items.add(new File([bytes], "image.png", {type: "image/png"}));
  field.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def eyes() -> Iterator[FakeOllama]:
    """An engine with a model that sees, and one that does not, which is the default."""
    with FakeOllama([SEES, BLIND]) as running:
        yield running


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, eyes: FakeOllama) -> Iterator[Served]:
    """A server with that engine."""
    with Served(tmp_path_factory.mktemp("gallery"), OLLAMA_HOST=eyes.url) as running:
        wait_for_model(running.register("capitaine"))
        yield running


@pytest.fixture
def chat(visit: object, gallery: Served) -> Tab:
    """An empty page of that server."""
    visitor: Visitor = visit(gallery, "alice")  # type: ignore[operator]
    return visitor.here.open()


def photo(name: str = "quai.png", shade: int = 90) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": png(1600, 800, shade, (b"tEXt", b"Place\0" + SECRET))}


def choose(chat: Tab, model: str) -> None:
    chat.page.get_by_role("button", name=re.compile("^Modèle")).click()
    chat.page.locator(f"#model-menu [data-name^='{model}']").click()


def thumbnail(chip: Locator) -> Locator:
    return chip.locator("img")


def remembered_id(chat: Tab) -> str:
    """The id of the picture of the first question."""
    return str(json.loads(sent(chat).get_attribute("data-document") or "{}")["id"])


def picture_sent(eyes: FakeOllama) -> bytes:
    (image,) = eyes.received("/api/chat")[-1]["messages"][-1]["images"]
    return b64decode(image)


@pytest.mark.screen("desk", "phone")
def test_a_picture_is_made_small_shown_and_read(chat: Tab, eyes: FakeOllama) -> None:
    choose(chat, SEES)
    attach(chat, photo())
    expect(chips(chat)).to_have_text(re.compile(r"quai\.jpg\s+Image"))
    assert thumbnail(chips(chat)).evaluate(SIZE) == [896, 448]
    cost = re.compile("^(L’image sera lue|Le modèle lit l’image pendant que vous écrivez|L’image)\u00a0: 256 jetons")
    expect(chat.page.get_by_text(cost)).to_be_visible()
    expect(chat.message).to_have_attribute("placeholder", "Posez votre question sur cette image…")
    check(chat.page)
    chat.ask("Que voit-on ?")
    chat.finished()
    data = picture_sent(eyes)
    assert media_type(data[:12]) == "image/jpeg"
    assert MARKER.search(data)
    assert SECRET not in data
    for _ in range(2):
        expect(sent(chat)).to_have_text(re.compile(r"quai\.jpg\s+Image"))
        assert thumbnail(sent(chat)).evaluate(SIZE) == [896, 448]
        check(chat.page)
        chat.page.reload()
    sent(chat).click()
    shown = chat.page.get_by_role("dialog", name="quai.jpg").get_by_role("img", name="quai.jpg")
    assert shown.evaluate(SIZE) == [896, 448]
    check(chat.page)
    # As the search leads there.
    chat.open(f"{urlsplit(chat.page.url).path}?file={remembered_id(chat)}&page=1")
    assert shown.evaluate(SIZE) == [896, 448]


def test_a_model_that_sees_is_offered_where_the_chosen_one_does_not(chat: Tab, eyes: FakeOllama) -> None:
    attach(chat, photo())
    expect(chips(chat)).to_have_text(re.compile(r"quai\.jpg\s+Image"))
    expect(chat.page.locator(".documents__blind")).to_contain_text(f"{BLIND} ne voit pas les images.")
    check(chat.page)
    chat.message.fill("Que voit-on ?")
    chat.send()
    expect(chat.page.locator(".toast")).to_contain_text("ne voit pas les images")
    expect(chat.questions).to_have_count(0)
    chat.button(f"Choisir {SEES}, qui les voit").click()
    expect(chat.page.locator(".documents__blind")).to_be_hidden()
    expect(chat.message).to_be_focused()
    chat.send()
    chat.finished()
    assert eyes.received("/api/chat")[-1]["model"] == SEES
    assert picture_sent(eyes)
    choose(chat, BLIND)
    chat.ask("Et en un mot ?")
    chat.finished()
    chat.says(f"{BLIND} ne voit pas les images\u00a0: cette réponse se passe de quai.jpg.")
    chat.page.reload()
    chat.says("cette réponse se passe de quai.jpg.")


def test_one_picture_goes_with_a_question(chat: Tab) -> None:
    attach(chat, photo(), photo("autre.png", 200))
    expect(chips(chat)).to_have_count(1)
    expect(chat.page.locator(".toast")).to_contain_text("Une question prend une image")
    chat.button("Retirer\u00a0: quai.jpg").click()
    attach(chat, photo("autre.png", 200))
    expect(chips(chat)).to_have_text(re.compile("autre.jpg"))


def test_a_screenshot_is_pasted(chat: Tab) -> None:
    chat.message.evaluate(PASTE, b64encode(png(300, 100)).decode())
    expect(chips(chat)).to_have_text(re.compile(r"image\.jpg\s+Image"))
    assert thumbnail(chips(chat)).evaluate(SIZE) == [300, 100]


def test_without_a_model_that_sees_the_server_names_one(alice: Visitor) -> None:
    chat = alice.here
    alice.watch.allow("status of 422")
    attach(chat, photo())
    expect(chips(chat)).to_contain_text("Gemma 3 4B les verrait")
