"""Blocks of code: their head, their height, what is downloaded; and what is copied of an answer for documents."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.samples import RICH
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

LONG = "".join(f"ligne_{n} = {n}\n" for n in range(60))
SCRIPT = "# outils/relevé.py\nprint('é')\n"
LANGUAGES = {
    "python": ("Python", "def f(): return 1"),
    "js": ("JavaScript", "const a = 1;"),
    "ts": ("TypeScript", "const a: number = 1;"),
    "sql": ("SQL", "SELECT 1 FROM a;"),
    "c": ("C", "int a = 1;"),
    "c++": ("C++", "int a = 1;"),
    "html": ("HTML", "<p class='a'>b</p>"),
    "css": ("CSS", "a { color: red; }"),
    "sh": ("Bash", "for a in b; do echo $a; done"),
    "json": ("JSON", '{"a": 1}'),
    "yaml": ("YAML", "a: 1"),
    "ps1": ("PowerShell", "Get-Item $a"),
    "vba": ("VBA", "Sub a()\nDim b\nEnd Sub"),
}
PASTE = """({clipboardData}) => {
  window.pasted = {text: clipboardData.getData("text/plain"), html: clipboardData.getData("text/html")};
}"""
SELECT = """([first, last]) => {
  document.activeElement.blur();
  const range = document.createRange();
  range.setStartBefore(first);
  range.setEndAfter(last);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}"""


def answered(visitor: Visitor, engine: FakeOllama, text: str) -> Tab:
    """A conversation with this answer."""
    engine.script(Scenario.one_token(text))
    visitor.here.ask("Montre-moi.")
    visitor.here.finished()
    return visitor.here


def pasted(chat: Tab) -> dict[str, str]:
    """Both flavours of what the clipboard holds."""
    chat.message.evaluate(f"element => element.addEventListener('paste', {PASTE}, {{once: true}})")
    chat.message.press("Control+V")
    chat.message.fill("")
    found: dict[str, str] = chat.page.evaluate("window.pasted")
    return found


def height(element: Locator) -> float:
    box = element.bounding_box()
    assert box
    return box["height"]


def test_every_language_is_named_and_coloured(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, "\n\n".join(f"```{info}\n{code}\n```" for info, (_, code) in LANGUAGES.items()))
    for _ in range(2):
        expect(chat.text.locator(".code__language")).to_have_text([label for label, _ in LANGUAGES.values()])
        for code in chat.text.locator("pre code").all():
            expect(code.locator("span[class^=hljs]").first).to_be_attached()
        chat.page.reload()
        chat.finished()


def test_long_code_is_cut_until_all_of_it_is_asked_for(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, f"```python\n{LONG}```\n\n```python\na = 1\n```")
    block = chat.text.locator(".code").first
    expect(chat.button("Tout afficher", chat.text)).to_have_count(1)
    cut = height(block)
    chat.button("Tout afficher", block).click()
    assert height(block) > 2 * cut
    chat.button("Réduire", block).press("Enter")
    assert height(block) == cut


@pytest.mark.screen("desk", "phone")
def test_the_head_stays_in_view_in_a_long_block(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, f"```python\n{LONG * 2}```\n\nFin.")
    block = chat.text.locator(".code")
    chat.button("Tout afficher", block).click()
    block.locator("pre").evaluate("element => element.lastElementChild.scrollIntoView({block: 'end'})")
    expect(chat.button("Copier", block)).to_be_in_viewport()


@pytest.mark.screen("desk", "phone")
def test_long_lines_wrap_when_asked(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, f"```python\n{'a + ' * 200}b\n```")
    code = chat.text.locator("pre")
    overflow = "element => element.scrollWidth > element.clientWidth"
    assert code.evaluate(overflow)
    toggle = chat.button("Retour à la ligne", chat.text)
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert not code.evaluate(overflow)


def test_what_was_chosen_stays_while_the_block_is_written(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(replace(Scenario.hold(after=60), text=f"```python\n{LONG}{LONG}```\n\nFin."))
    chat.ask("Un long programme ?")
    engine.reached(Phase.DECODING, nth)
    toggle = chat.button("Retour à la ligne", chat.text)
    toggle.click()
    engine.release()
    chat.finished()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert chat.text.locator("pre").evaluate("element => getComputedStyle(element).whiteSpace").startswith("pre-wrap")


@pytest.mark.parametrize(
    ("info", "code", "name"),
    [
        ("python", SCRIPT, "relevé.py"),
        ("python", "a = 1\n", "extrait.py"),
        ("ps1", "Get-Item\n", "extrait.ps1"),
        ("", "a\n", "extrait.txt"),
    ],
)
def test_code_is_downloaded_under_a_sensible_name(
    alice: Visitor, engine: FakeOllama, info: str, code: str, name: str
) -> None:
    chat = answered(alice, engine, f"```{info}\n{code}```")
    with chat.page.expect_download() as download:
        chat.button("Télécharger", chat.text).click()
    assert download.value.suggested_filename == name
    assert download.value.path().read_text("utf-8-sig") == code


def test_a_whole_answer_pastes_into_documents(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, RICH + "\n- [x] fait\n\nSoit $x^2$, voir[^1].\n\n[^1]: La note.\n")
    expect(chat.text.locator("math")).to_be_visible()
    chat.button("Copier", chat.answer.locator("[data-part=foot]")).click()
    html = pasted(chat)["html"]
    for bad in ("class=", "style=", "<button", "<svg", "<div", "<span", "data-", "Télécharger", "<math", "tabindex"):
        assert bad not in html
    for good in (
        '<table border="1"',
        '<td align="right">9,26</td>',
        "<ol>",
        "<ul>",
        "<li>le foc</li>",
        "<pre>",
        "☑ fait",
        "$x^2$",
    ):
        assert good in html
    assert '<a href="https://exemple.invalid/vitesses">la page</a>' in html


def test_a_selection_keeps_its_table_and_leaves_the_buttons(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, RICH)
    rows = chat.text.locator("tbody tr").element_handles()
    chat.page.evaluate(SELECT, [rows[0], rows[1]])
    chat.page.keyboard.press("Control+C")
    found = pasted(chat)
    assert re.match(r'<table border="1" cellpadding="4" cellspacing="0"><tbody><tr>\s*<td>Lente</td>', found["html"])
    assert "Lente" in found["text"]
    everything = chat.text.locator(":scope > *").element_handles()
    chat.page.evaluate(SELECT, [everything[0], everything[-1]])
    chat.page.keyboard.press("Control+C")
    found = pasted(chat)
    assert "<pre><code>def vitesse" in found["html"]
    assert "Copier" not in found["text"] + found["html"]
    assert "class=" not in found["html"]


def test_a_word_of_a_list_is_copied_as_a_word(alice: Visitor, engine: FakeOllama) -> None:
    chat = answered(alice, engine, RICH)
    chat.text.get_by_text("le foc").dblclick(position={"x": 30, "y": 14})
    chat.page.keyboard.press("Control+C")
    assert pasted(chat) == {"html": "foc", "text": "foc"}


def test_when_the_browser_refuses_to_copy_the_text_is_selected_and_it_is_said(
    alice: Visitor, engine: FakeOllama
) -> None:
    chat = answered(alice, engine, "```python\na = 1\n```")
    chat.page.evaluate("document.execCommand = () => false")
    chat.button("Copier", chat.text).click()
    expect(chat.page.get_by_text("Le navigateur n’a pas copié.").first).to_be_visible()
    assert chat.page.evaluate("getSelection().toString().trim()") == "a = 1"


@pytest.mark.parametrize("word", ["__proto__", "constructor", "toString", "hasOwnProperty"])
def test_a_language_with_any_name_is_a_block_like_others(alice: Visitor, engine: FakeOllama, word: str) -> None:
    chat = answered(alice, engine, f"```python\nx = 1\n```\n\nVoici.\n\n```{word}\nun mot\n```\n\nFin.")
    for _ in range(2):
        expect(chat.text.locator(".code__language")).to_have_text(["Python", word.lower()])
        expect(chat.text.locator("pre").last).to_have_text("un mot")
        expect(chat.text.locator("p").last).to_have_text("Fin.")
        chat.page.reload()
        chat.finished()


def test_words_that_cannot_be_laid_out_are_shown_as_they_were_written(alice: Visitor, engine: FakeOllama) -> None:
    alice.watch.allow("console error")
    alice.page.locator("#code-template").evaluate("element => element.remove()")
    text = "**Voici** :\n\n```python\nx = 1\n```\n\nFin."
    chat = answered(alice, engine, text)
    expect(chat.text.locator("pre[data-plain]")).to_have_text(text)
    expect(chat.button("Copier", chat.answer.locator(".answer__foot"))).to_be_visible()
