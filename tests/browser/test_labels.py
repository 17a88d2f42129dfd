"""The words on fields and buttons: other people's tests and screen readers rely on them."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario


@pytest.mark.parametrize(
    ("path", "fields", "button"),
    [
        ("/login", ("Identifiant", "Mot de passe"), "Se connecter"),
        ("/register", ("Identifiant", "Nom affiché", "Mot de passe", "Confirmer le mot de passe"), "Créer un compte"),
    ],
)
def test_fields_and_buttons_of_the_account_pages(
    visit: Visitors, server: Served, path: str, fields: tuple[str, ...], button: str
) -> None:
    chat = visit(server).here.open(path)
    for field in fields:
        expect(chat.page.get_by_label(field, exact=True)).to_be_editable()
    expect(chat.button(button)).to_be_enabled()


@pytest.mark.screen("desk", "phone")
def test_buttons_of_the_chat(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    expect(chat.button("Nouvelle conversation").locator("visible=true")).to_have_count(1)
    expect(chat.button("Se déconnecter", chat.show_sidebar())).to_be_visible()
    chat.hide_sidebar()
    expect(chat.button("Envoyer")).to_be_disabled()
    chat.message.fill("Un, deux ?")
    engine.script(Scenario.hold(after=3))
    chat.button("Envoyer").click()
    engine.reached(Phase.DECODING, nth)
    expect(chat.button("Arrêter")).to_be_visible()
    expect(chat.button("Envoyer")).to_be_hidden()
    engine.release()
    chat.finished()
    expect(chat.button("Arrêter")).to_be_hidden()
    expect(chat.button("Copier")).to_have_count(1)
    expect(chat.button("Régénérer")).to_have_count(1)


def test_the_interface_in_english(alice: Visitor, server: Served) -> None:
    chat, page = alice.here, alice.page
    chat.ask("Dans quelle langue ?")
    chat.finished()
    conversation = page.url
    chat.show_sidebar().get_by_role("button", name="Alice").click()
    chat.button("English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(conversation)
    for name in ("New conversation", "Copy", "Regenerate", "Send"):
        expect(chat.button(name).locator("visible=true")).to_have_count(1)
    expect(page.get_by_role("heading", name="Answer by phi3:mini")).to_be_attached()
    if chat.narrow:
        chat.button("Show the sidebar").click()
    chat.button("Sign out").click()
    for field in ("Username", "Password"):
        expect(page.get_by_label(field, exact=True)).to_be_editable()
    expect(chat.button("Sign in")).to_be_visible()
    chat.button("Français").click()
    expect(chat.button("Se connecter")).to_be_visible()


def test_the_browser_s_language_comes_before_any_choice(visit: Visitors, server: Served) -> None:
    chat = visit(server, locale="en-GB").here.open("/register")
    expect(chat.button("Create an account")).to_be_visible()


def test_the_theme_is_kept_with_the_account(alice: Visitor) -> None:
    chat, page = alice.here, alice.page
    chat.show_sidebar().get_by_role("button", name="Alice").click()
    chat.button("Sombre").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    chat.show_sidebar().get_by_role("button", name="Alice").click()
    chat.button("Clair").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark
