"""What an answer cites, and which of its figures stand in no passage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.generation.citations import check, check_pages

PASSAGES = [
    "Le prix du bateau est de 12 450,50 € TTC, livré le 3 mars 2026 à 14h30.",
    "La garantie est de deux ans. Remise : 3,5 % ; quatre-vingt-dix jours pour payer, vingt-cinq heures d’essai.",
]


def figures(answer: str, question: str = "") -> list[str]:
    return check(answer, PASSAGES, question).figures


@pytest.mark.parametrize(
    ("answer", "cited", "unknown"),
    [
        ("Le prix est de 12 450,50 € [1].", [1], []),
        ("Deux ans [2][1], voir [2].", [2, 1], []),
        ("Les deux [1, 2] et [1-3].", [1, 2], [3]),
        ("[1 et 2] ; [0] ; [7]", [1, 2], [0, 7]),
        ("Aucun extrait ne le dit.", [], []),
        ("Un tableau[12] et une liste [a] ou [2026].", [], [12]),
    ],
)
def test_passages_are_cited_by_numbers_that_exist(answer: str, cited: list[int], unknown: list[int]) -> None:
    found = check(answer, PASSAGES, "")
    assert (found.cited, found.unknown) == (cited, unknown)


@pytest.mark.parametrize(
    "answer",
    [
        "12 450,50 €, 12\u202f450,50, 12450,50, 12.450,50 ou 12,450.50",
        "Livré le 03/03/2026 à 14:30, donc le 3 mars 2026 à 14 h 30.",
        "3,5 % ou 3.5 %, garanti 2 ans, 90 jours, 25 h",
        "1. Le prix\n2) La garantie\n(3) La remise\n4. 14 h 00",
        "D’après l’extrait 2, page 7 et les pages 12 et 13 [1]",
        "Réf. RX204",
        "",
    ],
)
def test_figures_of_the_passages_are_known_however_they_are_written(answer: str) -> None:
    assert figures(answer) == []


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        ("Il coûte 12 450 €, soit 15 000 € avec la pose.", ["12 450", "15 000"]),
        ("Livré le 04/03/2026.", ["04"]),
        ("Garantie de 3 ans, ou de 5 ans.", ["5"]),
        ("Une remise de 35 %.", ["35"]),
        ("45 jours, et encore 45 jours", ["45"]),
        ("Référence RX-204", ["204"]),
    ],
)
def test_figures_that_stand_nowhere_are_named_once_as_they_were_written(answer: str, unknown: list[str]) -> None:
    assert figures(answer) == unknown


def test_figures_of_the_question_are_known() -> None:
    assert figures("Non, pas 20 000 €.", "Est-ce qu’il coûte 20000 euros ?") == []


@settings(max_examples=300)
@given(st.text("0123456789 .,[]()-–hé€%\u202f\n"), st.lists(st.text(max_size=20), max_size=3))
def test_what_a_passage_says_is_known(answer: str, passages: list[str]) -> None:
    found = check(answer, [*passages, answer], "")
    assert found.figures == []
    assert set(found.cited) <= set(range(1, len(passages) + 2))
    assert set(found.unknown).isdisjoint(found.cited)


@pytest.mark.parametrize(
    ("answer", "cited", "unknown"),
    [
        ("Deux ans [p. 2], livré [p. 1].", [2, 1], []),
        ("Voir [pages 1-2], [p. 1, p. 2] et [p.7].", [1, 2], [7]),
        ("[Page 2] ; page 9 ; [3] ; [p. 0]", [2], [0]),
    ],
)
def test_pages_are_cited_that_exist(answer: str, cited: list[int], unknown: list[int]) -> None:
    found = check_pages(answer, list(enumerate(PASSAGES, 1)))
    assert (found.cited, found.unknown, found.figures) == (cited, unknown, [])


def test_figures_of_a_whole_document_stand_on_some_page() -> None:
    pages = list(enumerate(PASSAGES, 1))
    assert check_pages("Garantie de 2 ans [p. 2], prix de 15 000 € [p. 1].", pages).figures == ["15 000"]
    assert check_pages("Pour 15 000 € ?", pages, "Que puis-je avoir pour 15 000 € ?").figures == []
