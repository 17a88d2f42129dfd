"""What was measured here, told in the chat's list of models."""

import pytest

from app.models.lab import LabSample
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_lab_pages import text_of
from tests.support import lab
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site

TASKS = ["calc-vat", "calc-total-price"]
MAIL = "répond à un mail de 10 lignes en environ"
# Right, and longer than the task wants it: long enough for a rate.
USEFUL = "1 740 €. " + " ".join(f"Article {number} compris." for number in range(20))


@pytest.fixture
def measured(site: Site, ollama: FakeOllama) -> int:
    """A run of one model on one task, whose label is told."""
    measuring = Measuring(site)
    ollama.script(*[Scenario.answer(USEFUL)] * 4)
    run_id = measuring.launch(kinds=["task"], tasks=TASKS[:1])
    measuring.ended(run_id)
    return run_id


def listed(person: Person) -> str:
    """The list of models in the chat."""
    page = person.get("/").text.partition('id="model-menu"')[2]
    return text_of(page.partition("</div>\n</div>")[0]).replace("\u202f", " ")


def test_a_measured_model_has_its_label_in_the_chat(alice: Person, measured: int) -> None:
    wait_until(lambda: MAIL in listed(alice), 10)
    models = listed(alice)
    assert models.count(MAIL) == 1
    assert "classe d’énergie A" in models


def test_a_person_s_word_changes_the_label(site: Site, alice: Person, measured: int) -> None:
    wait_until(lambda: MAIL in listed(alice), 10)
    assert "Bon pour" not in listed(alice)
    with site.rows() as rows:
        task = rows.query(LabSample).filter_by(run_id=measured, kind="task", warmup=False).one()
        # The same answer to a second task of its kind, so that there is something to be good at.
        other = {
            "position": 90,
            "prompt": TASKS[1],
            "state": task.state,
            "metrics": task.metrics,
            "setting": task.setting,
        }
        second = LabSample(run_id=measured, kind="task", model=task.model, verdict="failed", score=0.0, **other)
        rows.add(second)
        rows.commit()
        samples = [task.id, second.id]
    for sample in samples:
        alice.submit(f"/lab/samples/{sample}/verdict", {"verdict": "passed", "note": "Juste."})
    assert "Calculs" in listed(alice)


def test_what_another_machine_measured_is_not_told(site: Site, alice: Person) -> None:
    with site.app.app_context():
        lab.seed(2)
        site.app.extensions["lab"].publish()
    assert MAIL not in listed(alice)
