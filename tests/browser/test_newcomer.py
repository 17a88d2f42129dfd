"""The first visit: an account, a question, an answer, the way out and back in."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD

QUESTION = "Quelle est la hauteur du mât ?"
FETCHED = """() => performance.getEntriesByType("resource")
  .some(({ name, responseEnd }) => name.includes("/static/js/chat-") && responseEnd > 0)"""


def test_the_origin_is_no_secure_context(alice: Visitor) -> None:
    assert alice.page.evaluate("window.isSecureContext") is False


def test_the_log_in_page_fetches_the_chat_s_script_ahead(visit: Visitors, server: Served) -> None:
    name = visit(server, "alice").name
    chat = visit(server).here.open("/login")
    chat.page.wait_for_function(FETCHED)
    chat.page.get_by_label("Identifiant", exact=True).fill(name)
    chat.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    chat.button("Se connecter").click()
    expect(chat.message).to_be_visible()
    chat.page.wait_for_function(FETCHED)
    sizes = """performance.getEntriesByType("resource")
      .filter(({ initiatorType, name }) => initiatorType === "script" && name.includes("/static/js/chat-"))
      .map(({ transferSize }) => transferSize)"""
    assert chat.page.evaluate(sizes) == [0]


@pytest.mark.screen("desk", "phone")
def test_register_ask_leave_and_come_back(visit: Visitors, server: Served, engine: FakeOllama, screen: str) -> None:
    visitor, name = visit(server), f"nouvelle-{screen}@couach.test"
    chat, page = visitor.here.open(), visitor.page
    expect(page).to_have_url(f"{server.origin}/login")
    page.get_by_role("link", name="Créer un compte").click()
    fill_registration(page, name)
    expect(page.get_by_role("heading", name=re.compile("Bon(jour|soir) Nadia"))).to_be_visible()
    expect(chat.sidebar).to_contain_text(re.compile("Vos conversations s’afficheront ici..*Dossiers", re.DOTALL))

    nth = len(engine.generations)
    engine.script(Scenario.hold(after=12))
    chat.ask(QUESTION)
    expect(chat.questions).to_have_text(QUESTION)
    expect(chat.message).to_have_value("")
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    expect(chat.text).not_to_be_empty()
    expect(chat.button("Copier", chat.answer)).to_be_hidden()
    engine.release()
    foot = chat.finished()
    expect(chat.button("Copier", foot)).to_be_visible()
    expect(foot).to_contain_text("phi3:mini")
    expect(chat.titles).to_have_text([QUESTION])
    said = chat.text.inner_text()

    come_back(chat, name)
    expect(chat.questions).to_have_text(QUESTION)
    chat.finished()
    expect(chat.text).to_have_text(said)


def come_back(chat: Tab, name: str) -> None:
    """Log out, log in, open the conversation."""
    chat.show_sidebar()
    chat.button("Se déconnecter").click()
    expect(chat.page).to_have_url(f"{chat.origin}/login")
    chat.page.get_by_label("Identifiant", exact=True).fill(name)
    chat.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    chat.button("Se connecter").click()
    chat.show_sidebar()
    chat.items.get_by_role("link", name=QUESTION).click()


def test_the_stages_are_named_in_words(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold())
    chat.ask("Combien de temps ?")
    engine.reached(Phase.PREFILL, nth)
    expect(chat.answer.get_by_text("Lecture de votre message")).to_be_visible()
    expect(chat.page.get_by_text("Vous pouvez fermer cette page")).to_be_visible()
    engine.release()
    chat.finished()
    expect(chat.answer.get_by_text("Lecture de votre message")).to_be_hidden()


def test_the_figures_of_an_answer_unfold(alice: Visitor) -> None:
    chat = alice.here
    chat.ask("Quels chiffres ?")
    figures = chat.finished().get_by_role("button", name="phi3:mini")
    figures.click()
    expect(figures).to_have_attribute("aria-expanded", "true")
    for words in ("Tokens écrits", "tokens en", "dont CouachGPT"):
        chat.says(words)
    figures.click()
    expect(chat.answer.get_by_text("Tokens écrits")).to_be_hidden()


def fill_registration(page: Page, name: str, **changes: Any) -> None:
    form = {
        "Identifiant": name,
        "Nom affiché": "Nadia",
        "Mot de passe": PASSWORD,
        "Confirmer le mot de passe": PASSWORD,
    }
    for label, value in (form | changes).items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Créer un compte", exact=True).click()


def test_mistakes_in_the_form_are_explained(visit: Visitors, server: Served) -> None:
    visitor = visit(server)
    visitor.watch.allow("status of 422")
    page = visitor.here.open("/register").page
    fill_registration(page, "maladroite", **{"Confirmer le mot de passe": "autre chose"})
    expect(page.get_by_text("Les deux mots de passe sont différents.")).to_be_visible()
    expect(page.get_by_label("Identifiant", exact=True)).to_have_value("maladroite")
    page.goto(f"{server.origin}/login")
    page.get_by_label("Identifiant", exact=True).fill("capitaine")
    page.get_by_label("Mot de passe", exact=True).fill("ce n’est pas lui")
    page.get_by_role("button", name="Se connecter", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Identifiant ou mot de passe incorrect")
