"""What a question looks for, and where a text has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.question_terms import Term, marks, terms

ODD = st.text("ab1²½é ﬁœ\"«»'’*-/.,:()^+\u0301\u202f\0AND", max_size=60) | st.text(max_size=60)


def phrases(question: str) -> list[tuple[str, ...]]:
    """Each phrase, as one text."""
    return [tuple(" ".join(words) for words in term.phrases) for term in terms(question)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Quand faut-il changer l’huile ?", [("changer",), ("huile",)]),
        ("filtre RX-204", [("filtre",), ("rx 204", "rx204")]),
        ("rx204", [("rx204", "rx 204")]),
        ("12 450 €", [("12 450", "12450")]),
        ("12450", [("12450", "12 450")]),
        ("1234567", [("1234567", "1 234 567")]),
        ("0012", [("0012", "0 012")]),
        ("1" * 5000, [("1" * 5000,)]),
        ("1,5 mm", [("1 5",), ("mm",)]),
        ("le 24/02/2026", [("24 02 2026",)]),
        ("porte-clés, porte-clés", [("porte",), ("cles",)]),
        ("où est-ce", [("ou",), ("est",), ("ce",)]),
        ("« vanne de coque » fermée", [("vanne de coque",), ("fermee",)]),
        ("?!", []),
    ],
)
def test_terms(question: str, expected: list[tuple[str, ...]]) -> None:
    assert phrases(question) == expected


def test_only_phrases_in_quotes_are_needed() -> None:
    assert [term.is_needed for term in terms('"vanne de coque" RX-204 huile')] == [True, False, False]


def test_a_long_text_is_no_long_search() -> None:
    assert len(terms(" ".join(f"mot{number}" for number in range(5000)))) < 30


def test_marks_are_whole_words_and_do_not_overlap() -> None:
    text = "Les VANNES de coque : vanne RX-204, rx204 ; vannerie."
    places = marks(text, terms('"vanne de coque" vanne RX204'))
    assert [text[start:end] for start, end in places] == ["VANNES", "vanne", "RX-204", "rx204"]
    phrase = marks(text, [Term((("vannes", "de", "coque"),)), Term((("de",), ("coque",)))])
    assert [text[start:end] for start, end in phrase] == ["VANNES de coque"]


@given(ODD, ODD)
def test_marks_are_in_order_in_any_text(question: str, text: str) -> None:
    places = [0, *(place for span in marks(text, terms(question)) for place in span), len(text)]
    assert places == sorted(places)
