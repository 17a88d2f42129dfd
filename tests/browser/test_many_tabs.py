"""Many tabs of one browser with answers in them: over plain HTTP they share six connections, and none stands still."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import ANSWER_WORDS, Scenario, sentence

MOST_STREAMS = 2
SOON_MS = 4_000
LOOK = """state => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  Object.defineProperty(document, "hidden", {value: state === "hidden", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


class Streams:
    """The event streams that a browser holds open."""

    def __init__(self, context: BrowserContext) -> None:
        self.open: set[Request] = set()
        context.on("request", self._begin)
        for event in ("requestfinished", "requestfailed"):
            context.on(event, self._end)

    def _begin(self, request: Request) -> None:
        if request.headers.get("accept") == "text/event-stream" and "wait=0" not in request.url:
            self.open.add(request)

    def _end(self, request: Request) -> None:
        self.open.discard(request)

    def settle(self, page: Page, most: int) -> None:
        """Wait until no more than `most` are open."""
        for _ in range(100):
            if len(self.open) <= most:
                return
            page.wait_for_timeout(50)
        raise AssertionError([request.url for request in self.open])


@pytest.fixture
def streams(alice: Visitor) -> Streams:
    """Those of Alice's browser."""
    return Streams(alice.context)


@pytest.mark.slow
def test_six_tabs_with_questions_leave_room_for_everything_else(
    alice: Visitor, engine: FakeOllama, streams: Streams
) -> None:
    engine.script(Scenario.hold(after=3))
    tabs = [alice.here, *(alice.tab().open() for _ in range(5))]
    for number, tab in enumerate(tabs):
        tab.ask(f"Question {number} ?")
        tab.says("Rédaction" if number == 0 else "En file")
    streams.settle(alice.page, MOST_STREAMS)
    seventh = alice.tab()
    seventh.page.goto(f"{alice.origin}/settings/account", timeout=SOON_MS)
    tabs[1].stop()
    expect(tabs[1].answer).to_contain_text("Arrêté par vous", use_inner_text=True, timeout=SOON_MS)
    tabs[2].page.keyboard.press("Control+k")
    tabs[2].page.keyboard.type("Question")
    expect(tabs[2].page.get_by_role("dialog").get_by_role("option").first).to_be_visible(timeout=SOON_MS)
    engine.release()
    for number, tab in enumerate(tabs):
        if number != 1:
            tab.finished()
            expect(tab.text).to_have_text(sentence(f"Question {number} ?", ANSWER_WORDS))
    streams.settle(alice.page, 0)


def test_a_hidden_tab_lets_go_and_shows_all_when_it_is_looked_at(
    alice: Visitor, engine: FakeOllama, streams: Streams
) -> None:
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat, question = alice.here, "Que devient un onglet caché ?"
    chat.ask(question)
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    alice.page.evaluate(LOOK, "hidden")
    streams.settle(alice.page, 0)
    engine.release()
    engine.reached(Phase.ENDED, nth)
    alice.page.evaluate(LOOK, "visible")
    chat.finished()
    expect(chat.text).to_have_text(sentence(question, ANSWER_WORDS))
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_hidden()


@pytest.mark.slow
def test_what_waits_in_a_hidden_tab_is_asked_all_the_same(alice: Visitor, engine: FakeOllama, streams: Streams) -> None:
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat = alice.here
    chat.ask("D’abord ?")
    engine.reached(Phase.DECODING, nth)
    chat.ask("Ensuite ?")
    alice.page.evaluate(LOOK, "hidden")
    streams.settle(alice.page, 0)
    engine.release()
    engine.reached(Phase.ENDED, nth)
    engine.reached(Phase.ENDED, nth + 1, timeout=30)
    assert engine.generations[nth + 1].question == "Ensuite ?"


def test_a_hidden_tab_tells_that_its_answer_is_ready(alice: Visitor, engine: FakeOllama) -> None:
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat, page = alice.here, alice.page
    chat.ask("Prête quand ?")
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    title, icon = page.title(), page.locator("link[rel=icon]")
    plain = icon.get_attribute("href") or ""
    page.evaluate(LOOK, "hidden")
    page.wait_for_timeout(200)
    assert (page.title(), icon.get_attribute("href")) == (title, plain)
    engine.release()
    expect(page).to_have_title(f"● Réponse prête · {title}")
    expect(icon).to_have_attribute("href", re.compile("^data:image/png"))
    page.evaluate(LOOK, "visible")
    assert (page.title(), icon.evaluate("icon => icon.href")) == (title, alice.origin + plain)
