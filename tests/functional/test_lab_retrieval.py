"""`flask labo retrieval`: how often the search finds the page that answers, in the program's documents and others."""

import pytest
from click.testing import Result

from app.lab import retrieval
from app.models import File, FilePage, Passage, User
from tests.support.site import Site

QUESTION = '[[question]]\nquestion = "Quel délai ?"\ndocument = "contrat"\npage = 2\nanswer = "six semaines"\n'


def run(site: Site) -> Result:
    return site.app.test_cli_runner().invoke(args=["labo", "retrieval"])


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


def test_the_program_s_documents_are_searched_and_nothing_of_them_is_kept(site: Site) -> None:
    result = run(site)
    assert result.exit_code == 0, result.output
    (line,) = plain(result.output).splitlines()
    assert line.startswith("Documents du programme : 40 questions sur 12 documents. La bonne page vient en tête pour ")
    with site.app.app_context():
        found = retrieval.recall(retrieval.LIBRARY)
    assert found.questions >= found.shown >= 0.9 * found.questions
    assert found.shown >= found.first >= 0.7 * found.questions
    with site.rows() as rows:
        assert [rows.query(table).count() for table in (User, File, FilePage, Passage)] == [0, 0, 0, 0]
        assert rows.connection().exec_driver_sql("SELECT count(*) FROM passage_search").scalar() == 0


def test_a_company_s_documents_are_measured_beside_them(site: Site) -> None:
    folder = site.app.extensions["lab"].task_folder / "documents"
    folder.mkdir(parents=True)
    (folder / "contrat.txt").write_text("Voiles neuves, coupe et tissu.\fLe délai est de six semaines.")
    (folder / "devis.txt").write_text("Prix des voiles : 4 000 €.")
    missed = QUESTION.replace("Quel délai ?", "Combien coûtent les parapluies ?")
    (folder / "questions.toml").write_text(QUESTION + missed)
    _, own = plain(run(site).output).splitlines()
    assert own == (
        "Documents de l’entreprise : 2 questions sur 2 documents. La bonne page vient en tête pour 50 % d’entre elles, "
        "et parmi les quatre extraits montrés pour 50 %."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            QUESTION + "\n" + QUESTION.replace('"contrat"', '"bail"'),
            "Ligne 7 : La réponse ne se trouve pas à la page 2",
        ),
        (
            QUESTION.replace("page = 2", "page = 1"),
            "Ligne 1 : La réponse ne se trouve pas à la page 1 d’un document « contrat »",
        ),
        (QUESTION.replace("page = 2\n", ""), "Ligne 1 : Il manque « page »"),
        (QUESTION.replace("page = 2", "page = 'deux'"), "Ligne 1 : « page » doit être un nombre entier"),
        ("question = 3\n", "Ligne 1 : Il manque « [[question]] »"),
        ("[[question\n", "Ligne 1 : "),
    ],
)
def test_a_question_that_is_wrong_is_told_with_its_line(site: Site, text: str, told: str) -> None:
    folder = site.app.extensions["lab"].task_folder / "documents"
    folder.mkdir(parents=True)
    (folder / "contrat.txt").write_text("Voiles neuves.\fLe délai est de six\nsemaines.")
    (folder / "questions.toml").write_text(text)
    result = run(site)
    assert result.exit_code == 1
    assert told in plain(result.output)
