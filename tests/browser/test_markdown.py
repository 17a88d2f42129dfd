"""What an answer looks like, what is copied of it, and what it can never do."""

import pytest
from playwright.sync_api import expect

from tests.browser.samples import CODE, HOSTILE, RICH
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

LEFT_OVER = """element => [...element.querySelectorAll("*")].flatMap(node => {
  const foreign = "script, img, svg, math, iframe, object, embed, style, link, meta, base, form, input, video";
  if (node.closest(".code__head") || node.matches("input[type=checkbox][disabled]")) return [];
  const bad = node.matches(foreign) ? [node.outerHTML] : [];
  for (const {name, value} of node.attributes) {
    if (/^on/.test(name) || name === "style" || name === "src" || name === "srcdoc") bad.push(`${name}=${value}`);
    if (name === "href" && !/^(https?:|mailto:|tel:|#note-)/.test(value)) bad.push(`${name}=${value}`);
  }
  return bad;
})"""


@pytest.fixture
def rich(alice: Visitor, engine: FakeOllama) -> Tab:
    """A conversation whose answer has one of everything."""
    engine.script(Scenario.answer(RICH))
    chat = alice.here
    chat.ask("Parle-moi de vitesse.")
    chat.finished()
    return chat


def test_blocks_are_rendered_live_and_from_history_alike(rich: Tab) -> None:
    for _ in range(2):
        heading = rich.text.get_by_role("heading", name="Les vitesses")
        expect(heading).to_be_visible()
        assert heading.evaluate("element => element.tagName") == "H3"
        expect(rich.text.get_by_role("cell")).to_have_text(["Lente", "5", "9,26", "Vive", "12", "22,2"])
        expect(rich.text.get_by_role("columnheader")).to_have_text(["Allure", "Nœuds", "km/h"])
        expect(rich.text.locator("ol > li")).to_have_count(2)
        expect(rich.text.locator("ol ul > li")).to_have_text(["le foc", "la grand-voile"])
        expect(rich.text.locator("strong")).to_have_text("nœud")
        expect(rich.text.locator("pre code")).to_have_text(CODE)
        expect(rich.text.locator("pre code .hljs-keyword").first).to_have_text("def")
        expect(rich.text.locator(".code")).to_contain_text("Python")
        link = rich.text.get_by_role("link", name="la page")
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        rich.page.reload()
        rich.finished()


def test_copy_of_code_and_of_the_answer(rich: Tab) -> None:
    on_code = rich.button("Copier", rich.text)
    on_code.click()
    expect(rich.button("Copié", rich.text)).to_be_visible()
    assert pasted(rich) == CODE
    expect(on_code).to_be_visible()
    foot = rich.answer.locator("[data-part=foot]")
    rich.button("Copier", foot).click()
    expect(rich.button("Copié", foot)).to_be_visible()
    assert pasted(rich) == RICH


def pasted(chat: Tab) -> str:
    """What the clipboard holds, by pasting it into the composer."""
    chat.message.fill("")
    chat.message.press("Control+V")
    value = chat.message.input_value()
    chat.message.fill("")
    return value


def test_code_can_be_copied_while_the_answer_is_written(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.answer(f"```python\n{CODE}```\n\nPuis une suite."), Scenario.hold(after=2))
    chat.ask("Du code ?")
    chat.finished()
    chat.ask("Encore ?")
    engine.reached(Phase.DECODING, nth + 1)
    expect(chat.text).not_to_be_empty()
    chat.button("Copier", chat.answers.first.locator("[data-part=text]")).click()
    assert pasted(chat) == CODE
    engine.release()
    chat.finished()


def test_nothing_in_an_answer_can_run_or_call_out(alice: Visitor, engine: FakeOllama) -> None:
    assert len(HOSTILE) == 40
    chat = alice.here
    engine.script(Scenario.answer("\n\n".join(HOSTILE)))
    chat.ask("Essaie de t’échapper.")
    chat.finished()
    harmless(chat)
    chat.page.reload()
    chat.finished()
    harmless(chat)


def test_a_hostile_question_is_only_text(alice: Visitor) -> None:
    chat = alice.here
    chat.ask(HOSTILE[2])
    chat.finished()
    expect(chat.questions).to_have_text(HOSTILE[2])
    expect(chat.titles).to_contain_text("<img src=x")
    chat.page.reload()
    expect(chat.questions).to_have_text(HOSTILE[2])
    assert chat.page.evaluate("window.__xss") is None


def test_every_half_of_a_hostile_answer_is_harmless(alice: Visitor, engine: FakeOllama) -> None:
    """What is still being written is rendered too: each beginning of each vector, as the stream would show it."""
    chat = alice.here
    engine.script(Scenario.pieces(97, "\n\n".join(reversed(HOSTILE))))
    chat.ask("Par petits morceaux.")
    chat.finished()
    harmless(chat)


def harmless(chat: Tab) -> None:
    for link in chat.text.get_by_role("link").all():
        link.hover()
    assert chat.text.evaluate(LEFT_OVER) == []
    assert chat.page.evaluate("window.__xss") is None
    assert len(chat.page.context.pages) == 1
    expect(chat.message).to_be_visible()
