"""Models that think: asked for by a switch, shown apart, folded at the end."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

THOUGHT = "D’abord le vent, ensuite la mer, enfin la route."


def choose(chat: Tab, model: str) -> None:
    chat.page.get_by_role("button", name="Modèle :").click()
    chat.page.get_by_role("menuitemradio", name=model).click()


def test_the_switch_is_there_only_for_models_that_think(alice: Visitor) -> None:
    chat = alice.here
    switch = chat.button("Réflexion")
    expect(switch).to_be_hidden()
    choose(chat, "DeepSeek-R1")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    choose(chat, "Phi-3")
    expect(switch).to_be_hidden()
    choose(chat, "DeepSeek-R1")
    expect(switch).to_have_attribute("aria-pressed", "false")


def test_without_the_switch_nothing_is_thought(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    choose(chat, "DeepSeek-R1")
    chat.ask("Réponds vite ?")
    chat.finished()
    assert engine.received("/api/chat")[-1]["think"] is False
    expect(chat.answer.get_by_role("button", name="Réflexion")).to_have_count(0)


def test_thinking_that_was_shown_as_the_answer_moves_apart(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(replace(Scenario.hold(after=5), text=f"{THOUGHT}\n</think>\n\nCap au nord."))
    chat.ask("Quelle route prendre ?")
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).to_contain_text("D’abord le vent")
    engine.release()
    chat.finished()
    expect(chat.text).to_have_text("Cap au nord.")
    folded_away(chat)
    chat.page.reload()
    chat.finished()
    expect(chat.text).to_have_text("Cap au nord.")
    folded_away(chat)


@pytest.mark.screen("desk", "phone")
def test_thinking_streams_apart_then_folds(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    choose(chat, "DeepSeek-R1")
    chat.button("Réflexion").click()
    engine.script(replace(Scenario.hold(after=5), text="Cap au nord.").with_thinking(THOUGHT))
    chat.ask("Quelle route prendre ?")
    engine.reached(Phase.DECODING, nth)
    thoughts = chat.answer.get_by_text("D’abord le vent")
    expect(thoughts).to_be_visible()
    expect(chat.text).to_be_hidden()
    engine.release()
    chat.finished()
    expect(chat.text).to_have_text("Cap au nord.")
    folded_away(chat)
    chat.page.reload()
    chat.finished()
    folded_away(chat)


def folded_away(chat: Tab) -> None:
    """Folded, out of the accessibility tree, and there again on request."""
    toggle = chat.answer.get_by_role("button", name="A réfléchi ")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    expect(chat.answer.get_by_text(THOUGHT)).to_be_hidden()
    assert "la mer" not in chat.answer.aria_snapshot()
    toggle.click()
    expect(chat.answer.get_by_text(THOUGHT)).to_be_visible()
    assert "la mer" in chat.answer.aria_snapshot()


def test_the_window_stays_open_for_whoever_uses_it(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    choose(chat, "DeepSeek-R1")
    chat.button("Réflexion").click()
    lines = "\n".join(f"Idée numéro {n}." for n in range(40))
    engine.script(replace(Scenario.hold(after=100), text="Cap au nord.").with_thinking(lines))
    chat.ask("Quelle route prendre ?")
    engine.reached(Phase.DECODING, nth)
    window = chat.answer.get_by_role("group", name="Réflexion")
    expect(window).to_contain_text("Idée numéro 30.")
    expect(chat.answer.get_by_text("Réflexion", exact=True).first).to_be_visible()
    assert window.evaluate("element => element.scrollTop + element.clientHeight >= element.scrollHeight - 8")
    before = window.bounding_box()
    window.hover()
    chat.page.mouse.wheel(0, -4000)
    expect(window).to_have_js_property("scrollTop", 0)
    engine.release()
    chat.finished()
    assert before
    assert before["height"] == 120
    toggle = chat.answer.get_by_role("button", name="A réfléchi ")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    expect(window).to_contain_text("Idée numéro 39.")
    toggle.click()
    expect(window).to_be_hidden()
