"""Blind votes in the browser: both answers are laid out, a key chooses, and whose they were is told after."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.support import votes
from tests.support.server import RemotePerson
from tests.support.site import Site


def test_closing_asks_once_more(visit: Visitors, server: Served, captain: RemotePerson) -> None:
    site = Site(server.instance)
    number = votes.campaign(site)
    site.stop()
    visitor = visit(server)
    visitor.carry(captain)
    chat = visitor.here.open(f"/lab/campaigns/{number}/results")
    dialog = chat.page.get_by_role("dialog", name="Clore la campagne")
    chat.button("Clore la campagne").click()
    expect(chat.button("La laisser ouverte", dialog)).to_be_focused()
    check(chat.page)
    chat.button("La laisser ouverte", dialog).click()
    expect(dialog).to_be_hidden()
    expect(chat.page.locator(".page__sub")).to_contain_text("La campagne est ouverte.")
    chat.button("Clore la campagne").click()
    chat.button("La clore", dialog).click()
    expect(chat.page.locator(".page__sub")).to_contain_text("Close par un administrateur.")


@pytest.mark.screen("desk", "phone")
def test_two_answers_are_read_and_one_is_chosen_by_a_key(visit: Visitors, server: Served) -> None:
    site = Site(server.instance)
    number = votes.campaign(site)
    site.stop()
    page = visit(server, "bob").here.open(f"/lab/campaigns/{number}").page
    answers = page.locator(".ballot__answer")
    expect(answers).to_have_count(2)
    for place in range(2):
        # As in the chat: Markdown is laid out, and nothing of it is lost.
        expect(answers.nth(place).locator("strong")).to_have_text("réponse")
        expect(answers.nth(place)).to_contain_text(re.compile(r"Une réponse [PMG]"))
    expect(page.locator("main")).not_to_contain_text(re.compile(r"petit:1b|moyen:4b|grand:7b"))
    check(page)
    page.keyboard.press("1")
    expect(page.get_by_text(re.compile(r"Vous préférez (petit|moyen|grand):\db"))).to_be_visible()
    expect(answers.nth(0).locator("strong")).to_have_text("réponse")
