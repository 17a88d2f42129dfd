"""Two tabs on one conversation: each learns what the other asks, and neither hides it by a question of its own."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

# What another tab says is not heard here, as from another browser.
DEAF = "window.BroadcastChannel = class { postMessage() {} close() {} };"


@pytest.fixture
def one(alice: Visitor, engine: FakeOllama) -> Tab:
    """A conversation of one turn."""
    engine.script(Scenario.answer("Première."))
    tab = alice.here.open()
    tab.ask("Un")
    tab.finished()
    return tab


def test_what_is_asked_in_one_is_shown_in_the_other(alice: Visitor, one: Tab, engine: FakeOllama) -> None:
    other = alice.tab().open(one.path)
    expect(other.questions).to_have_text(["Un"])
    other.message.fill("Brouillon")
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    one.ask("Deux")
    engine.reached(Phase.DECODING, nth)
    expect(other.questions).to_have_text(["Un", "Deux"])
    other.says("Rédaction")
    engine.release()
    for tab in (one, other):
        tab.finished()
        expect(tab.text).to_have_text(one.text.inner_text())
    expect(other.message).to_have_value("Brouillon")
    engine.script(Scenario.answer("Troisième."))
    other.send()
    for tab in (one, other):
        expect(tab.questions).to_have_text(["Un", "Deux", "Brouillon"])
        expect(tab.text).to_have_text("Troisième.")


def test_a_question_to_an_end_that_has_moved_comes_back_with_what_is_new(
    alice: Visitor, one: Tab, engine: FakeOllama
) -> None:
    alice.watch.allow("status of 409")
    other = alice.tab()
    other.page.add_init_script(DEAF)
    other.open(one.path)
    expect(other.questions).to_have_text(["Un"])
    engine.script(Scenario.answer("Deuxième."))
    one.ask("Deux")
    one.finished()
    other.ask("Ma question")
    expect(other.page.locator(".composer__error")).to_contain_text("a continué dans une autre fenêtre")
    expect(other.questions).to_have_text(["Un", "Deux"])
    expect(other.message).to_have_value("Ma question")
    other.finished()
    expect(other.text).to_have_text("Deuxième.")
    engine.script(Scenario.answer("Troisième."))
    other.send()
    expect(other.questions).to_have_text(["Un", "Deux", "Ma question"])
    expect(other.text).to_have_text("Troisième.")
    other.finished()
    one.page.reload()
    expect(one.questions).to_have_text(["Un", "Deux", "Ma question"])


def test_a_question_after_a_turn_that_was_deleted_elsewhere_comes_back(
    alice: Visitor, one: Tab, engine: FakeOllama
) -> None:
    alice.watch.allow("status of 422")
    engine.script(Scenario.answer("Deuxième."))
    one.ask("Deux")
    one.finished()
    other = alice.tab().open(one.path)
    expect(other.questions).to_have_text(["Un", "Deux"])
    assert alice.person
    turn = other.page.locator(".turn--question").last.get_attribute("data-message-id")
    assert alice.person.api("DELETE", f"/messages/{turn}").status_code == 200
    other.ask("Trois")
    expect(other.questions).to_have_text(["Un"])
    expect(other.message).to_have_value("Trois")
