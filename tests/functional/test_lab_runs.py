"""Measuring runs by the pages: the form, the progress, cancelling and going on, what is refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.models.lab import LabRun, LabSample, LabState
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_lab_pages import text_of
from tests.support.lab import seed
from tests.support.lab_runs import STEADY
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TASK = "calc-total-price"
SMALL = {"model": "phi3:mini", "kind": "task", "tasks": TASK, "repeats": "1", "title": "Un essai"}


@pytest.fixture(autouse=True)
def steady(site: Site) -> None:
    """The machine that runs the tests is busy with other things, which must not decide what is stored."""
    site.app.extensions["lab"].retry_policy = STEADY


def launched(person: Person, **form: str) -> str:
    """Send the form; the path of the new run."""
    answer = person.submit("/lab/runs", SMALL | form)
    assert answer.status_code == 302, text_of(answer.text)
    return str(answer.location)


def state(person: Person, path: str) -> dict[str, object]:
    found: dict[str, object] = person.get(path + "/progress").json
    return found


def ended(person: Person, path: str) -> dict[str, object]:
    """What is told of a run once it is over."""
    wait_until(lambda: bool(state(person, path)["over"]), 30)
    return state(person, path)


def test_the_form_comes_filled_in(site: Site, alice: Person) -> None:
    page = alice.get("/lab/runs/new").text
    assert len(re.findall(r'name="model" value="[^"]+" checked', page)) == 2
    assert len(re.findall(r'name="kind" value="[^"]+" checked', page)) == 4
    alone = alice.get("/lab/runs/new?model=phi3:mini").text
    assert re.findall(r'name="model" value="([^"]+)" checked', alone) == ["phi3:mini"]


def test_a_run_is_begun_followed_and_shown(site: Site, alice: Person, bob: Person, ollama: FakeOllama) -> None:
    path = launched(alice)
    assert ended(bob, path)["state"] == "done"
    words = text_of(bob.get(path).text)
    assert "Un essai" in words
    assert "par Alice" in words
    assert "phi3:mini" in words
    assert "Un essai" in text_of(bob.get("/lab/runs").text)


def test_progress_says_what_is_in_hand(site: Site, alice: Person, bob: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    path = launched(alice, repeats="2")
    ollama.reached(Phase.DECODING)
    wait_until(lambda: state(bob, path)["model"] == "phi3:mini")
    told = state(bob, path)
    assert (told["state"], told["over"], told["done"]) == ("running", False, 0)
    assert told["total"]
    words = text_of(str(told["html"]))
    assert f"phi3:mini · {told['kind_name']} · {told['prompt']}" in words
    assert f"Relevé 1 sur {told['total']}" in words
    page = bob.get(path).text
    assert "data-progress-url-value" in page
    assert "Annuler la mesure" not in page
    assert "Annuler cette mesure\u202f?" not in page
    # The button asks first: what sends the form stands in a popover.
    asked = alice.get("/lab/runs").text.partition('popovertarget="cancel-')[2]
    assert re.search(
        r'popover role="dialog".*Annuler cette mesure.*/cancel".*>Annuler la mesure</button>', asked, re.DOTALL
    )


def test_a_run_is_cancelled_and_gone_on_with(site: Site, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    path = launched(alice)
    ollama.reached(Phase.DECODING)
    assert alice.submit(path + "/cancel", {}).status_code == 302
    assert ended(alice, path)["state"] == "cancelled"
    assert "Reprendre cette mesure" in alice.get(path).text
    assert alice.submit(path + "/resume", {}).status_code == 302
    assert ended(alice, path)["state"] == "done"
    assert alice.submit(path + "/cancel", {}).status_code == 409
    assert alice.submit(path + "/resume", {}).status_code == 409


def test_a_second_run_waits_and_says_so(site: Site, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    first = launched(alice)
    ollama.reached(Phase.DECODING)
    second = launched(alice, title="Le suivant")
    assert state(alice, second)["paused"] == "queued"
    assert "Attend la fin de la mesure précédente." in text_of(alice.get(second).text)
    alice.submit(first + "/cancel", {})
    assert ended(alice, second)["state"] == "done"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"model": ""}, "Le modèle"),
        ({"model": "absent"}, "Le modèle absent"),
        ({"repeats": "0"}, "repeats"),
        ({"repeats": "many"}, "repeats"),
        ({"threads": "two"}, "threads"),
        ({"tasks": "unknown-task"}, "unknown-task"),
        ({"kind": "weather"}, "kinds"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": "2,5"}, "temperature"),
        ({"readings": "5"}, "readings"),
        ({"seed": "-1"}, "seed"),
        ({"look": "1", "task": "unknown-task"}, "unknown-task"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_the_rest_kept(
    site: Site, alice: Person, form: dict[str, str], sentence: str
) -> None:
    answer = alice.submit("/lab/runs", SMALL | form)
    assert answer.status_code == 422
    words = text_of(answer.text)
    assert "La mesure n’a pas été lancée." in words
    assert 'value="Un essai"' in answer.text
    with site.rows() as rows:
        assert rows.query(LabRun).count() == 0


def test_an_interrupted_run_offers_to_go_on(site: Site, alice: Person, bob: Person) -> None:
    with site.rows() as rows:
        run = seed(2)
        run.state, run.error_code = LabState.FAILED, "engine_unreachable"
        run.samples[5].state = "waiting"
        rows.commit()
        path = f"/lab/runs/{run.id}"
    words = text_of(alice.get(path).text)
    assert "Cette mesure a été abandonnée. Ollama ne répond pas." in words
    assert "Régénérer" not in words
    assert "Reprendre cette mesure" in words
    assert "Reprendre cette mesure" not in bob.get(path).text


def test_the_machine_s_record_is_on_the_page_of_a_run(site: Site, bob: Person) -> None:
    with site.rows():
        path = f"/lab/runs/{seed(1).id}"
    (record,) = re.findall(r'<dl class="record">.*?</dl>', bob.get(path).text, re.DOTALL)
    words = text_of(record).replace("\xa0", " ")
    for seen in ("Processeur d’essai", "1 socket · 8 cœurs", "Nœuds de mémoire (NUMA) 1", "avx avx2 fma", "Ollama 1.1"):
        assert seen in words, seen
    assert "supposés" in words


def test_everything_the_command_can_set_can_be_set_in_the_form(site: Site, alice: Person) -> None:
    advanced = {
        "readings": "200 300", "crowds": "3", "context": "2048", "temperature": "0 0,7", "max_tokens": "64",
        "seed": "11", "task": "calc-vat", "kind": ["reading", "crowd", "task"],
    }  # fmt: skip
    form = SMALL | advanced | {"csrf_token": alice.token}
    path = alice.send("POST", "/lab/runs", data=form).location
    alice.submit(path + "/cancel", {})
    with site.rows() as rows:
        plan = rows.get(LabRun, int(path.rpartition("/")[2])).plan
    assert (plan["readings"], plan["crowds"], plan["tasks"]) == ([200, 300], [3], ["calc-vat"])
    assert (plan["max_tokens"], plan["seed"]) == (64, 11)
    assert [(one["context"], one["temperature"] or 0) for one in plan["settings"]] == [(2048, 0), (2048, 0.7)]


def test_what_a_plan_comes_to_is_told_before_it_is_begun(site: Site, alice: Person) -> None:
    form = {"look": "1", "kind": "reading", "readings": "100 200", "repeats": "5"}

    def told() -> str:
        answer = alice.submit("/lab/runs", SMALL | form)
        assert answer.status_code == 200
        assert 'value="100 200"' in answer.text
        assert re.search(r"<details class=.card more. open>", answer.text)
        return text_of(answer.text).replace("\u202f", " ").replace("\xa0", " ")

    # Of each repeat a warm-up and two readings.
    assert "15 relevés. Leur durée n’est pas connue" in told()
    with site.rows() as rows:
        assert rows.query(LabRun).count() == 0
        run = seed(1)
        for sample in run.samples:
            sample.started_at, sample.finished_at = NOON, NOON + timedelta(seconds=4)
        rows.query(LabSample).filter(LabSample.run_id != run.id).delete()
        rows.commit()
    assert "15 relevés. Environ 1 min" in told()
