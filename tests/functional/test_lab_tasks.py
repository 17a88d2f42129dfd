"""The tasks on the pages: all of them shown, one's own added, a useless one refused with line and reason."""

import re

import pytest

from app.lab import task_files
from tests.functional.test_lab_pages import text_of
from tests.support.person import Person
from tests.support.site import Site

EXAMPLE = task_files.EXAMPLE_TASK.read_text()


def test_every_task_is_listed_and_has_its_page(site: Site, bob: Person) -> None:
    tasks = site.app.extensions["lab"].tasks().tasks
    page = bob.get("/lab/tasks").text
    listed = re.findall(r'href="/lab/tasks/([a-z0-9-]+)"', page)
    assert sorted(listed) == sorted(tasks)
    assert len(listed) >= 60
    for name in listed:
        words = text_of(bob.get(f"/lab/tasks/{name}").text)
        assert " ".join(tasks[name].question.split())[:60] in words, name
    assert bob.get("/lab/tasks/no-such-task").status_code == 404


def test_a_task_of_one_s_own_is_added(site: Site, alice: Person, bob: Person) -> None:
    assert "rappel-cotisation" in alice.get("/lab/tasks").text  # the example to begin with
    answer = alice.submit("/lab/tasks", {"text": EXAMPLE})
    assert answer.location == "/lab/tasks/rappel-cotisation"
    assert "Rappeler une cotisation" in bob.get(answer.location).text
    again = alice.submit("/lab/tasks", {"text": EXAMPLE})
    assert again.status_code == 422
    assert "rappel-cotisation" in text_of(again.text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (EXAMPLE.replace('bad = "Payez 45 €."', f'bad = "{"Un mot. " * 12}"'), None),
        (EXAMPLE.replace('type = "length" ', 'type = "lenght" '), None),
        ("[broken\n", 1),
        ("", 1),
        (EXAMPLE.replace("max_tokens = 200", f"max_tokens = {'9' * 5000}"), None),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_nothing_is_lost(
    site: Site, alice: Person, text: str, line: int | None
) -> None:
    answer = alice.submit("/lab/tasks", {"text": text})
    assert answer.status_code == 422
    (said,) = re.findall(r'id="text-error">.*?<span>(.*?)</span>', answer.text, re.DOTALL)
    number = re.match(r"Ligne (\d+)\u00a0: ", said)
    assert number, said
    assert line is None or int(number[1]) == line
    assert "aria-invalid" in answer.text
    if text:
        assert text.splitlines()[0] in answer.text
    assert "rappel-cotisation" not in site.app.extensions["lab"].tasks().tasks


def test_a_task_that_is_far_too_long_is_refused(site: Site, alice: Person) -> None:
    assert alice.submit("/lab/tasks", {"text": "#" * 60_001}).status_code == 413


def test_a_damaged_file_is_told_and_the_others_work(site: Site, bob: Person) -> None:
    folder = site.app.extensions["lab"].task_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "casse.toml").write_text("[une-tache]\nname = \n")
    words = text_of(bob.get("/lab/tasks").text)
    assert "casse.toml, ligne 2" in words
    assert "Répondre à un mail de dix lignes" in words
