"""The forms of a word: its plural, other endings of the same stem, other spellings, and no other words."""

import sys

import pytest

from app.models.word_forms import MOST_SPELLINGS, forms, normalize, spellings


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("bateau", "bateaux"), ("bateaux", "bateau"), ("cheval", "chevaux"), ("vitraux", "vitrail"), ("jeux", "jeu"),
        ("école", "ecoles"), ("facturer", "facturees"), ("bonne", "bons"), ("payer", "paie"), ("paie", "payant"),
    ],
)  # fmt: skip
def test_forms_of_one_word(word: str, other: str) -> None:
    assert forms(word)[0] == normalize(word)
    assert other in forms(word)


@pytest.mark.parametrize(("word", "other"), [("port", "portugal"), ("mer", "merci"), ("bat", "bateau"), ("a", "aux")])
def test_words_that_begin_alike_are_no_forms(word: str, other: str) -> None:
    assert other not in forms(word)


def test_what_is_no_french_word_has_one_form() -> None:
    for word in ("m2", "日本", "2026", "x" * 50 + "1"):
        assert forms(word) == (word,)


def test_a_word_has_few_forms_and_spellings() -> None:
    assert max(len(forms(word)) for word in ("payer", "facture", "général", "international")) < 40
    assert len(spellings("ffifflstssoeae" * 5)) <= MOST_SPELLINGS


def test_letters_in_other_shapes_are_the_same() -> None:
    assert normalize("ŒUVRE ﬁne, Straße, CO₂, ＣＡＰ, e\u0301te\u0301") == "oeuvre fine, strasse, co2, cap, ete"
    assert {"oeuvre", "œuvre"} <= set(spellings("oeuvre"))


def test_the_stemmer_of_french_is_loaded_alone() -> None:
    assert forms("navire")
    assert [name for name in sys.modules if name.endswith("_stemmer")] == ["snowballstemmer.french_stemmer"]
