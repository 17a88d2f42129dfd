"""The settings: a personal token is made, copied on plain HTTP, used and revoked."""

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.visitor import Tab, Visitor
from tests.support.program import SECRET


def listed(page: Page, name: str = "") -> Locator:
    """The tokens' rows, or the one of that name."""
    return page.locator("tbody tr", has_text=name)


def make(chat: Tab, name: str) -> str:
    """Make a token; it is what the page shows."""
    chat.page.get_by_label("Nom du nouveau jeton").fill(name)
    chat.button("Créer un jeton").click()
    expect(chat.page.get_by_text("Copiez-le maintenant")).to_be_visible()
    shown = chat.page.get_by_role("region", name="Jeton", exact=True).inner_text().strip()
    assert SECRET.fullmatch(shown)
    return shown


def revoke(chat: Tab, name: str) -> None:
    chat.button(f"Révoquer {name}").click()
    chat.button("Révoquer", chat.page.get_by_role("dialog", name=f"Révoquer le jeton «\u202f{name}\u202f»")).click()
    expect(chat.page.get_by_text("est révoqué")).to_be_visible()


def opens(server: Served, token: str) -> bool:
    """Whether the server takes the token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.url}/v1/models", headers=headers, timeout=10).status_code == 200


def test_a_token_is_made_copied_used_and_revoked(alice: Visitor, server: Served) -> None:
    chat, page = alice.here, alice.page
    chat.show_sidebar().get_by_role("button", name="Alice").click()
    page.get_by_role("link", name="Mes réglages").click()
    chat.show_sidebar()
    page.get_by_role("link", name="Jetons personnels").click()
    expect(page.get_by_text("Vous n’en avez pas encore.")).to_be_visible()
    token = make(chat, "Éditeur")
    copying = page.locator(".notice")
    chat.button("Copier", copying).click()
    expect(chat.button("Copié", copying)).to_be_visible()
    field = page.get_by_label("Nom du nouveau jeton")
    field.focus()
    page.keyboard.press("Control+V")
    expect(field).to_have_value(token)

    expect(listed(page, "Éditeur")).to_contain_text("jamais")
    assert opens(server, token)
    chat.open("/settings")
    expect(listed(page, "Éditeur")).to_contain_text("il y a 1 minute")
    assert token not in page.content()

    chat.button("Révoquer Éditeur").click()
    expect(chat.button("Garder")).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.button("Garder")).to_be_hidden()
    expect(listed(page)).to_have_count(1)
    revoke(chat, "Éditeur")
    expect(listed(page)).to_have_count(0)
    assert not opens(server, token)


def test_the_examples_have_this_servers_address(alice: Visitor) -> None:
    page = alice.here.open("/settings").page
    base = f"{alice.origin}/v1"
    expect(page.get_by_role("region", name="Adresse (base URL)")).to_have_text(base)
    expect(page.get_by_role("region", name="curl")).to_contain_text(f"curl {base}/chat/completions")
    expect(page.get_by_role("region", name="Python")).to_contain_text(re.compile(rf'base_url="{re.escape(base)}"'))


def test_it_works_without_scripts(visit: Visitors, server: Served) -> None:
    visitor = visit(server, "zoe", java_script_enabled=False)
    chat = visitor.here.open("/settings")
    token = make(chat, "Sans script")
    expect(chat.page.get_by_role("button", name="Copier")).to_have_count(0)
    assert opens(server, token)
    revoke(chat, "Sans script")
    assert not opens(server, token)


@pytest.mark.slow
def test_everybody_can_use_the_page(alice: Visitor) -> None:
    chat = alice.here.open("/settings")
    check(chat.page)
    make(chat, "Éditeur")
    check(chat.page)
    chat.button("Révoquer Éditeur").click()
    check(chat.page)


@pytest.mark.screen("phone")
def test_nothing_is_cut_off_on_a_phone(alice: Visitor) -> None:
    alice.page.set_viewport_size({"width": 320, "height": 700})
    chat = alice.here.open("/settings")
    make(chat, "Un nom long de programme qui tient pourtant dans la colonne")
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert chat.page.evaluate(wide) == 0
    token = chat.page.get_by_role("region", name="Jeton", exact=True)
    assert token.evaluate("frame => frame.scrollWidth - frame.clientWidth") == 0
