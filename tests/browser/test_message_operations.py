"""Versions and edited questions: the branch on the page is the branch in the rows, and what is looked at stays."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from app.web import MAX_CONTENT
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

# What screen readers are told passes; this keeps it.
HEAR = """() => {
  window.said = [];
  const region = document.getElementById("announcer");
  new MutationObserver(() => region.textContent && said.push(region.textContent)).observe(region, {childList: true});
}"""
LONG = "\n\n".join(
    f"Paragraphe {number} d’une longue réponse, avec assez de mots pour une ligne." for number in range(40)
)


@pytest.fixture
def two_turns(alice: Visitor, engine: FakeOllama) -> Tab:
    """« Un » and « Deux », answered « Première. » and « Deuxième. »."""
    chat = alice.here
    for question, answer in (("Un", "Première."), ("Deux", "Deuxième.")):
        engine.script(Scenario.answer(answer))
        chat.ask(question)
        expect(chat.text).to_have_text(answer)
        chat.finished()
    return chat


def wait_for(chat: Tab, *texts: str) -> None:
    expect(chat.page.locator(".question, .answer [data-part=text]")).to_have_text(list(texts))


def turn(chat: Tab, words: str) -> Locator:
    """The question with these words, and what belongs to it."""
    return chat.page.locator(".turn--question").filter(has_text=re.compile(rf"{words}\b"))


def top(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["y"]


def sent(engine: FakeOllama) -> list[str]:
    """What the engine was sent last, without the system's message."""
    messages: list[dict[str, Any]] = engine.received("/api/chat")[-1]["messages"]
    return [message["content"] for message in messages[1:]]


def edit(chat: Tab, words: str, text: str) -> Locator:
    """Open the editor of a question and change its words."""
    turn(chat, words).hover()
    chat.button("Modifier la question", turn(chat, words)).click()
    editor = chat.page.get_by_role("textbox", name="Votre question")
    expect(editor).to_be_focused()
    expect(editor).to_be_in_viewport(ratio=1)
    editor.fill(text)
    return editor


@pytest.mark.screen("desk", "phone")
def test_the_versions_of_an_answer(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer(LONG))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_contain_text("Paragraphe 39")
    chat.finished()
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 2 / 2")
    expect(chat.button("Version suivante", chat.answer)).to_be_disabled()

    chat.button("Version précédente", chat.answer).focus()
    where = top(chat.answer)
    chat.page.evaluate(HEAR)
    chat.page.keyboard.press("Enter")
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 1 / 2")
    expect(chat.button("Version suivante", chat.answer)).to_be_focused()
    # Its beginning was out of sight above: the shorter one begins at the top.
    assert where < top(chat.page.locator(".thread"))
    assert top(chat.answer) == pytest.approx(top(chat.page.locator(".thread")) + 12, abs=1)
    assert chat.page.evaluate("said") == ["Version 1 sur 2"]

    chat.page.reload()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 1 / 2")
    engine.script(Scenario.answer("Troisième."))
    chat.ask("Trois")
    expect(chat.text).to_have_text("Troisième.")
    assert sent(engine) == ["Un", "Première.", "Deux", "Deuxième.", "Trois"]
    chat.finished()

    chat.button("Version suivante", chat.answers.nth(1)).click()
    expect(chat.questions).to_have_count(2)
    expect(chat.text).to_contain_text("Paragraphe 39")
    chat.button("Version précédente", chat.answer).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.", "Trois", "Troisième.")


def test_what_is_compared_does_not_move(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer("Courte."), Scenario.answer(LONG))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Courte.")
    chat.finished()
    chat.ask("Et ensuite ?")
    expect(chat.text).to_contain_text("Paragraphe 39")
    chat.finished()
    compared = chat.answers.nth(1)
    compared.scroll_into_view_if_needed()
    where = top(compared)
    chat.button("Version précédente", compared).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    assert top(compared) == pytest.approx(where, abs=1)
    chat.button("Version suivante", compared).click()
    expect(chat.questions).to_have_count(3)
    assert top(compared) == pytest.approx(where, abs=1)


def test_versions_wait_while_an_answer_is_written(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer("Autre."))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Autre.")
    chat.finished()
    earlier = chat.button("Version précédente", chat.answers.nth(1))
    expect(earlier).to_be_enabled()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Trois")
    engine.reached(Phase.DECODING, nth)
    expect(earlier).to_be_disabled()
    engine.release()
    chat.finished()
    expect(earlier).to_be_enabled()


