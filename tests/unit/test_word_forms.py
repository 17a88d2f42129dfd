"""The forms of a word: its plural, other endings of the same stem, other spellings, and no other words."""

import sys

import pytest

from app.models.word_forms import MOST_SPELLINGS, forms, normalize, plain_words, spellings, stems


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


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("hivernage", "hiverner"), ("graissages", "graissé"), ("nettoyage", "nettoyer"), ("livraison", "livrée"),
        ("fermeture", "fermer"), ("durcisseur", "durcir"), ("extincteurs", "extinction"), ("vérification", "verifier"),
        ("étanchéité", "étanches"), ("ÉTANCHÉITÉ", "etancheite"), ("remplissage", "remplir"), ("œuvre", "OEUVRES"),
        ("travail", "travaux"), ("travailler", "travail"), ("yeux", "œil"), ("chevaux", "cheval"),
    ],
)  # fmt: skip
def test_words_of_one_family_have_a_stem_in_common(word: str, other: str) -> None:
    assert set(stems(word).split()) & set(stems(other).split())


@pytest.mark.parametrize(("word", "other"), [("moteur", "motif"), ("page", "pas"), ("chaleur", "chaland")])
def test_words_that_begin_alike_are_no_family(word: str, other: str) -> None:
    assert not set(stems(word).split()) & set(stems(other).split())


def test_stems_leave_out_figures_and_what_says_nothing() -> None:
    assert stems("L’huile des 12 moteurs RX-204 est à vidanger.") == "huil moteur rx vidang"
    assert plain_words("L’œuvre : RX-204, 12 450 €") == "l oeuvre rx 204 12 450"
