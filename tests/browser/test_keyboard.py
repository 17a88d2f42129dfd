"""Everything by keyboard: the ways in, the order of the page, shortcuts, menus."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD

pytestmark = pytest.mark.screen("desk")

REGIONS = ["skip-link", "sidebar", "topbar", "thread", "composer"]
REGION = f"element => {REGIONS}.find(name => element.closest(`.${{name}}`)) ?? ''"


@pytest.fixture
def chat(alice: Visitor) -> Tab:
    """A conversation with one answer."""
    tab = alice.here
    tab.ask("Tout au clavier ?")
    tab.finished()
    return tab


def test_the_skip_links_come_first(chat: Tab) -> None:
    chat.page.reload()
    chat.page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); }")
    for name, target in (("Aller à la conversation", "main"), ("Écrire", "message")):
        chat.page.keyboard.press("Tab")
        link = chat.page.get_by_role("link", name=name, exact=True)
        expect(link).to_be_focused()
        assert link.evaluate("element => element.getBoundingClientRect().top >= 0")
        assert link.get_attribute("href") == f"#{target}"
    chat.page.keyboard.press("Enter")
    expect(chat.message).to_be_focused()


def test_the_order_is_sidebar_top_bar_thread_composer(chat: Tab) -> None:
    chat.page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); }")
    regions: list[str] = []
    for _ in range(40):
        chat.page.keyboard.press("Tab")
        regions.append(chat.focused(REGION))
        if regions[-1] == "composer":
            break
    assert list(dict.fromkeys(regions)) == REGIONS
    assert regions == sorted(regions, key=REGIONS.index)


def test_the_focus_stays_in_the_composer(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Où est le curseur ?")
    expect(chat.message).to_be_focused()
    engine.reached(Phase.DECODING, nth)
    chat.page.keyboard.type("j’écris pendant ce temps")
    expect(chat.message).to_have_value("j’écris pendant ce temps")
    engine.release()
    chat.finished()
    expect(chat.message).to_be_focused()


def test_escape_stops_the_answer(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Échap ?")
    engine.reached(Phase.DECODING, nth)
    chat.says(re.compile(r"Rédaction\s+1\ss"))
    chat.page.keyboard.press("Escape")
    chat.says("Arrêté par vous")
    expect(chat.message).to_be_focused()


def test_the_shortcuts(chat: Tab) -> None:
    chat.page.keyboard.press("Alt+ArrowDown")
    expect(chat.answer).to_be_focused()
    chat.page.keyboard.press("Shift+Escape")
    expect(chat.message).to_be_focused()
    chat.page.keyboard.press("Control+Shift+O")
    expect(chat.questions).to_have_count(0)
    assert chat.path == "/"
    expect(chat.message).to_be_focused()


def test_the_list_of_shortcuts(chat: Tab) -> None:
    listed = chat.page.get_by_role("dialog", name="Raccourcis clavier")
    chat.message.press("?")
    expect(chat.message).to_have_value("?")
    expect(listed).to_be_hidden()
    chat.message.fill("")
    chat.page.keyboard.press("Alt+ArrowDown")
    chat.page.keyboard.press("?")
    expect(listed).to_contain_text("Ctrl Maj C Copier la dernière réponse", use_inner_text=True)
    check(chat.page)
    chat.page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(chat.answer).to_be_focused()
    chat.button("Raccourcis clavier").click()
    expect(chat.button("Fermer", listed)).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(listed).to_be_hidden()


def test_the_single_key_can_be_turned_off(chat: Tab) -> None:
    listed = chat.page.get_by_role("dialog", name="Raccourcis clavier")
    chat.message.press("Control+/")
    chat.page.get_by_role("checkbox", name="seul ouvre cette liste").press("Space")
    chat.page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    for _ in range(2):
        chat.page.keyboard.press("Alt+ArrowDown")
        expect(chat.answer).to_be_focused()
        chat.page.keyboard.press("?")
        expect(listed).to_be_hidden()
        chat.page.reload()
        chat.finished()
    chat.message.press("Control+/")
    expect(listed).to_be_visible()
    expect(chat.message).to_have_value("")


def test_the_list_of_shortcuts_in_the_settings(alice: Visitor) -> None:
    chat = alice.here.open("/settings/account")
    listed = chat.page.get_by_role("dialog", name="Raccourcis clavier")
    chat.button("Raccourcis clavier").press("Enter")
    expect(listed).to_be_visible()
    check(chat.page)
    chat.page.keyboard.press("Escape")
    expect(chat.button("Raccourcis clavier")).to_be_focused()
    for path in ("/settings", "/settings/shares", "/settings/prompts"):
        chat.open(path)
        chat.page.wait_for_load_state()
        chat.page.keyboard.press("?")
        expect(listed).to_be_visible()


def test_the_last_answer_is_copied_by_a_shortcut(chat: Tab, engine: FakeOllama) -> None:
    nth, words = len(engine.generations), chat.text.inner_text()
    engine.script(Scenario.hold(after=3))
    chat.ask("Et pendant ce temps ?")
    engine.reached(Phase.DECODING, nth)
    chat.page.keyboard.press("Control+Shift+C")
    expect(chat.answers.first.get_by_text("Copié")).to_be_visible()
    chat.message.press("Control+V")
    expect(chat.message).to_have_value(words)
    chat.message.fill("")
    engine.release()
    chat.finished()


def test_the_menu_of_models_by_arrows(chat: Tab) -> None:
    button = chat.page.get_by_role("button", name="Modèle :")
    items = chat.page.get_by_role("menuitemradio")
    button.focus()
    chat.page.keyboard.press("ArrowDown")
    expect(items.nth(0)).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    chat.page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    chat.page.keyboard.press("Home")
    expect(items.nth(0)).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(items.nth(0)).to_be_hidden()
    expect(button).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(items.nth(0)).to_be_focused()
    chat.page.keyboard.press("End")
    chat.page.keyboard.press("Enter")
    expect(button).to_have_accessible_name("Modèle : DeepSeek-R1 1.5B")
    expect(button).to_be_focused()


def test_a_conversation_is_renamed_and_deleted_by_keyboard(chat: Tab) -> None:
    actions = chat.button("Actions", chat.items.first)
    actions.focus()
    expect(actions).to_be_visible()
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("menuitem", name="Renommer")).to_be_focused()
    chat.page.keyboard.press("Enter")
    field = chat.sidebar.get_by_role("textbox", name="Titre")
    expect(field).to_be_focused()
    chat.page.keyboard.type("Au clavier")
    chat.page.keyboard.press("Enter")
    expect(chat.titles).to_have_text("Au clavier")
    actions.focus()
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("menuitem", name="Renommer")).to_be_focused()
    chat.page.keyboard.press("End")
    expect(chat.page.get_by_role("menuitem", name="Supprimer")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.titles).to_have_count(0)


def test_the_sidebar_folds_and_stays_folded(chat: Tab) -> None:
    chat.button("Replier la barre latérale").click()
    expect(chat.sidebar).to_be_hidden()
    opener = chat.button("Afficher la barre latérale")
    expect(opener).to_be_focused()
    chat.page.reload()
    expect(opener).to_be_visible()
    opener.click()
    expect(chat.sidebar).to_be_visible()


def test_signing_in_by_keyboard(visit: Visitors, server: Served) -> None:
    page = visit(server).here.open("/register").page
    expect(page.get_by_label("Identifiant", exact=True)).to_be_focused()
    for text, tabs in (("au-clavier", 1), ("Au Clavier", 1), (PASSWORD, 2), (PASSWORD, 0)):
        page.keyboard.type(text)
        for _ in range(tabs):
            page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