@pytest.mark.screen("desk", "phone")
def test_a_question_is_sent_again_beside_the_old_one(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    chat.message.fill("un brouillon")
    edit(chat, "Deux", "Deux, mieux dit")
    engine.script(Scenario.answer("Mieux répondu."))
    chat.page.keyboard.press("Control+Enter")
    wait_for(chat, "Un", "Première.", "Deux, mieux dit", "Mieux répondu.")
    chat.finished()
    assert sent(engine) == ["Un", "Première.", "Deux, mieux dit"]
    expect(chat.message).to_be_focused()
    expect(chat.message).to_have_value("un brouillon")
    expect(turn(chat, "Deux").locator(".versions__place")).to_have_text("Version 2 / 2")
    chat.button("Version précédente", turn(chat, "Deux")).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")


def test_the_very_first_question_is_sent_again(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    edit(chat, "Un", "Un, mieux dit")
    engine.script(Scenario.answer("Tout autre chose."))
    chat.button("Envoyer à nouveau").click()
    wait_for(chat, "Un, mieux dit", "Tout autre chose.")
    chat.finished()
    assert sent(engine) == ["Un, mieux dit"]
    chat.page.reload()
    wait_for(chat, "Un, mieux dit", "Tout autre chose.")
    chat.button("Version précédente", turn(chat, "Un")).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    chat.button("Version suivante", turn(chat, "Un")).click()
    wait_for(chat, "Un, mieux dit", "Tout autre chose.")


def test_a_question_is_saved_without_an_answer(two_turns: Tab, engine: FakeOllama) -> None:
    chat, asked = two_turns, len(engine.received("/api/chat"))
    edit(chat, "Deux", "Deux, corrigé")
    expect(chat.page.locator(".editor__note")).to_contain_text("le modèle relira")
    chat.button("Enregistrer").click()
    wait_for(chat, "Un", "Première.", "Deux, corrigé", "Deuxième.")
    expect(turn(chat, "Deux")).to_contain_text("Corrigée après la réponse")
    expect(chat.button("Modifier la question", turn(chat, "Deux"))).to_be_focused()
    assert len(engine.received("/api/chat")) == asked
    chat.page.reload()
    wait_for(chat, "Un", "Première.", "Deux, corrigé", "Deuxième.")
    expect(turn(chat, "Deux")).to_contain_text("Corrigée après la réponse")


def test_escape_gives_the_editor_up(two_turns: Tab) -> None:
    chat = two_turns
    edit(chat, "Un", "Autre chose").press("Escape")
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    expect(chat.page.locator(".editor")).to_have_count(0)
    expect(chat.button("Modifier la question", turn(chat, "Un"))).to_be_focused()


def test_a_refused_question_leaves_everything_as_it_was(alice: Visitor, two_turns: Tab) -> None:
    alice.watch.allow("413")
    chat, text = two_turns, "mot " * (MAX_CONTENT // 4) + "et un de trop"
    editor = edit(chat, "Un", text)
    chat.button("Envoyer à nouveau").click()
    expect(chat.page.locator(".composer__error")).to_contain_text("trop long")
    expect(editor).to_have_value(text)
    expect(editor).to_be_focused()
    expect(chat.answers).to_have_count(2)
    chat.page.keyboard.press("Escape")
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")


def test_a_question_is_copied(two_turns: Tab) -> None:
    chat = two_turns
    turn(chat, "Un").hover()
    chat.button("Copier la question", turn(chat, "Un")).click()
    expect(turn(chat, "Un").get_by_text("Copié")).to_be_visible()
    chat.message.press("Control+V")
    expect(chat.message).to_have_value("Un")


def test_nothing_is_saved_while_an_answer_is_written(two_turns: Tab, engine: FakeOllama) -> None:
    chat, nth = two_turns, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Trois")
    engine.reached(Phase.DECODING, nth)
    edit(chat, "Un", "Un, trop tôt")
    chat.button("Envoyer à nouveau").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("Une réponse est encore en cours")
    engine.release()
    chat.finished()
    chat.button("Enregistrer").click()
    expect(chat.questions.first).to_have_text("Un, trop tôt")


def test_a_question_follows_what_its_page_shows(alice: Visitor, two_turns: Tab, engine: FakeOllama) -> None:
    """Whatever another page of the same conversation was switched to meanwhile."""
    chat = two_turns
    engine.script(Scenario.answer("Autre."))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Autre.")
    chat.finished()
    other = alice.tab().open(chat.path)
    other.button("Version précédente", other.answer).click()
    expect(other.text).to_have_text("Deuxième.")
    engine.script(Scenario.answer("Troisième."))
    chat.ask("Trois")
    wait_for(chat, "Un", "Première.", "Deux", "Autre.", "Trois", "Troisième.")
    chat.finished()
    assert sent(engine) == ["Un", "Première.", "Deux", "Autre.", "Trois"]
    other.page.reload()
    wait_for(other, "Un", "Première.", "Deux", "Autre.", "Trois", "Troisième.")
