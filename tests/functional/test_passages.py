"""Passages in the database: stored with the pages of a file, found by what is asked, gone with the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import File, FilePage, Passage, User
from app.models import passages as index
from app.models.cutting import PassageCutter
from app.models.passages import FoundPassage, best, store
from tests.support.person import Person
from tests.support.site import Site

ROWS = "SELECT count(*) FROM passage_search"
PAGES = (
    "# Hivernage\nLa coque est étanche. Les filtres RX-204 sont remplacés.\n\nLa remise vaut 12 450 €.",
    "# Graissage\nGraisser le palier tous les ans, puis le joint.\n\nŒuvres vives : deux couches de peinture.",
    "# Vidange\nVider l’huile, puis remplir.",
)


@dataclass
class Documents:
    """Stores files of one person."""

    user: User

    def add(self, *pages: str, name: str = "manuel.pdf", titles: tuple[str, ...] = ()) -> File:
        file = File(user_id=self.user.id, sha256="0" * 64, name=name, size=1)
        db.session.add(file)
        db.session.flush()
        read = [
            SimpleNamespace(number=number, title=titles[number - 1] if titles else "", text=page)
            for number, page in enumerate(pages, 1)
        ]
        db.session.add_all(FilePage(file_id=file.id, number=p.number, title=p.title, content=p.text) for p in read)
        db.session.flush()
        store(file, read, PassageCutter())
        db.session.commit()
        return file


@pytest.fixture
def documents(site: Site, alice: Person) -> Iterator[Documents]:
    with site.rows() as rows:
        yield Documents(rows.scalars(select(User)).one())


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
    documents: Documents, monkeypatch: pytest.MonkeyPatch, way: str, question: str, page: int, words: list[str]
) -> None:
    file = documents.add(*PAGES)
    if way == "comparison":
        monkeypatch.setattr(index, "_is_indexed", lambda: False)
    found = best([file.id], question)
    assert pages_of(found)[:1] == [page]
    assert marked(found[0]) == words


def test_only_the_files_asked_for_are_searched(documents: Documents) -> None:
    one, other = documents.add("Le palier de hauban"), documents.add("Le palier de quille")
    assert [each.excerpt.file_id for each in best([one.id, other.id], "paliers")] == [one.id, other.id]
    assert [each.excerpt.text for each in best([other.id], "paliers")] == ["Le palier de quille"]
    assert best([other.id], "hauban") == best([], "palier") == best([one.id], "") == []


def test_the_headings_above_and_the_name_of_a_sheet_are_searched_too(documents: Documents) -> None:
    sentence = "Le chantier contrôle tout et note ce qui manque. "
    file = documents.add(f"# Grue\n{sentence * 12}", sentence, titles=("", "Ponton nord"))
    # Also on the next page.
    assert sorted(pages_of(best([file.id], "la grue"))) == [1, 1, 2]
    assert [each.title for each in best([file.id], "pontons")] == ["Ponton nord"]


def test_a_page_gives_two_passages_at_most(documents: Documents) -> None:
    paragraph = "Serrer la vis du palier au couple, contrôler, noter. " * 8
    file = documents.add("\n\n".join([paragraph] * 6), "Le palier est en bronze, d’une pièce, et se contrôle.")
    assert sorted(pages_of(best([file.id], "palier"))) == [1, 1, 2]


def test_a_question_of_stop_words_only_is_looked_for_as_it_is(documents: Documents) -> None:
    file = documents.add("Rien à signaler.", "Où est-ce ? Au-dessus.")
    assert pages_of(best([file.id], "Où est-ce ?")) == [2]


def test_words_in_quotes_must_stand_there_as_they_are(documents: Documents) -> None:
    file = documents.add("Vanne de coque fermée. Coque peinte.", "Vanne fermée, coque sèche. Vanne de purge.")
    assert pages_of(best([file.id], '"vanne de coque" purge')) == [1]
    assert pages_of(best([file.id], "vanne de coque, purge"))[0] == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text("ab1²½\"«»'*-/.:()^+ ANDORNEAR\0", max_size=40))
def test_no_question_fails(documents: Documents, question: str) -> None:
    assert best(["f" * 16], question) == []


def test_passages_go_with_their_file(documents: Documents) -> None:
    documents.add(*PAGES).delete()
    assert db.session.scalar(select(func.count()).select_from(Passage)) == 0
    assert db.session.scalar(text(ROWS)) == 0


def test_passages_go_with_their_owner(site: Site, documents: Documents) -> None:
    documents.add(*PAGES)
    db.session.delete(documents.user)
    db.session.commit()
    assert db.session.scalar(text(ROWS)) == 0
