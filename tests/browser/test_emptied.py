"""A conversation of which every turn was deleted: an empty page with one heading, and nothing in the list."""

from playwright.sync_api import expect

from tests.browser.test_accessibility import check
from tests.browser.test_message_operations import two_turns, wait_for
from tests.browser.test_message_operations_turns import item
from tests.browser.visitor import Tab
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

__all__ = ["two_turns"]


def is_empty(chat: Tab) -> None:
    expect(chat.page.get_by_role("heading", level=1)).to_have_count(1)
    expect(chat.page.get_by_role("heading", level=1)).to_contain_text("Alice")
    expect(chat.items).to_have_count(0)
    expect(chat.page).to_have_title("Nouvelle conversation · CouachGPT")


def test_it_is_an_empty_page_until_that_is_taken_back(two_turns: Tab) -> None:
    chat = two_turns
    item(chat, chat.answers.first, "Supprimer cet échange").click()
    is_empty(chat)
    chat.button("Annuler").click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    expect(chat.titles).to_have_text(["Un"])
    expect(chat.items.locator("a")).to_have_attribute("aria-current", "page")
    expect(chat.page.get_by_role("heading", level=1)).to_have_text("Un")
    expect(chat.page).to_have_title("Un · CouachGPT")
    chat.page.reload()
    expect(chat.titles).to_have_text(["Un"])


def test_its_next_question_names_it(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    item(chat, chat.answers.first, "Supprimer cet échange").click()
    is_empty(chat)
    chat.page.reload()
    is_empty(chat)
    check(chat.page)
    engine.script(Scenario.answer("Tout autre."))
    chat.ask("Autre chose")
    chat.finished()
    expect(chat.titles).to_have_text(["Autre chose"])
    expect(chat.page.get_by_role("heading", level=1)).to_have_text("Autre chose")
