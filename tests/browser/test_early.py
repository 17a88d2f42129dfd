"""What is written and sent before the page's scripts are there: it leaves once they are, and only once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama

SCRIPT = re.compile(r"/chat[^/]*\.js")


@pytest.fixture
def slow(alice: Visitor) -> tuple[Tab, Callable[[], None]]:
    """The empty page without the chat's script, and what lets that come."""
    held: list[Route] = []
    alice.page.route(SCRIPT, lambda route: held.append(route))
    alice.page.goto(alice.origin, wait_until="commit")
    expect(alice.here.message).to_be_visible()

    def let_come() -> None:
        for route in held:
            route.continue_()
        alice.page.unroute(SCRIPT)
        alice.page.wait_for_load_state()

    return alice.here, let_come


def test_what_was_sent_leaves_once(slow: tuple[Tab, Callable[[], None]], engine: FakeOllama) -> None:
    chat, let_come = slow
    expect(chat.button("Envoyer")).to_be_disabled()
    chat.message.fill("Trop tôt ?")
    chat.send()
    chat.send()
    expect(chat.message).to_have_value("Trop tôt ?")
    expect(chat.questions).to_have_count(0)
    let_come()
    expect(chat.questions).to_have_text("Trop tôt ?")
    expect(chat.message).to_have_value("")
    chat.finished()
    assert engine.received("/api/chat")[-1]["messages"][-1]["content"] == "Trop tôt ?"
    assert chat.page.reload()
    expect(chat.questions).to_have_count(1)


def test_what_was_only_written_stays(slow: tuple[Tab, Callable[[], None]]) -> None:
    chat, let_come = slow
    chat.message.fill("Pas encore")
    let_come()
    expect(chat.button("Envoyer")).to_be_enabled()
    expect(chat.message).to_have_value("Pas encore")
    expect(chat.questions).to_have_count(0)
    chat.page.reload()
    expect(chat.message).to_have_value("Pas encore")


def test_an_empty_box_sends_nothing(slow: tuple[Tab, Callable[[], None]]) -> None:
    chat, let_come = slow
    chat.message.press("Enter")
    let_come()
    expect(chat.button("Envoyer")).to_be_disabled()
    expect(chat.questions).to_have_count(0)
    chat.ask("Maintenant ?")
    expect(chat.questions).to_have_text("Maintenant ?")
    chat.finished()
