"""The sidebar: rename, delete, take back, begin anew."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.visitor import Tab, Visitor


@pytest.fixture
def chat(alice: Visitor) -> Tab:
    """Two conversations, the later one open."""
    tab = alice.here
    for title in ("La plus ancienne", "La plus récente"):
        tab.open()
        tab.ask(title)
        tab.finished()
    expect(tab.titles).to_have_text(["La plus récente", "La plus ancienne"])
    return tab


def choose(chat: Tab, title: str, action: str) -> Locator:
    chat.show_sidebar()
    item = chat.items.filter(has_text=title)
    item.hover()
    chat.button("Actions", item).click()
    item.get_by_role("menuitem", name=action, exact=True).click()
    return item


@pytest.mark.screen("desk", "phone")
def test_rename_in_the_sidebar(chat: Tab) -> None:
    choose(chat, "La plus récente", "Renommer")
    field = chat.sidebar.get_by_role("textbox", name="Titre")
    expect(field).to_be_focused()
    field.fill("Un titre choisi")
    field.press("Enter")
    expect(chat.titles).to_have_text(["Un titre choisi", "La plus ancienne"])
    expect(chat.page.get_by_role("heading", name="Un titre choisi")).to_be_visible()
    expect(chat.page).to_have_title("Un titre choisi · CouachGPT")
    chat.page.reload()
    expect(chat.titles).to_have_text(["Un titre choisi", "La plus ancienne"])


def test_rename_by_the_title_and_escape(chat: Tab) -> None:
    title = chat.page.get_by_role("heading", level=1).get_by_role("button")
    title.click()
    field = chat.page.get_by_role("textbox", name="Titre").locator("visible=true")
    field.fill("Abandonné")
    field.press("Escape")
    expect(title).to_have_text("La plus récente")
    title.click()
    field.fill("   ")
    field.press("Enter")
    expect(title).to_have_text("La plus récente")
    title.click()
    field.fill("Par le haut")
    field.press("Enter")
    expect(chat.titles.first).to_have_text("Par le haut")


@pytest.mark.screen("desk", "phone")
def test_delete_and_undo(chat: Tab) -> None:
    choose(chat, "La plus ancienne", "Supprimer")
    expect(chat.titles).to_have_text(["La plus récente"])
    chat.button("Annuler").click()
    expect(chat.titles).to_have_text(["La plus récente", "La plus ancienne"])
    chat.page.reload()
    expect(chat.titles).to_have_text(["La plus récente", "La plus ancienne"])


def test_a_deleted_conversation_is_gone(chat: Tab) -> None:
    choose(chat, "La plus ancienne", "Supprimer")
    expect(chat.page.get_by_text("Supprimée : « La plus ancienne »").first).to_be_visible()
    chat.page.reload()
    expect(chat.titles).to_have_text(["La plus récente"])


def test_deleting_the_open_conversation_leads_home_with_a_way_back(chat: Tab) -> None:
    path = chat.path
    choose(chat, "La plus récente", "Supprimer")
    expect(chat.questions).to_have_count(0)
    expect(chat.titles).to_have_text(["La plus ancienne"])
    chat.button("Annuler").click()
    expect(chat.questions).to_have_text("La plus récente")
    assert chat.path == path


@pytest.mark.screen("desk", "phone")
def test_new_conversation_begins_anew(chat: Tab) -> None:
    chat.button("Nouvelle conversation").click()
    expect(chat.page).to_have_url(f"{chat.origin}/")
    expect(chat.questions).to_have_count(0)
    # On a phone the keyboard comes when it is asked for.
    if not chat.narrow:
        expect(chat.message).to_be_focused()
    assert chat.path == "/"
    chat.page.go_back()
    expect(chat.questions).to_have_text("La plus récente")
