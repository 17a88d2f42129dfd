"""Long questions: folded to their beginning, whole for whoever copies, edits or prints them."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import check
from tests.browser.visitor import Tab, Visitor

LINES = [f"Ligne {number} de la notice." for number in range(200)]
NOTICE = "\n".join(LINES)


@pytest.fixture
def chat(alice: Visitor) -> Tab:
    tab = alice.here
    tab.ask(NOTICE)
    tab.finished()
    return tab


@pytest.mark.slow
def test_a_long_question_shows_its_beginning(chat: Tab) -> None:
    for _ in range(2):
        expect(chat.questions).to_have_text(NOTICE)
        assert LINES[15] in chat.questions.inner_text()
        assert LINES[16] not in chat.questions.inner_text()
        chat.button("Tout afficher").click()
        assert chat.questions.inner_text() == NOTICE
        chat.button("Réduire").click()
        assert LINES[16] not in chat.questions.inner_text()
        check(chat.page)
        chat.page.reload()
        chat.finished()


def test_it_is_edited_and_printed_whole(chat: Tab) -> None:
    chat.page.emulate_media(media="print")
    assert LINES[-1] in chat.questions.inner_text()
    chat.page.emulate_media(media="screen")
    chat.questions.hover()
    chat.button("Modifier la question").click()
    editor = chat.page.get_by_role("textbox", name="Votre question")
    expect(editor).to_have_value(NOTICE)
    editor.fill("Plus court.")
    chat.page.get_by_role("form", name="Modifier la question").get_by_role("button", name="Enregistrer").click()
    expect(chat.questions).to_have_text("Plus court.")
    expect(chat.button("Tout afficher")).to_have_count(0)
