"""What a screen reader is told: one polite region that says the beginning, the end and what went wrong, once each."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

# All that the region ever says.
LISTEN = """() => {
  window.heard = [];
  const region = document.getElementById("announcer");
  new MutationObserver(() => region.textContent && heard.push(region.textContent)).observe(region, {childList: true});
}"""


def heard(chat: Tab, words: str) -> list[str]:
    """Wait until something with these words was said; all of it."""
    chat.page.wait_for_function("words => heard.some((said) => said.includes(words))", arg=words)
    said: list[str] = chat.page.evaluate("heard")
    return said


def test_the_beginning_and_the_end_are_said_once(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    expect(chat.page.locator("[aria-live=polite]:not(dialog *)")).to_have_count(1)
    engine.script(Scenario.hold(after=3))
    chat.page.evaluate(LISTEN)
    chat.ask("Que dit-on ?")
    heard(chat, "Message envoyé")
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    engine.release()
    said = heard(chat, "Réponse prête")
    assert said.count("Message envoyé") == 1
    assert re.fullmatch(r"Réponse prête, \d+\smots", said[-1])
    assert len([each for each in said if "Réponse prête" in each]) == 1
    # The words of the answer are not read out as they come.
    assert not any(chat.text.inner_text()[:20] in each for each in said)


def test_a_stop_and_an_error_are_said(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    chat.page.evaluate(LISTEN)
    engine.script(Scenario.hold(after=3))
    chat.ask("Et arrêtée ?")
    engine.reached(Phase.DECODING, nth)
    chat.stop()
    heard(chat, "Réponse arrêtée")
    engine.script(Scenario.mid_stream_error(3))
    chat.ask("Et quand cela casse ?")
    heard(chat, "La réponse a échoué")
