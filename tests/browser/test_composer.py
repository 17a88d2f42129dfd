"""Writing: what sends, what does not, and how no text is ever lost."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

SELECTED = "({value, selectionStart, selectionEnd}) => value.slice(selectionStart, selectionEnd)"
REFUSAL = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "queue_full"}


def selected(chat: Tab) -> str:
    """What is selected in the message."""
    return str(chat.page.locator("#message").evaluate(SELECTED))


@pytest.mark.screen("desk")
def test_enter_sends_and_shift_enter_breaks_the_line(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    chat.message.press_sequentially("une ligne")
    chat.message.press("Shift+Enter")
    chat.message.press_sequentially("une autre")
    expect(chat.message).to_have_value("une ligne\nune autre")
    expect(chat.questions).to_have_count(0)
    chat.message.press("Enter")
    chat.finished()
    assert chat.questions.inner_text() == "une ligne\nune autre"
    assert engine.received("/api/chat")[-1]["messages"][-1]["content"] == "une ligne\nune autre"


@pytest.mark.parametrize("blank", ["", "   ", "\n\n", "\t "])
def test_blank_is_not_sent(alice: Visitor, blank: str) -> None:
    chat = alice.here
    chat.message.fill(blank)
    expect(chat.button("Envoyer")).to_be_disabled()
    chat.message.press("Enter")
    expect(chat.message).to_be_focused()
    expect(chat.questions).to_have_count(0)
    assert chat.path == "/"


@pytest.mark.screen("desk")
def test_a_double_enter_makes_one_message(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    chat.message.fill("Une seule fois ?")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.press("Enter")
    chat.finished()
    expect(chat.questions).to_have_count(1)
    assert len(engine.generations) == nth + 1


@pytest.mark.screen("desk", "phone")
def test_a_double_click_makes_one_message_and_does_not_stop_it(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.message.fill("Un seul clic ?")
    chat.button("Envoyer").dblclick()
    engine.reached(Phase.DECODING, nth)
    chat.says("Rédaction")
    engine.release()
    chat.finished()
    expect(chat.questions).to_have_count(1)
    expect(chat.answer.get_by_text("Arrêté par vous")).to_be_hidden()
    assert len(engine.generations) == nth + 1


@pytest.mark.screen("desk")
def test_a_word_being_composed_is_not_sent_by_its_enter(alice: Visitor) -> None:
    chat = alice.here
    chat.message.fill("にほん")
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        chat.message.dispatch_event("keydown", {"key": "Enter", "bubbles": True, "cancelable": True, **composing})
    expect(chat.questions).to_have_count(0)
    chat.message.press("Enter")
    chat.finished()
    expect(chat.questions).to_have_count(1)


def test_drafts_survive_a_reload_and_belong_to_their_conversation(alice: Visitor) -> None:
    chat = alice.here
    chat.ask("Une conversation.")
    chat.finished()
    path = chat.path
    chat.message.fill("le brouillon d’ici")
    chat.page.reload()
    expect(chat.message).to_have_value("le brouillon d’ici")
    chat.button("Nouvelle conversation").click()
    expect(chat.questions).to_have_count(0)
    expect(chat.message).to_have_value("")
    chat.message.fill("un brouillon neuf")
    chat.open(path)
    expect(chat.message).to_have_value("le brouillon d’ici")
    chat.open("/")
    expect(chat.message).to_have_value("un brouillon neuf")
    chat.send()
    chat.finished()
    chat.open("/")
    expect(chat.message).to_have_value("")


def test_the_text_comes_back_when_the_server_refuses(alice: Visitor, engine: FakeOllama) -> None:
    alice.watch.allow("status of 503")
    chat, sentence = alice.here, "Trop de questions sont en attente."

    def refuse(route: Route) -> None:
        body: dict[str, Any] = REFUSAL | {"detail": sentence}
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(body))

    chat.page.route("**/api/conversations/*/messages", refuse, times=1)
    chat.ask("Ne perds pas ceci.")
    expect(chat.problem).to_contain_text(sentence, use_inner_text=True)
    expect(chat.message).to_have_value("Ne perds pas ceci.")
    expect(chat.message).to_be_focused()
    expect(chat.questions).to_have_count(0)
    chat.send()
    chat.finished()
    expect(chat.questions).to_have_text("Ne perds pas ceci.")
    expect(chat.page.get_by_text(sentence)).to_be_hidden()


@pytest.mark.screen("desk")
def test_the_key_that_sends_is_ones_own_choice(alice: Visitor) -> None:
    chat = alice.here.open("/settings/writing")
    chat.page.get_by_label("Ctrl Entrée envoie").check()
    chat.button("Enregistrer").click()
    expect(chat.page.get_by_text("Enregistré.")).to_be_visible()
    chat.open("/")
    chat.message.press_sequentially("une ligne")
    chat.message.press("Enter")
    chat.message.press_sequentially("une autre")
    expect(chat.message).to_have_value("une ligne\nune autre")
    chat.message.press("Control+Enter")
    chat.finished()
    expect(chat.questions).to_have_text("une ligne\nune autre")


@pytest.mark.screen("desk")
def test_the_arrow_up_in_an_empty_box_recalls_the_last_question(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press("ArrowUp")
    expect(chat.message).to_have_value("")
    chat.ask("Deux\nlignes ?")
    chat.finished()
    chat.message.press("ArrowUp")
    expect(chat.message).to_have_value("Deux\nlignes ?")
    chat.message.fill("autre chose")
    chat.message.press("ArrowUp")
    expect(chat.message).to_have_value("autre chose")


def test_a_suggestion_fills_and_does_not_send(alice: Visitor) -> None:
    chat = alice.here
    chat.page.get_by_role("button", name="Résumer un compte rendu").click()
    expect(chat.message).to_be_focused()
    assert chat.message.input_value().startswith("Résume ce texte en cinq points")
    assert selected(chat) == "{{texte}}"
    expect(chat.questions).to_have_count(0)
