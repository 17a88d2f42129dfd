"""How often the search finds the page that answers: forty questions about twelve documents of a boat yard."""

import tomllib

import pytest

from app.lab.task_files import LIBRARY
from app.models.passages import best
from tests.support.documents import attached, indexed
from tests.support.person import Person
from tests.support.site import Site

SAMPLES = LIBRARY[0].with_name("documents")
QUESTIONS = tomllib.loads((SAMPLES / "questions.toml").read_text())["question"]


def words(text: str) -> str:
    """The text with simple spaces."""
    return " ".join(text.split())


def pages_of(document: str) -> list[str]:
    return (SAMPLES / f"{document}.txt").read_text().split("\f")


def test_the_questions_are_about_pages_that_answer_them() -> None:
    documents = {path.stem for path in SAMPLES.glob("*.txt")}
    assert (len(QUESTIONS), len(documents)) == (40, 12)
    assert {each["document"] for each in QUESTIONS} == documents
    for each in QUESTIONS:
        assert words(each["answer"]) in words(pages_of(each["document"])[each["page"] - 1])


@pytest.mark.parametrize(("within", "expected"), [("all documents", 0.95), ("the right one", 1)])
def test_four_passages_have_the_page_that_answers(site: Site, alice: Person, within: str, expected: float) -> None:
    names = sorted({each["document"] for each in QUESTIONS})
    files = {name: indexed(site, attached(site, alice.name, name, *pages_of(name))) for name in names}
    found = answered = 0
    with site.app.app_context():
        for each in QUESTIONS:
            document = files[each["document"]]
            passages = best(list(files.values()) if within == "all documents" else [document], each["question"])
            right = [
                at.excerpt.text for at in passages if (at.excerpt.file_id, at.excerpt.page) == (document, each["page"])
            ]
            found += bool(right)
            answered += words(each["answer"]) in words("\n".join(right))
    assert found / len(QUESTIONS) >= expected
    # Also the very words that answer.
    assert answered / len(QUESTIONS) >= 0.9
