"""Folders in the sidebar: made, filled, renamed and taken away."""

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.test_conversations import choose
from tests.browser.test_sidebar import chat, link
from tests.browser.visitor import Tab

__all__ = ["chat"]


def made(chat: Tab) -> Locator:
    """A new folder, by its button in the sidebar."""
    chat.button("Nouveau dossier", chat.show_sidebar()).click()
    chat.page.keyboard.type("Chantier")
    chat.page.keyboard.press("Enter")
    folder = chat.button("Chantier", chat.sidebar)
    expect(folder).to_be_focused()
    return folder


@pytest.mark.screen("desk", "phone")
def test_a_folder_from_its_making_to_its_end(chat: Tab) -> None:
    folder = made(chat)
    choose(chat, "Deux", "Déplacer dans un dossier…")
    dialog = chat.page.get_by_role("dialog", name="Déplacer dans quel dossier ?")
    expect(chat.button("Aucun dossier", dialog)).to_have_attribute("aria-pressed", "true")
    chat.button("Chantier", dialog).click()
    expect(chat.titles).to_have_text(["Trois", "Un"])
    folder.click()
    expect(folder).to_have_attribute("aria-expanded", "true")
    expect(chat.titles).to_have_text(["Deux", "Trois", "Un"])
    # It is open on the page of what is in it.
    link(chat, "Deux").click()
    expect(chat.questions).to_have_text("Deux")
    expect(chat.titles).to_have_text(["Deux", "Trois", "Un"])
    chat.show_sidebar()
    folder.press("F2")
    chat.page.keyboard.type("Port")
    chat.page.keyboard.press("Enter")
    port = chat.button("Port", chat.sidebar)
    expect(port).to_be_focused()
    port.press("Delete")
    expect(port).to_have_count(0)
    expect(chat.titles).to_have_text(["Trois", "Deux", "Un"])
    chat.page.reload()
    expect(chat.titles).to_have_text(["Trois", "Deux", "Un"])


def test_a_folder_goes_after_its_new_name_is_stored(chat: Tab) -> None:
    folder = made(chat)
    changes: list[Route] = []

    def hold(route: Route) -> None:
        changes.append(route)
        if len(changes) > 1:
            route.continue_()

    chat.page.route("**/api/folders/*", hold)
    folder.press("F2")
    chat.page.keyboard.type("Port")
    with chat.page.expect_request("**/api/folders/*"):
        chat.page.keyboard.press("Enter")
    port = chat.button("Port", chat.sidebar)
    port.press("Delete")
    chat.page.evaluate("new Promise(requestAnimationFrame)")
    assert [route.request.method for route in changes] == ["PATCH"]
    changes[0].continue_()
    expect(port).to_have_count(0)
    assert [route.request.method for route in changes] == ["PATCH", "DELETE"]


def test_a_folder_is_made_while_moving(chat: Tab) -> None:
    choose(chat, "Un", "Déplacer dans un dossier…")
    dialog = chat.page.get_by_role("dialog")
    field = dialog.get_by_role("textbox", name="Nouveau dossier")
    field.fill("Neuf")
    field.press("Enter")
    expect(dialog).to_be_hidden()
    expect(chat.titles).to_have_text(["Trois", "Deux"])
    chat.button("Neuf", chat.show_sidebar()).click()
    expect(chat.titles).to_have_text(["Un", "Trois", "Deux"])
