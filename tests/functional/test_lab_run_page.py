"""The page of a run that waits, goes on or was cancelled: how many samples it says, and nothing that grows stale."""

import re

import pytest

from app.models.lab import LabRun, LabState, SampleState
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_lab_pages import text_of
from tests.support.lab import seed
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.site import Site


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


def facts(person: Person, run_id: int) -> str:
    (found,) = re.findall(r'<dl class="facts facts--dl">.*?</dl>', person.get(f"/lab/runs/{run_id}").text, re.DOTALL)
    return text_of(found)


def test_a_run_that_waits_says_none_in_hand_and_its_facts_stay_true(
    measuring: Measuring, bob: Person, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.hold(1))
    first = measuring.launch()
    ollama.reached(Phase.DECODING)
    second = measuring.launch()
    words = text_of(str(bob.get(f"/lab/runs/{second}/progress").json["html"])).replace("\xa0", " ")
    assert "Relevés pris : 0 sur 2" in words
    assert "Relevé 1" not in words
    for run_id in (first, second):
        told = facts(bob, run_id)
        assert "État" not in told
        assert re.search(r"Relevés 2 prévus", told)
    assert "Demandée" in facts(bob, second)
    for run_id in (second, first):
        measuring.lab.cancel(run_id)
        measuring.ended(run_id)


def test_a_run_that_was_cancelled_counts_what_was_taken(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        run = seed(2)
        total = len(run.samples)
        for sample in run.samples[5:]:
            sample.state = SampleState.WAITING
        run.state = LabState.CANCELLED
        rows.commit()
        run_id = run.id
    assert f"Relevés 5 / {total}" in facts(alice, run_id)
    words = text_of(alice.get(f"/lab/runs/{run_id}").text)
    assert "Ses 5 relevés" in words
    assert str(total) not in words.partition("Ses 5 relevés")[2].partition("Garder")[0]
    with site.rows() as rows:
        for sample in rows.get(LabRun, run_id).samples:
            sample.state = SampleState.WAITING
        rows.commit()
    assert "Ses 0" not in text_of(alice.get(f"/lab/runs/{run_id}").text)
