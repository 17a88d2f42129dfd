"""On a phone: the drawer, targets for fingers, and no page that moves sideways."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.samples import RICH
from tests.browser.served import Served
from tests.browser.visitor import Tab
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until

pytestmark = pytest.mark.screen("phone")

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
KEYBOARD = """height => {
  Object.defineProperty(visualViewport, "height", {value: height, configurable: true});
  visualViewport.dispatchEvent(new Event("resize"));
}"""
INSIDE = "element => Boolean(element.closest('#sidebar')) || element === document.body"


@pytest.fixture
def chat(visit: Visitors, server: Served, engine: FakeOllama) -> Tab:
    """A conversation with a table and code, on a phone."""
    tab = visit(server, "alice").here.open()
    engine.script(Scenario.answer(f"{RICH}\n\n{'x' * 300}"))
    tab.message.fill("Et sur un téléphone ?")
    tab.button("Envoyer").tap()
    tab.finished()
    return tab


def test_the_drawer_keeps_the_focus_and_closes_by_escape(chat: Tab) -> None:
    opener = chat.button("Afficher la barre latérale")
    expect(chat.titles).not_to_be_in_viewport()
    opener.tap()
    expect(chat.titles).to_be_in_viewport()
    expect(opener).to_have_attribute("aria-expanded", "true")
    for _ in range(15):
        chat.page.keyboard.press("Tab")
        assert chat.focused(INSIDE), chat.focused()
    chat.page.keyboard.press("Escape")
    expect(chat.titles).not_to_be_in_viewport()
    expect(opener).to_be_focused()


def test_the_drawer_closes_by_a_touch_beside_it(chat: Tab) -> None:
    chat.button("Afficher la barre latérale").tap()
    expect(chat.titles).to_be_in_viewport()
    chat.page.touchscreen.tap(380, 400)
    expect(chat.titles).not_to_be_in_viewport()


def test_escape_in_the_drawer_leaves_the_answer_alone(chat: Tab, engine: FakeOllama) -> None:
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Et pendant ce temps ?")
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    chat.show_sidebar()
    chat.page.keyboard.press("Escape")
    expect(chat.titles).not_to_be_in_viewport()
    engine.release()
    chat.finished()
    expect(chat.answer.get_by_text("Arrêté par vous")).to_be_hidden()


def bottom(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["y"] + box["height"]


def test_the_composer_stays_above_the_keyboard(chat: Tab) -> None:
    chat.message.tap()
    for height in (450, 844):
        # What a browser tells that does not make the page smaller by itself.
        chat.page.evaluate(KEYBOARD, height)
        for part in (chat.message, chat.button("Envoyer")):
            wait_until(lambda part=part, height=height: height - 150 < bottom(part) <= height)
    assert chat.page.evaluate(SIDEWAYS) == 0


def test_enter_breaks_the_line_under_a_finger(chat: Tab) -> None:
    chat.message.fill("une ligne")
    chat.message.press("Enter")
    chat.message.press_sequentially("une autre")
    expect(chat.message).to_have_value("une ligne\nune autre")
    expect(chat.questions).to_have_count(1)


def test_a_new_conversation_is_one_touch_away(chat: Tab) -> None:
    chat.button("Nouvelle conversation").locator("visible=true").last.tap()
    expect(chat.questions).to_have_count(0)
    assert chat.path == "/"


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_moves_sideways(chat: Tab, visit: Visitors, server: Served, width: int) -> None:
    conversation = chat.path
    chat.page.set_viewport_size({"width": width, "height": 844})
    assert chat.page.evaluate(SIDEWAYS) == 0, conversation
    assert chat.page.locator(".thread").evaluate("thread => thread.scrollWidth - thread.clientWidth") == 0
    chat.open("/")
    assert chat.page.evaluate(SIDEWAYS) == 0
    stranger = visit(server, viewport={"width": width, "height": 844})
    stranger.watch.allow("status of 404")
    for path in ("/login", "/register", "/nulle-part"):
        stranger.here.open(path)
        assert stranger.page.evaluate(SIDEWAYS) == 0, path


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 320, "height": 640}}], ids=["usual", "narrow"])
@pytest.mark.screen("desk", "phone")
def test_a_title_of_one_long_word_fits(visit: Visitors, server: Served, options: dict[str, Any]) -> None:
    visitor = visit(server, "alice", **options)
    assert visitor.person
    tab = visitor.here.open()
    tab.ask("Un titre sans fin ?")
    tab.finished()
    conversation = f"/conversations/{tab.path.rpartition('/')[2]}"
    assert visitor.person.api("PATCH", conversation, {"title": "Z" * 200}).status_code == 200
    assert visitor.person.api("POST", f"{conversation}/shares", {}).status_code == 201
    assert tab.open("/settings/shares").page.evaluate(SIDEWAYS) == 0
    assert visitor.person.api("PATCH", conversation, {"archived": True}).status_code == 200
    assert tab.open("/archive").page.evaluate(SIDEWAYS) == 0
    assert visitor.person.api("PATCH", conversation, {"archived": False}).status_code == 200
    tab.open()
    tab.show_sidebar()
    tab.items.first.hover()
    tab.button("Actions", tab.items.first).click()
    tab.page.get_by_role("menuitem", name="Supprimer").click()
    expect(tab.page.locator(".toast")).to_contain_text("Z…")
    expect(tab.page.locator(".toast")).to_be_in_viewport(ratio=1)
    assert tab.open("/bin").page.evaluate(SIDEWAYS) == 0


def test_stop_stays_in_sight_beside_a_thinking_model(chat: Tab, engine: FakeOllama) -> None:
    nth = len(engine.generations)
    chat.page.get_by_role("button", name="Modèle :").tap()
    chat.page.get_by_role("menuitemradio", name="DeepSeek-R1").tap()
    engine.script(Scenario.hold(after=3))
    chat.message.fill("Tout tient-il ?")
    chat.button("Envoyer").tap()
    engine.reached(Phase.DECODING, nth)
    expect(chat.button("Arrêter")).to_be_in_viewport(ratio=1)


def test_fingers_find_what_they_touch(chat: Tab) -> None:
    for name in ("Afficher la barre latérale", "Copier", "Régénérer"):
        box = chat.button(name).last.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, (name, box)
