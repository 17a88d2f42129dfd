"""Tasks, notes and formulas in an answer: live as from history, without flicker."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

TEXT = """## Le plan

- [x] mesurer le vent
- [ ] choisir la voile

La vitesse limite[^1] suit $v = 2{,}4\\sqrt{L}$, soit 12 $ le mètre[^prix] et non \\(v^2\\).

$$
\\int_0^1 x^2 \\, dx = \\frac{1}{3}
$$

Encore la vitesse[^1], et une note sans texte[^rien].

[^1]: Formule de **Froude**.
[^prix]: Selon le chantier.
"""
FLICKER = """() => {
  window.raw = [];
  const look = () => {
    const words = document.querySelector(".answer:last-of-type [data-part=text]")?.innerText ?? "";
    if (/\\[[ x^]|\\]:|\\$[a-z$]|\\\\\\(|\\\\int|\\*\\*/.test(words)) window.raw.push(words.slice(-60));
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


@pytest.fixture
def plan(alice: Visitor, engine: FakeOllama) -> Tab:
    """The answer, streamed, then the same from history."""
    engine.script(Scenario.answer(TEXT))
    alice.here.ask("Un plan ?")
    alice.here.finished()
    return alice.here


def test_tasks_are_boxes_that_nobody_can_tick(plan: Tab) -> None:
    for _ in range(2):
        boxes = plan.text.get_by_role("checkbox")
        expect(boxes).to_have_count(2)
        assert [box.is_checked() for box in boxes.all()] == [True, False]
        assert all(box.is_disabled() for box in boxes.all())
        expect(plan.text.get_by_role("checkbox", name="Fait")).to_be_visible()
        expect(plan.text.get_by_role("listitem")).to_have_text(["mesurer le vent", "choisir la voile"])
        plan.page.reload()
        plan.finished()


def test_notes_lead_there_and_back(plan: Tab) -> None:
    for _ in range(2):
        references = plan.text.locator("sup a")
        expect(references).to_have_text(["1", "2", "1"])
        expect(plan.text).to_contain_text("une note sans texte[^rien]")
        references.first.click()
        back = plan.text.get_by_role("link", name="Revenir à l’appel de la note 1")
        expect(back).to_be_in_viewport()
        expect(plan.text.locator(":target")).to_have_text("↩")
        back.press("Enter")
        expect(plan.text.locator(":target")).to_have_text("1")
        plan.page.goto(plan.page.url.partition("#")[0])
        plan.page.reload()
        plan.finished()


def test_formulas_are_drawn_as_mathml_with_a_font_of_this_server(plan: Tab) -> None:
    for _ in range(2):
        expect(plan.text.locator("math")).to_have_count(3)
        expect(plan.text.locator("math[display=block] mfrac")).to_be_visible()
        expect(plan.text).to_contain_text("12\u202f$ le mètre")
        font = "document.fonts.ready.then(() => [...document.fonts].find(font => font.family.includes('Math')).status)"
        assert plan.page.evaluate(font) == "loaded"
        plan.page.reload()
        plan.finished()


def test_a_page_without_formulas_fetches_nothing_for_them(alice: Visitor, engine: FakeOllama) -> None:
    asked: list[str] = []
    alice.page.on("request", lambda request: asked.append(request.url))
    engine.script(Scenario.answer("Cela coûte 5 $ ou $10, jamais plus."))
    alice.here.ask("Combien ?")
    alice.here.finished()
    assert not [url for url in asked if "katex" in url or "math-" in url]


def test_marks_being_typed_never_show(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.answer("Un $x$."))
    chat.ask("D’abord une formule.")
    expect(chat.text.locator("math")).to_be_visible()
    chat.finished()
    chat.page.evaluate(FLICKER)
    engine.script(Scenario.answer(TEXT.replace("et une note sans texte[^rien]", "enfin")))
    chat.ask("Un plan ?")
    chat.finished()
    assert chat.page.evaluate("window.raw") == []


def test_what_stands_in_a_line_of_a_list_does_not_push_it_down(alice: Visitor, engine: FakeOllama) -> None:
    """Neither a formula nor the caret of an answer that is being written."""
    chat = alice.here
    engine.script(
        replace(
            Scenario.hold(after=12), text="- **un** mot simple\n- **deux** $x$ ici\n- **trois** mots de plus encore"
        )
    )
    chat.ask("Une liste ?")
    expect(chat.text.locator("li .caret")).to_be_visible()
    expect(chat.text.locator("li math")).to_be_visible()
    heights = "items => items.map((item) => Math.round(item.getBoundingClientRect().height))"
    assert len(set(chat.text.locator("li").evaluate_all(heights))) == 1
    engine.release()
    chat.finished()
