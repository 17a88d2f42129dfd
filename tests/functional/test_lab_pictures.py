"""Questions about pictures in the Labo: asked of models that see, left out for the others, shown on their page."""

import re
from base64 import b64decode
from collections.abc import Iterator

import pytest

from app.extraction.pictures import media_type, without_metadata
from app.lab.runs.runner import judge_office
from app.lab.task_files import IMAGES, LIBRARY, PICTURES, Task, load_tasks, parse_tasks
from app.models.lab import Verdict
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_lab_pages import text_of
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.site import Site

SEES, BLIND = "gemma3:4b", "phi3:mini"
LOADED = load_tasks(LIBRARY)
TASKS = [task for task in LOADED.tasks.values() if task.category == IMAGES]


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A stand-in with a model that sees and one that does not."""
    with FakeOllama([BLIND, SEES]) as running:
        yield running


def test_there_are_six_small_pictures() -> None:
    assert not LOADED.problems
    assert len({task.image for task in TASKS}) == len(TASKS) == 6
    for task in TASKS:
        (data,) = map(b64decode, task.images)
        assert media_type(data[:12]) == "image/jpeg"
        assert len(data) < 40_000
        assert without_metadata(data) == data


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_who_sees_nothing_gets_nothing(task: Task) -> None:
    for useless in (
        "Je ne peux pas voir l’image.",
        "L’image montre un bateau au port.",
        "Bien sûr ! Voici la réponse.",
    ):
        assert judge_office(task, useless).verdict is Verdict.FAILED
    assert judge_office(task, task.good).verdict is Verdict.PASSED


def test_a_picture_that_is_not_there_is_refused_with_its_line() -> None:
    wanted = (LIBRARY[2] / "questions.toml").read_text().replace('image = "port.jpg"', 'image = "../etc/passwd"')
    _, problems = parse_tasks(wanted, "eigene.toml")
    assert [(one.code, one.params) for one in problems] == [
        ("task_no_such_image", {"key": "image", "name": "../etc/passwd"})
    ]
    assert wanted.splitlines()[problems[0].line - 1] == 'image = "../etc/passwd"'


def test_a_model_that_sees_gets_the_picture_as_in_the_chat(site: Site, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Une."), Scenario.answer("Le total TTC est de 1 488,00 €."))
    (sample,) = Measuring(site).taken(models=[SEES], kinds=["task"], tasks=["image-invoice"])
    assert (sample.verdict, sample.score) == (Verdict.PASSED, 1.0)
    _, question = ollama.received("/api/chat")[-1]["messages"]
    assert question["content"].startswith("Image jointe « facture.jpg ».\n\nQuel est le total TTC ?")
    assert [b64decode(image) for image in question["images"]] == [(PICTURES / "facture.jpg").read_bytes()]


def test_models_that_see_nothing_are_left_out_with_a_word(site: Site, alice: Person) -> None:
    measuring = Measuring(site)
    office = next(task.id for task in LOADED.tasks.values() if task.short)
    plan = {"models": [BLIND, SEES], "kinds": ["task"], "repeats": 1}
    samples = measuring.taken(**plan, tasks=["image-invoice", office])
    assert {(one.model, one.prompt) for one in samples} == {(BLIND, office), (SEES, office), (SEES, "image-invoice")}
    form = {"model": [BLIND, SEES], "kind": ["task"], "tasks": "images", "repeats": "1", "look": "1"}
    page = alice.send("POST", "/lab/runs", data={"csrf_token": alice.token, **form})
    words = "ne sont pas pour les modèles qui n’en voient pas : phi3:mini."
    assert words in re.sub(r"\s+", " ", text_of(page.text)), text_of(page.text)[:3000]


def test_the_page_of_a_task_shows_its_picture(alice: Person) -> None:
    assert '<img class="task__picture" src="data:image/jpeg;base64,/9j/' in alice.get("/lab/tasks/image-harbour").text
