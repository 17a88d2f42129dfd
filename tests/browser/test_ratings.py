"""The administrator's page of ratings, what was thought of answers."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.support.server import RemotePerson


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_the_administrator_learns_what_was_thought(visit: Visitors, server: Served, captain: RemotePerson) -> None:
    chat = visit(server, "alice").here.open()
    chat.ask("Une question entre nous ?")
    chat.finished()
    chat.button("Mauvaise réponse", chat.answer).click()
    reason = chat.page.get_by_role("textbox", name="l’administrateur le lit")
    reason.fill("Beaucoup trop courte.")
    reason.press("Enter")
    expect(chat.page.locator(".toast")).to_contain_text("la raison est notée")

    visitor = visit(server)
    visitor.carry(captain)
    page = visitor.here.open("/admin/models").page
    visitor.here.show_sidebar()
    page.get_by_role("link", name="Avis", exact=True).click()
    expect(page.get_by_role("heading", name="Avis", exact=True)).to_be_visible()
    row = page.get_by_role("region", name="Par modèle").locator("tbody tr", has_text="phi3:mini")
    expect(row).to_be_visible()
    expect(page.get_by_role("region", name="Raisons")).to_contain_text("Beaucoup trop courte.")
    expect(page.locator("main")).not_to_contain_text("entre nous")
    check(page)
    page.set_viewport_size({"width": 320, "height": 640})
    expect(row).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
