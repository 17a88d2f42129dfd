"""A long conversation: its end at once, the rest in idle moments, and nothing moves under the reader's eyes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.served import Served
from tests.browser.visitor import Tab, Visitor
from tests.perf.seeds import Past

MESSAGES = 120
# Idle moments come when the test lets them.
IDLE_HELD = """(() => {
  const waiting = [];
  window.requestIdleCallback = (action) => waiting.push(action);
  window.cancelIdleCallback = (id) => { waiting[id - 1] = () => {}; };
  window.beIdle = () => { for (let next = 0; next < waiting.length; next++) waiting[next](); };
})()"""
# The turn that stands at the middle of the window, and where.
READ = """() => {
  const turn = document.elementsFromPoint(innerWidth / 2, innerHeight / 2).find((each) => each.matches(".turn"));
  return [turn.dataset.messageId, turn.getBoundingClientRect().top];
}"""
PLACE = """(id) => document.querySelector(`[data-message-id="${id}"]`).getBoundingClientRect().top"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def long(alice: Visitor, server: Served) -> str:
    """The address of a conversation that fills many windows."""
    past = Past(server.instance, alice.name)
    path = f"/c/{past.long_one(MESSAGES)}"
    past.close()
    return path


@pytest.fixture
def held(alice: Visitor, long: str) -> Tab:
    """The conversation in a browser that is never idle."""
    alice.page.add_init_script(IDLE_HELD)
    return alice.here.open(long)


def left(page: Page) -> int:
    """How many answers are still only text."""
    return page.locator(".answer[data-past]").count()


def test_it_opens_at_its_end_and_is_whole_soon(alice: Visitor, long: str) -> None:
    chat = alice.here.open(long)
    expect(chat.answer.locator("strong")).to_be_in_viewport()
    expect(chat.button("Régénérer", chat.answer)).to_be_visible()
    expect(chat.page.locator(".answer[data-past]")).to_have_count(0)
    expect(chat.answers.first.locator("ol > li")).to_have_count(3)
    expect(chat.answers.first.locator(".code__head")).to_have_count(0)
    expect(chat.answers.nth(2).locator(".code__head")).to_have_count(1)
    expect(chat.answer.locator("strong")).to_be_in_viewport()


@pytest.mark.screen("desk", "phone")
def test_what_is_read_does_not_move(held: Tab) -> None:
    page = held.page
    expect(held.answer.locator("strong")).to_be_in_viewport()
    assert left(page) > MESSAGES / 4
    page.locator(".thread").evaluate("thread => { thread.scrollTop = thread.scrollHeight / 2 }")
    middle = held.answers.nth(MESSAGES // 4)
    expect(middle.locator("ol > li")).to_have_count(3)
    page.evaluate(PAINTED)
    before = left(page)
    turn, top = page.evaluate(READ)
    page.evaluate("window.beIdle()")
    page.evaluate(PAINTED)
    assert (before > 0, left(page)) == (True, 0)
    assert page.evaluate(PLACE, turn) == pytest.approx(top, abs=2)


def test_paper_shows_all_of_it(held: Tab) -> None:
    expect(held.answer.locator("strong")).to_be_in_viewport()
    assert left(held.page) > 0
    held.page.pdf()
    assert left(held.page) == 0
    expect(held.answers.first.locator("ol > li")).to_have_count(3)


def test_the_browser_s_search_finds_the_words_as_they_are_shown(held: Tab) -> None:
    expect(held.answer.locator("strong")).to_be_in_viewport()
    assert left(held.page) > 0
    held.message.press("Control+f")
    expect(held.page.locator(".answer[data-past]")).to_have_count(0)
