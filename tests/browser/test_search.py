"""The search: opened by keys or by its button, used by keys alone, and where its results lead."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.test_documents import attach, payload, ready
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.perf.seeds import Past


@pytest.fixture
def chat(alice: Visitor, engine: FakeOllama) -> Tab:
    """Two conversations about gelcoat; another one is open."""
    tab = alice.here
    for question, answer in (
        ("Relance du fournisseur", "La livraison de gelcoat blanc est en retard."),
        ("Gelcoat abîmé", "Reprenez-le à l’étrave."),
        ("Autre chose", "Rien à voir."),
    ):
        engine.script(Scenario.answer(answer))
        tab.open()
        tab.ask(question)
        tab.finished()
    return tab


def dialog(chat: Tab) -> Locator:
    return chat.page.get_by_role("dialog", name="Rechercher")


def field(chat: Tab) -> Locator:
    return chat.page.get_by_role("combobox", name="Rechercher dans vos conversations")


def options(chat: Tab) -> Locator:
    return dialog(chat).get_by_role("option")


def test_by_keys_alone(chat: Tab) -> None:
    chat.page.keyboard.press("Control+K")
    expect(field(chat)).to_be_focused()
    expect(options(chat)).to_have_count(3)
    chat.page.keyboard.type("GÉLCO")
    expect(dialog(chat).get_by_role("status")).to_have_text("2 conversations")
    expect(options(chat).locator("[data-part=title]")).to_have_text(["Gelcoat abîmé", "Relance du fournisseur"])
    expect(options(chat).locator("mark")).to_have_text(["Gelcoat", "Gelcoat", "gelcoat"])
    expect(options(chat).first).to_have_attribute("aria-selected", "true")
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("ArrowDown")
    expect(options(chat).nth(1)).to_have_attribute("aria-selected", "true")
    expect(field(chat)).to_have_attribute("aria-activedescendant", re.compile("search-result-1"))
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("heading", level=1)).to_have_text("Relance du fournisseur")
    expect(chat.answer).to_be_focused()
    assert "message" not in chat.page.url


def test_escape_closes_it_and_the_focus_comes_back(chat: Tab, engine: FakeOllama) -> None:
    engine.script(Scenario.hold(after=2))
    chat.ask("Une question en cours")
    expect(chat.button("Arrêter")).to_be_visible()
    chat.page.keyboard.press("Control+K")
    expect(field(chat)).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(dialog(chat)).to_be_hidden()
    expect(chat.message).to_be_focused()
    # The answer was not stopped by it.
    expect(chat.button("Arrêter")).to_be_visible()
    engine.release()
    chat.finished()


def test_nothing_found_and_a_date_that_is_none_are_said(chat: Tab) -> None:
    chat.button("Rechercher", chat.show_sidebar()).click()
    field(chat).fill("introuvable")
    expect(dialog(chat).get_by_role("status")).to_have_text("Rien trouvé dans vos conversations ni dans vos documents.")
    field(chat).fill("gelcoat avant:hier")
    expect(dialog(chat)).to_contain_text("« avant:hier » n’est pas une date")
    expect(options(chat)).to_have_count(2)
    # Enter does not open what is shown before what was typed last is found.
    field(chat).fill("gelcoat")
    field(chat).press("Enter")
    expect(chat.questions).to_have_text("Gelcoat abîmé")


def test_a_message_far_up_comes_to_the_top_and_stays(alice: Visitor, server: Served) -> None:
    past = Past(server.instance, alice.name)
    past.long_one(120)
    past.close()
    chat = alice.here.open()
    chat.page.keyboard.press("Control+K")
    field(chat).fill("étape 17")
    expect(options(chat).locator("mark").first).to_have_text("étape")
    # The newest message that has both words: the answer to the seventeenth question.
    options(chat).first.click()
    landed = chat.page.locator(".turn:focus")
    expect(landed).to_contain_text("Voici l’étape 17")
    expect(chat.page.locator(".answer[data-past]")).to_have_count(0)
    top = "turn => turn.getBoundingClientRect().top - turn.closest('.thread').getBoundingClientRect().top"
    assert 0 <= landed.evaluate(top) <= 40


def test_a_message_of_another_version_is_shown_on_its_branch(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.answer("La première version parle d’hélices."), Scenario.answer("La seconde de voiles."))
    chat.ask("Comment avancer ?")
    chat.finished()
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_contain_text("voiles")
    chat.finished()
    chat.page.keyboard.press("Control+K")
    field(chat).fill("hélices")
    expect(options(chat).locator("mark")).to_have_text("hélices")
    options(chat).first.click()
    expect(chat.text).to_contain_text("hélices")
    expect(chat.answer).to_be_focused()


@pytest.mark.screen("phone")
def test_on_a_small_screen(chat: Tab) -> None:
    for width in (390, 320):
        chat.page.set_viewport_size({"width": width, "height": 700})
        chat.button("Rechercher", chat.show_sidebar()).click()
        field(chat).fill("gelcoat")
        expect(options(chat)).to_have_count(2)
        box = dialog(chat).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
        chat.button("Fermer", dialog(chat)).click()
        expect(chat.button("Rechercher")).to_be_focused()
        chat.page.keyboard.press("Escape")


@pytest.mark.slow
def test_it_is_for_everyone(visit: Visitors, server: Served, chat: Tab) -> None:
    chat.page.keyboard.press("Control+K")
    field(chat).fill("gelcoat")
    expect(options(chat)).to_have_count(2)
    check(chat.page)


@pytest.mark.screen("desk", "phone")
def test_documents_stand_below_the_conversations_and_open_at_their_page(chat: Tab, engine: FakeOllama) -> None:
    attach(chat, payload("resine.txt", "Résine\n\nLe gelcoat se garde six mois.\n"))
    ready(chat)
    unused = re.compile(r"/\?file=\w+&page=1&words=gelcoat$")
    chat.page.keyboard.press("Control+K")
    field(chat).fill("gelcoats")
    expect(dialog(chat).get_by_role("status")).to_have_text("2 conversations, 1 document")
    document = dialog(chat).get_by_role("group", name="Documents").get_by_role("option")
    expect(document).to_have_text(re.compile("resine\\.txt.*Partie 1.*Le gelcoat se garde", re.DOTALL))
    expect(document).to_have_attribute("href", unused)
    check(chat.page)
    chat.page.keyboard.press("Escape")
    engine.script(Scenario.answer("Six mois."))
    chat.ask("Combien de temps ?")
    chat.finished()
    address = chat.page.url
    chat.open()
    chat.page.keyboard.press("Control+K")
    field(chat).fill("gelcoats")
    expect(document).to_have_count(1)
    for _ in range(2):
        chat.page.keyboard.press("ArrowDown")
    expect(document).to_have_attribute("aria-selected", "true")
    chat.page.keyboard.press("Enter")
    reader = chat.page.get_by_role("dialog", name="resine.txt")
    expect(reader.get_by_role("textbox", name="Chercher dans le document")).to_have_value("gelcoat")
    expect(reader.locator("mark.is-current")).to_have_text("gelcoat")
    expect(reader.get_by_role("status")).to_have_text("1 sur 1")
    assert chat.page.url == address


def test_a_page_that_is_not_there_offers_to_search(chat: Tab, alice: Visitor) -> None:
    alice.watch.allow("status of 404")
    chat.open("/c/0123456789abcdef")
    words = chat.page.get_by_role("search").get_by_label("Rechercher dans vos conversations")
    words.fill("gelcoat abîmé")
    words.press("Enter")
    expect(field(chat)).to_have_value("gelcoat abîmé")
    expect(dialog(chat).get_by_role("option")).to_have_count(1)
    chat.page.keyboard.press("Escape")
    assert chat.page.url == f"{chat.origin}/"
    chat.page.reload()
    expect(dialog(chat)).to_have_count(0)
