"""Reading while it is written: the question near the top, a page that is still for its reader, and the way down."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_message_operations import LONG, top
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until

SCROLLED = "thread => thread.scrollTop"
# Tokens after which an answer is longer than any window here.
WINDOWFUL = 300
# Every position that the thread is seen at.
POSITIONS = """thread => {
  window.positions = new Set();
  thread.addEventListener("scroll", () => positions.add(thread.scrollTop));
  thread.scrollTop = 0;
}"""
FEW = 3


@pytest.mark.screen("desk", "phone")
def test_the_way_down(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.answer(LONG))
    chat.ask("Une longue ?")
    chat.finished()
    down, follow = chat.button("Aller en bas"), chat.button("Suivre la réponse")
    thread = chat.page.locator(".thread")
    thread.evaluate("thread => { thread.scrollTop = 0; }")
    expect(down).to_be_in_viewport(ratio=1)
    expect(follow).to_have_count(0)
    down.press("Enter")
    expect(down).to_have_count(0)
    expect(chat.answer).to_be_focused()
    expect(chat.button("Régénérer", chat.answer)).to_be_in_viewport()

    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Et maintenant ?")
    engine.reached(Phase.DECODING, nth)
    wait_until(lambda: top(chat.questions.last) == pytest.approx(top(thread) + 12, abs=2))
    thread.evaluate("thread => { thread.scrollTop = 0; }")
    expect(follow).to_be_in_viewport(ratio=1)
    expect(down).to_have_count(0)
    engine.release()
    expect(down).to_be_in_viewport(ratio=1)
    expect(follow).to_have_count(0)


@pytest.mark.screen("desk", "phone")
def test_a_small_move_up_stills_the_page(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    thread, down = chat.page.locator(".thread"), chat.button("Aller en bas")
    engine.script(replace(Scenario.hold(after=WINDOWFUL), text=LONG))
    chat.ask("Une longue ?")
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).to_contain_text("Paragraphe 24")
    # It goes along with the answer until then.
    wait_until(lambda: thread.evaluate(SCROLLED) > 0)
    expect(chat.text.locator("p").last).to_be_in_viewport()
    followed = thread.evaluate(SCROLLED)
    thread.hover()
    chat.page.mouse.wheel(0, -8)
    wait_until(lambda: thread.evaluate(SCROLLED) < followed)
    where = thread.evaluate(SCROLLED)
    engine.release()
    chat.finished()
    assert thread.evaluate(SCROLLED) == where
    expect(down).to_be_in_viewport(ratio=1)


def went_down(chat: Tab) -> int:
    """How many positions the way down had."""
    chat.page.locator(".thread").evaluate(POSITIONS)
    chat.button("Aller en bas").click()
    expect(chat.button("Aller en bas")).to_have_count(0)
    return int(chat.page.evaluate("positions.size"))


def test_reduced_motion_is_obeyed(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    moved = {}
    for motion in ("reduce", "no-preference"):
        chat = visit(server, "alice", reduced_motion=motion).here.open()
        engine.script(Scenario.answer(LONG))
        chat.ask("Une longue ?")
        chat.finished()
        moved[motion] = went_down(chat)
    assert moved["reduce"] <= FEW < moved["no-preference"]
