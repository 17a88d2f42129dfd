"""Without JavaScript: accounts and reading work, and writing says what it needs."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Tab
from tests.support.person import PASSWORD


@pytest.mark.screen("desk", "phone")
def test_an_account_without_scripts(visit: Visitors, server: Served, screen: str) -> None:
    chat = visit(server, java_script_enabled=False).here.open("/register")
    form = {
        "Identifiant": f"sans-script-{screen}", "Nom affiché": "Zoé", "Mot de passe": PASSWORD,
        "Confirmer le mot de passe": PASSWORD,
    }  # fmt: skip
    for label, value in form.items():
        chat.page.get_by_label(label, exact=True).fill(value)
    chat.button("Créer un compte").click()
    expect(notice(chat)).to_have_text("Pour écrire, il faut JavaScript")
    chat.page.get_by_role("button", name="Zoé").click()
    chat.button("English").click()
    expect(notice(chat)).to_have_text("Writing needs JavaScript")
    chat.button("Sign out").click()
    expect(chat.button("Sign in")).to_be_visible()


@pytest.mark.screen("desk", "phone")
def test_the_history_can_be_read(visit: Visitors, server: Served) -> None:
    writer = visit(server, "alice")
    chat = writer.here.open()
    chat.ask("Que lit-on sans script ?")
    chat.finished()
    said = chat.text.inner_text()

    reader = visit(server, java_script_enabled=False).here.open(chat.path)
    sign_in(reader, writer.name)
    expect(reader.questions).to_have_text("Que lit-on sans script ?")
    expect(reader.text).to_have_text(said)
    expect(notice(reader)).to_have_text("Pour écrire, il faut JavaScript")
    expect(reader.titles).to_have_text("Que lit-on sans script ?")
    expect(chat.page.get_by_role("button", name="Consignes de cette conversation")).to_be_visible()
    chat.show_sidebar()
    for name in ("Rechercher", "Nouveau dossier"):
        expect(chat.page.get_by_role("button", name=name)).to_be_visible()
    for name in ("Partager", "Rechercher", "Nouveau dossier", "Consignes de cette conversation", "Raccourcis clavier"):
        expect(reader.page.get_by_role("button", name=name)).to_have_count(0)


def test_the_links_can_be_read_and_revoked(visit: Visitors, server: Served) -> None:
    writer = visit(server, "alice")
    chat = writer.here.open()
    chat.ask("Que partage-t-on ?")
    chat.finished()
    assert writer.person
    assert writer.person.api("POST", f"/conversations/{chat.path.removeprefix('/c/')}/shares", {}).status_code == 201
    reader = visit(server, java_script_enabled=False).here.open("/settings/shares")
    sign_in(reader, writer.name)
    expect(reader.button("Copier")).to_have_count(0)
    reader.page.get_by_role("button", name="Révoquer le lien vers").click()
    reader.button("Révoquer", reader.page.get_by_role("dialog")).click()
    expect(reader.page.get_by_text("n’ouvre plus rien")).to_be_visible()


def notice(chat: Tab) -> Locator:
    """What the composer says; Playwright's search by text leaves `noscript` out."""
    return chat.page.locator("noscript .notice__title").locator("visible=true")


def sign_in(chat: Tab, name: str) -> None:
    """The form leads back to the page that was asked for."""
    chat.page.get_by_label("Identifiant", exact=True).fill(name)
    chat.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    chat.button("Se connecter").click()
