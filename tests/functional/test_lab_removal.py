"""Deleting measuring runs: with their samples, labels and votes; not while they are at work, not the company's own."""

import json

import pytest

from app.lab.presentation import exports
from app.lab.runs import archive
from app.models.lab import LabCampaign, LabMachine, LabRun, LabSample, LabVote
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_lab_labels import MAIL, USEFUL, listed
from tests.functional.test_lab_pages import text_of
from tests.support import votes
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


def test_a_run_goes_with_its_samples_and_its_label(measuring: Measuring, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(*[Scenario.answer(USEFUL)] * 2)
    run_id = measuring.launch(kinds=["task"], tasks=["calc-vat"])
    measuring.ended(run_id)
    wait_until(lambda: MAIL in listed(alice), 10)
    path = f"/lab/runs/{run_id}"
    page = text_of(alice.get(path).text)
    assert f"Supprimer « Mesure {run_id} » ?" in page.replace("\u202f", " ").replace("\u00a0", " ")
    assert "vote" not in page
    answer = alice.submit(path + "/delete", {})
    assert (answer.status_code, answer.location) == (302, "/lab/runs")
    assert "est supprimée" in text_of(alice.get("/lab/runs").text)
    assert alice.get(path).status_code == 404
    assert alice.submit(path + "/delete", {}).status_code == 404
    with measuring.site.rows() as rows:
        assert rows.query(LabSample).filter_by(run_id=run_id).count() == 0
    assert MAIL not in listed(alice)


def test_a_label_is_worked_out_anew_without_it(measuring: Measuring, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(*[Scenario.answer(USEFUL)] * 4)
    kept = measuring.launch(kinds=["task"], tasks=["calc-vat"])
    measuring.ended(kept)
    other = measuring.launch(models=["deepseek-r1:1.5b"], kinds=["task"], tasks=["calc-vat"])
    measuring.ended(other)
    wait_until(lambda: listed(alice).count(MAIL) == 2, 10)
    alice.submit(f"/lab/runs/{other}/delete", {})
    assert listed(alice).count(MAIL) == 1
    assert measuring.samples(kept)


def test_campaigns_on_its_answers_are_told_and_go_too(site: Site, alice: Person, bob: Person) -> None:
    number = votes.campaign(site)
    pair, _answers = votes.shown(bob, number)
    bob.submit(f"/lab/campaigns/{number}/votes", {"pair": pair, "choice": "first"})
    with site.rows() as rows:
        run_id = rows.get(LabCampaign, number).run_id
        assert rows.query(LabVote).count() == 1
    assert "1 campagne de votes" in text_of(alice.get(f"/lab/runs/{run_id}").text)
    assert alice.submit(f"/lab/runs/{run_id}/delete", {}).status_code == 302
    assert bob.get(f"/lab/campaigns/{number}").status_code == 404
    with site.rows() as rows:
        assert rows.query(LabVote).count() == 0


def test_a_run_at_work_is_cancelled_first(measuring: Measuring, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    run_id = measuring.launch(kinds=["task"], tasks=["calc-vat"])
    ollama.reached(Phase.DECODING)
    path = f"/lab/runs/{run_id}"
    assert 'id="delete-run"' not in alice.get(path).text
    answer = alice.submit(path + "/delete", {})
    assert (answer.status_code, "Cette mesure est encore en cours." in answer.text) == (409, True)
    alice.submit(path + "/cancel", {})
    assert alice.submit(path + "/delete", {}).status_code == 302
    # The sample that was in hand has nowhere to go, which is no trouble for the runs after it.
    assert measuring.taken(kinds=["reading"])


def test_what_was_measured_by_hand_stays_and_what_was_imported_goes(site: Site, alice: Person, bob: Person) -> None:
    with site.rows() as rows:
        archive.load_historical()
        by_hand = rows.query(LabRun).join(LabMachine).filter(LabMachine.source != "").first().id
        votes_run = votes.answered(site)
        told = json.loads(exports.json_text([votes_run]))
    assert 'id="delete-run"' not in alice.get(f"/lab/runs/{by_hand}").text
    answer = alice.submit(f"/lab/runs/{by_hand}/delete", {})
    assert (answer.status_code, "ne peut pas être supprimé" in answer.text) == (409, True)
    told["machines"][0]["fingerprint"] = told["runs"][0]["machine"] = "elsewhere"
    with site.app.app_context():
        (imported,) = (run.id for run in archive.import_archive(json.dumps(told)))
    assert 'id="delete-run"' not in bob.get(f"/lab/runs/{imported}").text
    assert bob.submit(f"/lab/runs/{imported}/delete", {}).status_code == 403
    assert alice.submit(f"/lab/runs/{imported}/delete", {}).status_code == 302
    with site.app.app_context():
        assert len(archive.import_archive(json.dumps(told))) == 1
