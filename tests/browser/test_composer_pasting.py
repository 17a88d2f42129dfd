"""Long texts pasted beside a question, and a browser that has no room for drafts."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.test_composer import REFUSAL, selected
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama


def paste(chat: Tab, text: str) -> None:
    """Paste a text as the keyboard does."""
    chat.message.evaluate(
        """(field, text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          const event = new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true});
          if (field.dispatchEvent(event)) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
        }""",
        text,
    )


def chips(chat: Tab) -> Locator:
    return chat.page.get_by_role("list", name="Textes joints").get_by_role("listitem")


@pytest.mark.screen("desk", "phone")
def test_a_long_paste_folds_and_is_sent_after_the_text(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    paste(chat, "une ligne")
    expect(chat.message).to_have_value("une ligne")
    expect(chips(chat)).to_have_count(0)
    long = "\n".join(f"ligne {number}" for number in range(40))
    chat.message.fill("Résume ceci.")
    paste(chat, long)
    expect(chat.message).to_have_value("Résume ceci.")
    expect(chips(chat)).to_contain_text(["40 lignes"])
    chat.page.reload()
    expect(chips(chat)).to_have_count(1)
    chat.button("Voir\u00a0: Texte collé").click()
    expect(chat.page.get_by_role("dialog", name="Texte collé")).to_contain_text("ligne 39")
    chat.page.keyboard.press("Escape")
    chat.send()
    chat.finished()
    expect(chips(chat)).to_have_count(0)
    assert engine.received("/api/chat")[-1]["messages"][-1]["content"] == f"Résume ceci.\n\n```\n{long}\n```"


@pytest.mark.screen("desk", "phone")
def test_a_sent_paste_is_named_in_the_question(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    long = "\n".join(f"ligne {number}" for number in range(40))
    chat.message.fill("Résume ceci.")
    paste(chat, long)
    chat.send()
    for _ in range(2):
        chat.finished()
        expect(chat.questions).to_have_text("Résume ceci.")
        pasted = chat.page.get_by_role("list", name="Textes collés").get_by_role("button")
        expect(pasted).to_have_text([re.compile(r"Texte collé\s+40 lignes")])
        expect(chat.page.get_by_text("ligne 39")).to_be_hidden()
        pasted.click()
        expect(chat.page.get_by_text("ligne 39")).to_be_visible()
        chat.page.reload()
    expect(chat.titles).to_have_text(["Résume ceci."])
    chat.questions.hover()
    chat.button("Copier la question").click()
    assert chat.page.evaluate("document.hasFocus()")
    chat.button("Modifier la question").click()
    editor = chat.page.get_by_role("textbox", name="Votre question")
    expect(editor).to_have_value("Résume ceci.")
    editor.fill("Traduis ceci.")
    chat.button("Envoyer à nouveau").click()
    chat.finished()
    expect(chat.questions).to_have_text("Traduis ceci.")
    expect(pasted).to_have_count(1)
    assert engine.received("/api/chat")[-1]["messages"][-1]["content"] == f"Traduis ceci.\n\n```\n{long}\n```"


def test_a_question_that_is_only_a_paste(alice: Visitor) -> None:
    chat = alice.here
    paste(chat, "mot " * 600)
    chat.send()
    chat.finished()
    expect(chat.questions).to_be_hidden()
    expect(chat.page.get_by_role("list", name="Textes collés").get_by_role("button")).to_be_visible()
    expect(chat.titles).to_have_text([re.compile("^mot mot")])
    chat.message.press("ArrowUp")
    expect(chat.message).to_have_value("")
    expect(chips(chat)).to_have_count(1)


def test_a_folded_text_can_be_removed_or_put_into_the_text(alice: Visitor) -> None:
    chat = alice.here
    for letter in "ab":
        paste(chat, letter * 2001)
    expect(chips(chat)).to_have_count(2)
    chat.button("Retirer\u00a0: Texte collé 1").click()
    expect(chips(chat)).to_have_count(1)
    expect(chat.message).to_be_focused()
    chat.button("Insérer dans le texte\u00a0: Texte collé").click()
    expect(chips(chat)).to_have_count(0)
    expect(chat.message).to_have_value("b" * 2001)


def test_a_refused_question_gives_its_folded_text_back(alice: Visitor) -> None:
    alice.watch.allow("status of 503")
    chat = alice.here
    body = json.dumps(REFUSAL | {"detail": "Trop de questions sont en attente."})
    chat.page.route(
        "**/api/conversations/*/messages",
        lambda route: route.fulfill(status=503, content_type="application/problem+json", body=body),
        times=1,
    )
    paste(chat, "x" * 2001)
    chat.message.fill("Et ceci ?")
    chat.send()
    expect(chat.message).to_have_value("Et ceci ?")
    expect(chips(chat)).to_have_count(1)


def test_a_full_storage_is_said_and_loses_nothing(alice: Visitor) -> None:
    chat = alice.here
    full = "() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') } }"
    chat.page.evaluate(full)
    chat.message.press_sequentially("abc")
    expect(chat.page.locator(".toast")).to_contain_text("Le navigateur n’a plus de place")
    expect(chat.message).to_have_value("abc")
    chat.send()
    chat.finished()
    expect(chat.questions).to_have_text("abc")


def test_a_long_text_goes_where_the_prompt_asks_for_it(alice: Visitor) -> None:
    chat = alice.here
    chat.page.get_by_role("button", name="Résumer un compte rendu").click()
    assert selected(chat) == "{{texte}}"
    paste(chat, "x" * 2001)
    expect(chat.message).to_have_value(re.compile(r"\(voir le texte ci-dessous\)$"))
