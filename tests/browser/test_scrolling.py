"""The way down: a button leads to the end, of an answer that is being written or of what was said."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_message_operations import LONG
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_the_way_down(visit: Visitors, server: Served, engine: FakeOllama, options: dict[str, object]) -> None:
    chat = visit(server, "alice", **options).here.open()
    engine.script(Scenario.answer(LONG))
    chat.message.fill("Une longue ?")
    chat.button("Envoyer").click()
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
    chat.message.fill("Et maintenant ?")
    chat.button("Envoyer").click()
    engine.reached(Phase.DECODING, nth)
    thread.evaluate("thread => { thread.scrollTop = 0; }")
    expect(follow).to_be_in_viewport(ratio=1)
    expect(down).to_have_count(0)
    engine.release()
    expect(down).to_be_in_viewport(ratio=1)
    expect(follow).to_have_count(0)
