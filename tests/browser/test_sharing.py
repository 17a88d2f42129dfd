"""Sharing at the browser: a link is made, copied, read by a colleague as in the chat, gone on from and revoked."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitors
from tests.browser.samples import RICH
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.test_conversations import choose
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario


@pytest.fixture
def chat(alice: Visitor, engine: FakeOllama) -> Tab:
    """A conversation with an answer that has something of everything."""
    engine.script(Scenario.answer(RICH))
    alice.here.ask("Que faut-il partager ?")
    alice.here.finished()
    return alice.here


def open_links(chat: Tab) -> None:
    """By the top bar; on a phone by the conversation's menu."""
    if chat.narrow:
        choose(chat, "Que faut-il partager", "Partager…")
    else:
        chat.button("Partager").click()


def share(chat: Tab) -> str:
    """Make a link; its path."""
    open_links(chat)
    dialog = chat.page.get_by_role("dialog", name="Partager cette conversation\u202f?")
    expect(dialog).to_contain_text("Que faut-il partager ?")
    chat.button("Créer un lien", dialog).press("Enter")
    address = dialog.get_by_role("listitem").get_by_role("link")
    expect(chat.button("Copier", dialog)).to_be_focused()
    return (address.get_attribute("href") or "").removeprefix(chat.origin)


def opened(chat: Tab, path: str) -> Page:
    """The page of a link, its answers laid out."""
    page = chat.open(path).page
    expect(page.get_by_role("heading", name="Que faut-il partager ?", level=1)).to_be_visible()
    expect(page.locator(".answer .prose-fr").first).to_be_visible()
    return page


def test_a_link_is_copied_on_plain_http_and_revoked(chat: Tab) -> None:
    path = share(chat)
    dialog = chat.page.get_by_role("dialog", name="Partager")
    chat.page.keyboard.press("Enter")
    expect(chat.button("Copié", dialog)).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    chat.hide_sidebar()
    chat.message.focus()
    chat.page.keyboard.press("Control+V")
    expect(chat.message).to_have_value(chat.origin + path)
    open_links(chat)
    chat.button("Révoquer", dialog).click()
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    expect(dialog.locator("[aria-live]")).to_contain_text("n’ouvre plus rien")
    expect(chat.button("Créer un lien", dialog)).to_be_focused()


def test_a_link_is_made_once_and_shown_where_it_belongs(chat: Tab) -> None:
    held: list[Route] = []
    dialog = chat.page.get_by_role("dialog", name="Partager")
    links = dialog.get_by_role("listitem")

    def hold_lists(route: Route) -> None:
        if route.request.method == "GET":
            held.append(route)
        else:
            route.continue_()

    chat.page.route("**/shares", hold_lists)
    open_links(chat)
    make = chat.button("Créer un lien", dialog)
    make.evaluate("button => { button.click(); button.click(); }")
    expect(links).to_have_count(1)
    expect(chat.button("Copier", dialog)).to_be_focused()
    chat.page.keyboard.press("Escape")
    with chat.page.expect_request(lambda request: request.method == "GET" and request.url.endswith("/shares")):
        open_links(chat)
    expect(links).to_have_count(0)
    held[0].fulfill(json={"shares": [{"id": 0, "url": "/s/0", "created_at": "2026-01-01T00:00:00Z", "messages": 1}]})
    held[1].continue_()
    expect(links).to_have_count(1)
    expect(links.locator("[data-part=address]")).not_to_have_text(re.compile("/s/0$"))


def test_a_link_that_is_gone_is_taken_away(alice: Visitor, chat: Tab) -> None:
    alice.watch.allow("status of 404")
    share(chat)
    dialog = chat.page.get_by_role("dialog", name="Partager")
    assert alice.person
    link = dialog.get_by_role("listitem")
    ended = alice.person.api("DELETE", f"/shares/{link.get_attribute('data-id')}")
    assert ended.status_code == 204
    ended.close()
    chat.button("Révoquer", dialog).click()
    expect(link).to_have_count(0)
    expect(dialog.get_by_role("alert")).to_be_hidden()


def test_a_colleague_reads_it_as_in_the_chat_and_goes_on(chat: Tab, visit: Visitors, server: Served) -> None:
    path = share(chat)
    shown = chat.text.evaluate("element => element.innerText")
    bob = visit(server, "bob")
    page = opened(bob.here, path)
    expect(page.get_by_text("Partagée par Alice")).to_be_visible()
    assert page.locator(".answer .prose-fr").evaluate("element => element.innerText") == shown
    assert page.get_by_role("textbox").count() == 0
    bob.here.button("Copier", page.locator(".answer__foot")).click()
    expect(bob.here.button("Copié")).to_be_visible()
    check(page)
    bob.here.button("Continuer dans ma propre conversation").click()
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f]{16}$"))
    bob.here.ask("Et ensuite ?")
    bob.here.finished()
    expect(bob.here.questions).to_have_text(["Que faut-il partager ?", "Et ensuite ?"])
    expect(chat.questions).to_have_count(1)


@pytest.mark.screen("phone")
def test_the_menu_of_a_conversation_shares_on_a_phone(chat: Tab) -> None:
    expect(chat.page.locator(".topbar__share")).to_be_hidden()
    choose(chat, "Que faut-il partager", "Partager…")
    dialog = chat.page.get_by_role("dialog", name="Partager")
    chat.button("Créer un lien", dialog).click()
    path = (dialog.get_by_role("listitem").get_by_role("link").get_attribute("href") or "").removeprefix(chat.origin)
    check(chat.page)
    page = opened(chat, path)
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(chat.button("Continuer dans ma propre conversation")).to_be_in_viewport()


def test_all_links_in_the_settings(chat: Tab, visit: Visitors, server: Served) -> None:
    path = share(chat)
    page = chat.open("/settings").page
    chat.show_sidebar()
    page.get_by_role("link", name="Liens partagés").click()
    expect(page.get_by_text(chat.origin + path)).to_be_visible()
    chat.button("Copier").click()
    expect(chat.button("Copié")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Révoquer le lien vers").click()
    chat.button("Révoquer", page.get_by_role("dialog")).click()
    expect(page.get_by_text("n’ouvre plus rien")).to_be_visible()
    expect(page.get_by_text("Vous ne partagez rien.")).to_be_visible()
    check(page)
    bob = visit(server, "bob")
    bob.watch.allow("status of 404")
    bob.here.open(path)
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Cette page n’est pas sur la carte.")


def test_the_page_reads_without_scripts(chat: Tab, visit: Visitors, server: Served) -> None:
    path = share(chat)
    bob = visit(server, "bob", java_script_enabled=False)
    page = bob.here.open(path).page
    expect(page.locator(".answer .raw")).to_contain_text("## ")
    bob.here.button("Continuer dans ma propre conversation").click()
    expect(bob.here.questions).to_have_text("Que faut-il partager ?")
