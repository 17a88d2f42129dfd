"""The line around what was found: its words, without the marks of Markdown."""

import pytest

from app.chat.search import WordFinder, excerpt
from app.models.search import SearchTerm


def line(text: str, word: str = "cap") -> str:
    return "".join(part["text"] for part in excerpt(text, WordFinder((SearchTerm((word,)),))))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## Le **cap** et `la route`", "Le cap et la route"),
        ("> Un _cap_\n- à [tenir](http://exemple.invalid/a)", "Un cap à tenir"),
        ("| Cap | Route |\n|:--|---:|\n| 12 | 24 |", "Cap Route 12 24"),
        ("```python\ncap = 2 * 3\n```\nFin.", "cap = 2 * 3 Fin."),
        ("cap_vrai * 2 <b>reste</b> -- et a*b*c", "cap_vrai * 2 <b>reste</b> -- et a*b*c"),
    ],
)
def test_marks_are_left_out_and_words_stay(text: str, words: str) -> None:
    assert line(text) == words


def test_a_long_text_is_cut_on_both_sides_of_the_word() -> None:
    shown = line("Un début assez long pour être coupé. " * 9 + "Le **cap** est bon. " + "Une fin. " * 40)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "Le cap est bon." in shown
