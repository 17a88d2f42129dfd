"""The reader: a document beside the conversation, over it on a phone."""

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.test_accessibility import check
from tests.browser.test_documents import attach, chips, payload, ready, sent
from tests.browser.visitor import Tab, Visitor

PARTS = 60
MANUAL = "".join(
    f"# Chapitre {number}\n\nLa pièce P-{number:03} se contrôle chaque saison. {'Rincer à l’eau douce. ' * 120}\n\n"
    for number in range(1, PARTS + 1)
)


def reader(chat: Tab) -> Locator:
    return chat.page.get_by_role("dialog", name=re.compile(r"\.(md|txt)$"))


def pages(chat: Tab) -> Locator:
    return reader(chat).get_by_role("region", name="Texte du document")


@pytest.fixture
def manual(alice: Visitor) -> Tab:
    """A long document beside the draft."""
    chat = alice.here
    attach(chat, payload("manuel.md", MANUAL))
    ready(chat)
    return chat


def look(chat: Tab) -> None:
    """Open the document in the reader by its chip."""
    chips(chat).get_by_role("button").first.click()
    expect(reader(chat)).to_be_visible()


@pytest.mark.screen("desk", "phone")
def test_a_document_opens_beside_its_question_and_closes_by_escape(alice: Visitor) -> None:
    chat = alice.here
    attach(chat, payload("devis.txt", "# Devis\n\n<b>Deux taquets</b> : 1 240 €"))
    ready(chat)
    chat.ask("Combien ?")
    chat.finished()
    path = chat.path
    sent(chat).click()
    expect(reader(chat)).to_contain_text("<b>Deux taquets</b> : 1 240 €")
    expect(reader(chat).get_by_role("heading", name="devis.txt")).to_be_focused()
    expect(chat.message).to_be_in_viewport(ratio=0 if chat.narrow else 1)
    assert chat.path == path
    check(chat.page)
    with chat.page.expect_download() as download:
        reader(chat).get_by_role("link", name="Télécharger l’original").click()
    assert download.value.suggested_filename == "devis.txt"
    chat.page.keyboard.press("Escape")
    expect(reader(chat)).to_be_hidden()
    expect(sent(chat)).to_be_focused()


@pytest.mark.screen("desk", "phone")
def test_pages_come_as_one_scrolls(manual: Tab) -> None:
    look(manual)
    expect(pages(manual)).to_contain_text("Chapitre 1")
    expect(pages(manual).get_by_text("P-060")).to_have_count(0)
    for _ in range(30):
        pages(manual).evaluate("element => { element.scrollTop = element.scrollHeight; }")
        manual.page.wait_for_timeout(50)
        if pages(manual).get_by_text("P-060").count():
            break
    expect(pages(manual).get_by_text("P-060")).to_be_visible()


@pytest.mark.screen("desk", "phone")
def test_a_search_leads_from_place_to_place(manual: Tab) -> None:
    look(manual)
    words = reader(manual).get_by_role("textbox", name="Chercher dans le document")
    place = reader(manual).get_by_role("status")
    words.fill("P-031")
    expect(place).to_have_text(re.compile("^1 sur "))
    current = pages(manual).locator("mark.is-current")
    expect(current).to_have_text("P-031")
    expect(current).to_be_in_viewport()
    check(manual.page)
    words.fill("pièce")
    expect(place).to_have_text(re.compile("^1 sur [1-9][0-9]"))
    first = current.evaluate("mark => mark.closest('[data-number]').dataset.number")
    words.press("Enter")
    expect(place).to_have_text(re.compile("^2 sur"))
    expect(current).to_be_in_viewport()
    assert current.evaluate("mark => mark.closest('[data-number]').dataset.number") != first
    manual.button("Précédent", reader(manual)).click()
    manual.button("Précédent", reader(manual)).click()
    expect(place).to_have_text(re.compile(r"^(\d+) sur \1$"))
    words.fill("introuvable")
    expect(place).to_have_text("Rien trouvé")
    expect(pages(manual).locator("mark")).to_have_count(0)


def test_an_address_leads_to_a_page_of_a_document(manual: Tab) -> None:
    look(manual)
    address = reader(manual).get_by_role("link", name="Télécharger l’original").get_attribute("href") or ""
    file = address.split("/")[3]
    manual.open(f"/?file={file}&page=41")
    expect(reader(manual).get_by_role("heading", name="manuel.md")).to_be_visible()
    expect(pages(manual).locator("[data-number='41']")).to_be_in_viewport()
    assert manual.page.url == f"{manual.origin}/"


def test_a_document_that_is_known_late_does_not_take_the_place_of_another(manual: Tab) -> None:
    attach(manual, payload("devis.txt", "Deux taquets"))
    ready(manual, 2)
    look(manual)
    address = reader(manual).get_by_role("link", name="Télécharger l’original").get_attribute("href") or ""
    file = address.split("/")[3]
    held: list[Route] = []
    manual.page.route(f"**/api/files/{file}", lambda route: held.append(route))
    manual.open(f"/?file={file}")
    chips(manual).nth(1).get_by_role("button").first.click()
    expect(pages(manual)).to_contain_text("Deux taquets")
    for route in held:
        with manual.page.expect_response(f"**/api/files/{file}"):
            route.continue_()
    expect(pages(manual)).to_contain_text("Deux taquets")
    expect(reader(manual).get_by_role("heading", name="devis.txt")).to_be_visible()


def test_the_reader_moves_over_the_page_where_it_gets_narrow(manual: Tab) -> None:
    look(manual)
    assert reader(manual).evaluate("element => element.matches(':modal')") is False
    manual.page.set_viewport_size({"width": 600, "height": 800})
    expect(reader(manual)).to_be_visible()
    assert reader(manual).evaluate("element => element.matches(':modal')") is True
    manual.page.set_viewport_size({"width": 1440, "height": 900})
    manual.button("Fermer le document").click()
    expect(reader(manual)).to_be_hidden()
