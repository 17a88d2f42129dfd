"""The account page: seen at every size, used by keyboard, and what it changes."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.visitor import Visitor
from tests.support.person import PASSWORD
from tests.support.server import RemotePerson

DRAFTS = "Object.keys(localStorage).filter((key) => key.startsWith('draft:')).sort()"


@pytest.mark.screen("desk", "phone")
def test_a_browser_is_signed_out(visit: Visitors, server: Served) -> None:
    elsewhere = visit(server, "alice")
    chat = visit(server).here.open("/login?next=/settings/account")
    chat.page.get_by_label("Identifiant", exact=True).fill(elsewhere.name)
    chat.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    chat.button("Se connecter").click()
    rows = chat.page.get_by_role("region", name="Navigateurs connectés").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="ce navigateur")).to_contain_text("Chromium, Linux")
    other = chat.page.get_by_role("button", name="Déconnecter Navigateur inconnu")
    expect(other).to_have_text("Déconnecter")
    other.click()
    expect(chat.page.get_by_text("Ce navigateur-là est déconnecté.")).to_be_visible()
    expect(rows).to_have_count(1)
    expect(elsewhere.here.open().button("Se connecter")).to_be_visible()
    assert chat.page.viewport_size
    assert chat.page.evaluate("document.documentElement.scrollWidth") == chat.page.viewport_size["width"]


@pytest.mark.screen("desk", "phone")
def test_the_size_of_text_reaches_every_page(alice: Visitor) -> None:
    chat = alice.here.open("/settings/account")
    size = "parseFloat(getComputedStyle(document.querySelector('.topbar')).fontSize)"
    before = chat.page.evaluate(size)
    chat.button("Très grande").click()
    expect(chat.button("Très grande")).to_have_attribute("aria-pressed", "true")
    expect(chat.button("Très grande")).to_be_focused()
    expect(chat.button("Très grande")).to_be_in_viewport(ratio=1)
    assert chat.page.evaluate(size) == pytest.approx(before * 1.25, abs=0.1)
    chat.open("/")
    assert chat.page.evaluate(size) == pytest.approx(before * 1.25, abs=0.1)
    chat.page.set_viewport_size({"width": 320, "height": 640})
    assert chat.page.evaluate("document.documentElement.scrollWidth") == 320
    check(chat.page)


def test_another_password(alice: Visitor, server: Served) -> None:
    chat = alice.here
    alice.watch.allow("status of 422")
    chat.show_sidebar()
    alice.page.get_by_role("button", name="Alice").click()
    alice.page.get_by_role("link", name="Mes réglages").click()
    chat.page.get_by_label("Mot de passe actuel").fill("pas le bon du tout")
    chat.page.get_by_label("Nouveau mot de passe", exact=True).fill("une autre phrase longue")
    chat.page.get_by_label("Confirmer le nouveau mot de passe").fill("une autre phrase longue")
    chat.button("Changer le mot de passe").click()
    expect(chat.page.get_by_text("Ce n’est pas votre mot de passe.")).to_be_visible()
    expect(chat.page.get_by_label("Mot de passe actuel")).to_be_focused()
    check(chat.page)
    chat.page.get_by_label("Mot de passe actuel").fill(PASSWORD)
    chat.page.get_by_label("Nouveau mot de passe", exact=True).fill("une autre phrase longue")
    chat.page.get_by_label("Confirmer le nouveau mot de passe").fill("une autre phrase longue")
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_text("Votre mot de passe est changé")).to_be_visible()
    assert RemotePerson(server, alice.name).sign_in("une autre phrase longue").status_code == 302


def test_everything_is_erased(alice: Visitor) -> None:
    chat = alice.here
    chat.ask("À effacer ?")
    chat.finished()
    path = chat.path
    chat.message.fill("À effacer aussi")
    alice.page.evaluate("localStorage.setItem('draft:autre:new', '{}')")
    chat.open("/settings/account")
    assert alice.page.evaluate(DRAFTS) == sorted([f"draft:{alice.name}:{path.rpartition('/')[2]}", "draft:autre:new"])
    with chat.page.expect_download() as download:
        chat.page.get_by_role("link", name="Exporter toutes mes conversations").click()
    assert download.value.suggested_filename.endswith(".json")
    chat.page.get_by_label("Votre mot de passe, pour confirmer").fill(PASSWORD)
    chat.button("Tout effacer").click()
    expect(chat.page.get_by_text("Tout ce que vous avez écrit est effacé.")).to_be_visible()
    alice.page.wait_for_function(f"({DRAFTS}).length === 1")
    assert alice.page.evaluate(DRAFTS) == ["draft:autre:new"]
    check(chat.page)
    alice.watch.allow("status of 404")
    chat.open("/")
    expect(chat.items).to_have_count(0)
    chat.open(path)
    expect(chat.page.get_by_role("heading", name="Cette page n’est pas sur la carte.")).to_be_visible()
