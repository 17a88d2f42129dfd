"""A question prepared while an answer runs: it leaves after it, once, whatever tabs show it, and can be taken back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until


@pytest.fixture
def nth(engine: FakeOllama) -> int:
    """How many answers there were before."""
    return len(engine.generations)


@pytest.fixture
def chat(alice: Visitor, engine: FakeOllama, nth: int) -> Tab:
    """An answer that is being written until the engine goes on."""
    tab = alice.here
    engine.script(Scenario.hold(after=3))
    tab.ask("La première ?")
    engine.reached(Phase.DECODING, nth)
    return tab


@pytest.mark.screen("desk", "phone")
def test_a_prepared_question_leaves_after_the_answer(chat: Tab, engine: FakeOllama, nth: int) -> None:
    chat.ask("La suivante ?")
    expect(chat.page.locator(".queued")).to_contain_text("Partira après cette réponse : La suivante ?")
    expect(chat.questions).to_have_count(1)
    expect(chat.message).to_have_value("")
    engine.release()
    expect(chat.questions).to_have_text(["La première ?", "La suivante ?"])
    chat.finished()
    expect(chat.button("Régénérer").locator("visible=true")).to_have_count(2)
    assert [made.question for made in engine.generations[nth:]] == ["La première ?", "La suivante ?"]


def test_a_prepared_question_can_be_taken_back(chat: Tab, engine: FakeOllama) -> None:
    chat.ask("Finalement non.")
    chat.button("Modifier").click()
    expect(chat.message).to_have_value("Finalement non.")
    engine.release()
    chat.finished()
    expect(chat.questions).to_have_count(1)


def test_a_stop_gives_the_prepared_question_back(chat: Tab) -> None:
    chat.ask("La suivante ?")
    chat.stop()
    expect(chat.message).to_have_value("La suivante ?")
    expect(chat.questions).to_have_count(1)


def test_a_prepared_question_outlives_a_reload(chat: Tab, engine: FakeOllama, nth: int) -> None:
    chat.ask("La suivante ?")
    expect(chat.page.locator(".queued")).to_contain_text("La suivante ?")
    chat.page.reload()
    expect(chat.page.locator(".queued")).to_contain_text("La suivante ?")
    expect(chat.message).to_have_value("")
    engine.release()
    expect(chat.questions).to_have_text(["La première ?", "La suivante ?"])
    chat.finished()
    assert [made.question for made in engine.generations[nth:]] == ["La première ?", "La suivante ?"]


def test_two_tabs_ask_a_prepared_question_once(alice: Visitor, chat: Tab, engine: FakeOllama, nth: int) -> None:
    expect(chat.answer).to_have_attribute("data-message-id", re.compile(r"\d"))
    other = alice.tab().open(chat.path)
    other.says("Rédaction")
    chat.ask("Non.")
    expect(other.page.locator(".queued")).to_contain_text("Non.")
    chat.button("Retirer").click()
    expect(other.page.locator(".queued")).to_be_hidden()
    chat.ask("La suivante ?")
    expect(other.page.locator(".queued")).to_contain_text("La suivante ?")
    engine.release()
    for tab in (chat, other):
        expect(tab.page.locator(".queued")).to_be_hidden()
        tab.finished()
    assert alice.person
    kept = alice.person.get(f"/api/conversations/{chat.path.rpartition('/')[2]}").json["messages"]
    asked = [message["content"] for message in kept if message["role"] == "user"]
    assert asked == ["La première ?", "La suivante ?"]
    assert [made.question for made in engine.generations[nth:]] == asked
    expect(other.message).to_have_value("")


def test_what_was_prepared_comes_back_as_text_when_the_answer_ended_unseen(
    alice: Visitor, chat: Tab, engine: FakeOllama
) -> None:
    chat.ask("La suivante ?")
    expect(chat.page.locator(".queued")).to_contain_text("La suivante ?")
    path = chat.path
    chat.open("/settings")
    engine.release()
    asked = alice.person
    assert asked
    conversation = f"/api/conversations/{path.rpartition('/')[2]}"
    wait_until(lambda: asked.get(conversation).json["messages"][-1]["status"] == "done", PATIENCE_MS / 1000)
    chat.open(path)
    expect(chat.message).to_have_value("La suivante ?")
    expect(chat.questions).to_have_count(1)
