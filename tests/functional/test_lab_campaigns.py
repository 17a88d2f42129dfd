"""Campaigns of blind votes: where their answers come from, and what is refused."""

import pytest

from app.models.lab import LabCampaign, LabRun, LabSample, LabState, SampleState
from tests.functional.test_lab_pages import text_of
from tests.support.lab_runs import STEADY
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site
from tests.support.votes import MODELS, PROMPTS, answered, campaign, shown, vote_all


def make(person: Person, **form: object) -> object:
    wanted = {"model": ["phi3:mini", "deepseek-r1:1.5b"], "prompt": list(PROMPTS), "title": "À l’aveugle"} | form
    return person.send("POST", "/lab/campaigns", data={"csrf_token": person.token, **wanted})


def test_a_campaign_takes_the_answers_of_an_ended_run(site: Site, alice: Person) -> None:
    run = answered(site, ("deepseek-r1:1.5b", "phi3:mini"))
    answered(site, ("phi3:mini",))
    assert make(alice).status_code == 302
    with site.rows() as rows:
        assert rows.query(LabCampaign).one().run_id == run
        assert rows.query(LabRun).count() == 2


def test_otherwise_a_run_asks_for_them(site: Site, alice: Person, bob: Person) -> None:
    site.app.extensions["lab"].retry_policy = STEADY
    sent = make(alice)
    assert sent.status_code == 302
    wait_until(lambda: bool(shown(bob, 1)[0]), 30)
    with site.rows() as rows:
        run = rows.query(LabCampaign).one().run
        assert (run.plan["kinds"], run.plan["repeats"], run.title) == (["task"], 1, "À l’aveugle")
    assert vote_all(bob, 1) == len(PROMPTS)


def test_nothing_is_voted_on_before_all_answers_are_there(site: Site, alice: Person, bob: Person) -> None:
    run = answered(site, MODELS[:2], PROMPTS[:1], state="running")
    with site.rows() as rows:
        rows.add(LabCampaign(title="", run_id=run, models=list(MODELS[:2]), prompts=list(PROMPTS)))
        rows.commit()
    assert "Les réponses sont encore en cours d’écriture" in text_of(bob.get("/lab/campaigns/1").text)
    assert shown(bob, 1) == ("", [])


def test_the_answer_that_nothing_disturbed_is_shown(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site, MODELS[:2], PROMPTS[:1])
    with site.rows() as rows:
        old = rows.query(LabSample).filter_by(model=MODELS[0]).one()
        old.disturbed = True
        again = {"position": old.position, "attempt": 2, "kind": "task", "model": old.model, "prompt": old.prompt}
        rows.add(LabSample(run_id=old.run_id, state=SampleState.DONE, setting={}, answer="Sans bruit", **again))
        rows.commit()
    assert "Sans bruit" in shown(bob, number)[1]


def test_nothing_is_voted_on_while_a_disturbed_answer_is_to_be_taken_again(
    site: Site, alice: Person, bob: Person
) -> None:
    number = campaign(site, MODELS[:2], PROMPTS[:1])
    with site.rows() as rows:
        old = rows.query(LabSample).filter_by(model=MODELS[0]).one()
        old.disturbed, old.run.state = True, LabState.RUNNING
        again = {"position": old.position, "attempt": 2, "kind": "task", "model": old.model, "prompt": old.prompt}
        rows.add(LabSample(run_id=old.run_id, setting={}, **again))
        rows.commit()
    assert shown(bob, number) == ("", [])


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"model": ["phi3:mini"]}, "Choisissez de 2 à 4 modèles"),
        ({"model": ["phi3:mini", "phi3:mini"]}, "Choisissez de 2 à 4 modèles"),
        ({"model": list("abcde")}, "Choisissez de 2 à 4 modèles"),
        ({"model": ["phi3:mini", "absent"]}, "absent"),
        ({"prompt": []}, "Choisissez au moins une question"),
        ({"prompt": [f"task-{index}" for index in range(31)]}, "Choisissez au moins une question"),
        ({"prompt": ["unknown-task"]}, "unknown-task"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_the_rest_kept(
    site: Site, alice: Person, form: dict[str, object], sentence: str
) -> None:
    answer = make(alice, **form)
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)
    assert 'value="À l’aveugle"' in answer.text
    with site.rows() as rows:
        assert rows.query(LabCampaign).count() == 0


def test_unknown_campaigns(site: Site, alice: Person) -> None:
    for path in ("9", "9/results", "9/votes/1", str(2**70)):
        assert alice.get(f"/lab/campaigns/{path}").status_code == 404
    assert alice.submit("/lab/campaigns/9/votes", {}).status_code == 404
    assert alice.submit("/lab/campaigns/9/close", {}).status_code == 404
