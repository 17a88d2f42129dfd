"""Passages in the database: stored with the pages of a file, found by what is asked, gone with the file."""

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import File, FilePage, Passage, User
from app.models import passages as index
from app.models.passages import FoundPassage, best
from tests.support.documents import attached, indexed
from tests.support.person import Person
from tests.support.site import Site

ROWS = "SELECT count(*) FROM passage_search"
PAGES = (
    "# Hivernage\nLa coque est étanche. Les filtres RX-204 sont remplacés.\n\nLa remise vaut 12 450 €.",
    "# Graissage\nGraisser le palier tous les ans, puis le joint.\n\nŒuvres vives : deux couches de peinture.",
    "# Vidange\nVider l’huile, puis remplir.",
)


@pytest.fixture
def add(site: Site, alice: Person) -> Iterator[Callable[..., str]]:
    """Store and index a file with these pages; its id. In the application's context, as is what the tests ask."""
    with site.app.app_context():
        yield lambda *pages: indexed(site, attached(site, alice.name, "manuel.pdf", *pages))


def pages_of(found: list[FoundPassage]) -> list[int]:
    return [each.excerpt.page for each in found]


def marked(found: FoundPassage) -> list[str]:
    return [found.excerpt.text[start:end] for start, end in found.marks]


@pytest.mark.parametrize("way", ["index", "comparison"])
@pytest.mark.parametrize(
    ("question", "page", "words"),
    [
        ("Comment hiverner les coques étanches ?", 1, ["Hivernage", "coque", "étanche"]),
        ("référence rx204", 1, ["RX-204"]),
        ("RX 204", 1, ["RX", "204"]),
        ("12450 euros", 1, ["12 450"]),
        ("quand dois-je refaire le graissage des paliers", 2, ["Graissage", "Graisser", "palier"]),
        ("OEUVRES VIVES", 2, ["Œuvres", "vives"]),
        ("« le joint »", 2, ["le joint"]),
        ("la vidange des huiles", 3, ["Vidange", "huile"]),
    ],
)
def test_a_question_finds_its_page(
    add: Callable[..., str], monkeypatch: pytest.MonkeyPatch, way: str, question: str, page: int, words: list[str]
) -> None:
    file = add(*PAGES)
    if way == "comparison":
        monkeypatch.setattr(index, "is_indexed", lambda: False)
    found = best([file], question)
    assert pages_of(found)[:1] == [page]
    assert marked(found[0]) == words


def test_only_the_files_asked_for_are_searched(add: Callable[..., str]) -> None:
    one, other = add("Le palier de hauban"), add("Le palier de quille")
    assert [each.excerpt.file_id for each in best([one, other], "paliers")] == [one, other]
    assert [each.excerpt.text for each in best([other], "paliers")] == ["Le palier de quille"]
    assert best([other], "hauban") == best([], "palier") == best([one], "") == []


def test_the_headings_above_and_the_name_of_a_sheet_are_searched_too(site: Site, alice: Person) -> None:
    sentence = "Le chantier contrôle tout et note ce qui manque. "
    with site.rows() as rows:
        file = attached(site, "alice", "grue.xlsx", f"# Grue\n{sentence * 12}", sentence)
        rows.get(FilePage, (file, 2)).title = "Ponton nord"
        rows.commit()
        indexed(site, file)
        # Also on the next page.
        assert sorted(pages_of(best([file], "la grue"))) == [1, 1, 2]
        assert [each.title for each in best([file], "pontons")] == ["Ponton nord"]


def test_the_name_of_a_file_says_what_its_passages_are_about(site: Site, alice: Person) -> None:
    page = "Le délai est de six semaines."
    quote, contract = (indexed(site, attached(site, alice.name, name, page)) for name in ("Devis.pdf", "Contrat.pdf"))
    with site.app.app_context():
        for file, question in ((quote, "le délai du devis"), (contract, "le délai du contrat")):
            assert best([quote, contract], question)[0].excerpt.file_id == file


def test_two_passages_of_a_page_come_before_other_pages_and_the_rest_after(add: Callable[..., str]) -> None:
    paragraph = "Serrer la vis du palier au couple, contrôler, noter. " * 8
    file = add("\n\n".join([paragraph] * 6), "Le palier est en bronze, d’une pièce, et se contrôle chaque année.")
    found = pages_of(best([file], "vis palier couple"))
    assert (sorted(found[:3]), found[3:]) == ([1, 1, 2], [1])
    assert len(best([file], "palier", limit=20)) == 7


def test_a_question_of_stop_words_only_is_looked_for_as_it_is(add: Callable[..., str]) -> None:
    file = add("Rien à signaler.", "Où est-ce ? Au-dessus.")
    assert pages_of(best([file], "Où est-ce ?")) == [2]


def test_words_in_quotes_must_stand_there_as_they_are(add: Callable[..., str]) -> None:
    file = add("Vanne de coque fermée. Coque peinte.", "Vanne fermée, coque sèche. Vanne de purge.")
    assert pages_of(best([file], '"vanne de coque" purge')) == [1]
    assert pages_of(best([file], "vanne de coque, purge"))[0] == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text("ab1²½\"«»'*-/.:()^+ ANDORNEAR\0", max_size=40))
def test_no_question_fails(add: Callable[..., str], question: str) -> None:
    assert best(["f" * 16], question) == []


def test_the_longest_questions_do_not_fail(add: Callable[..., str]) -> None:
    file = add(*PAGES)
    for question in ('"' + "coque " * 5000 + '"', "a-1/" * 2000, " ".join(f'"mot {number}"' for number in range(2000))):
        assert best([file], question) == []
    assert pages_of(best([file], "coque étanche " * 2000)) == [1]


def test_passages_go_with_their_file(add: Callable[..., str]) -> None:
    db.session.delete(db.session.get(File, add(*PAGES)))
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(Passage)) == 0
    assert db.session.scalar(text(ROWS)) == 0


def test_passages_go_with_their_owner(add: Callable[..., str]) -> None:
    add(*PAGES)
    db.session.delete(db.session.scalars(select(User)).one())
    db.session.commit()
    assert db.session.scalar(text(ROWS)) == 0


@pytest.mark.slow
def test_five_thousand_pages_are_searched_in_a_moment(site: Site, alice: Person) -> None:
    sentence = (
        "Le chantier contrôle la coque, les vannes et les passe-coques avant chaque mise à l’eau, puis note tout. "
    )
    pages = [
        "\n\n".join(f"# Repère {number} partie {part}\n{sentence * 3} Lot {number * part}." for part in range(5))
        for number in range(1, 5001)
    ]
    file = indexed(site, attached(site, alice.name, "tout.pdf", *pages))
    with site.app.app_context():
        taken = []
        for question in ("Que contrôle le chantier avant de mettre une coque à l’eau ?", "repère 4321", "vannes"):
            began = time.thread_time()
            assert len(best([file], question)) == 4
            taken.append(time.thread_time() - began)
        assert pages_of(best([file], "repère 4321"))[0] == 4321
    # 0.02 to 0.06 s.
    assert max(taken) < 0.5
