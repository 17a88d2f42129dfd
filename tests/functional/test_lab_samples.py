"""The samples behind the figures: found by what they measured, shown whole, overruled by a person."""

import re

import pytest

from app.errors import SENTENCES
from app.models.lab import LabCampaign, LabSample, SampleKind, Verdict
from tests.functional.test_lab_pages import text_of
from tests.support.lab import seed
from tests.support.person import Person, problem
from tests.support.site import Site

NOTE = "Le ton ne va pas."


@pytest.fixture
def run_id(site: Site) -> int:
    """The later of two runs of two models."""
    with site.rows():
        return seed(2).id


def one(site: Site, **wanted: object) -> LabSample:
    """A sample with these columns."""
    with site.rows() as rows:
        found = rows.query(LabSample).filter_by(**wanted).order_by(LabSample.id.desc()).first()
        assert found
        return found


def test_samples_are_found_by_what_they_measured(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        everything = rows.query(LabSample).filter_by(run_id=run_id)
        wanted = {
            "": everything.count(),
            "&kind=load": everything.filter_by(kind=SampleKind.LOAD).count(),
            "&kind=reading&prompt=1000&model=modele-b:4b": 3,
            "&kind=task&model=modele-a:1.5b&setting=0-4-0-0": 6,
            "&model=unknown": 0,
        }
    for query, count in wanted.items():
        words = text_of(bob.get(f"/lab/samples?run={run_id}{query}").text)
        assert re.search(rf"Relevés {count} relevés?\b", words), (query, count, words[:400])


def test_many_samples_are_a_hundred_a_page(site: Site, bob: Person, run_id: int) -> None:
    first = bob.get(f"/lab/samples?run={run_id}").text
    assert first.count('class="row__link"') == 100
    second = bob.get(f"/lab/samples?run={run_id}&page=2").text
    assert 'rel="prev"' in second
    assert not set(re.findall(r"/lab/samples/\d+", first)) & set(re.findall(r"/lab/samples/\d+", second))
    assert bob.get("/lab/samples?page=0").status_code == 200
    answer = bob.get("/lab/samples?page=-1", headers={"Accept": "application/json"})
    assert problem(answer) == (422, "invalid_field")


def test_every_kind_and_state_of_sample_has_its_page(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        ids = [row.id for row in rows.query(LabSample).filter_by(run_id=run_id)]
    for sample_id in ids:
        assert bob.get(f"/lab/samples/{sample_id}").status_code == 200
    failed = text_of(bob.get(f"/lab/samples/{one(site, error_code='engine_cut').id}").text)
    assert "Ce relevé a échoué. Ollama" in failed
    assert "connection closed" not in failed
    assert "Autre chose occupait le serveur." in text_of(bob.get(f"/lab/samples/{one(site, disturbed=True).id}").text)
    assert "Une mise en route." in text_of(bob.get(f"/lab/samples/{one(site, warmup=True).id}").text)


def test_the_cause_of_a_failure_is_the_administrator_s(site: Site, alice: Person, run_id: int) -> None:
    assert "connection closed" in alice.get(f"/lab/samples/{one(site, error_code='engine_cut').id}").text


def test_an_answer_is_shown_as_text_whatever_is_in_it(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        sample = rows.query(LabSample).filter_by(run_id=run_id, kind=SampleKind.TASK, state="done").first()
        sample.answer = '<script>alert(1)</script> "><img onerror=x>'
        sample.judgement = sample.judgement | {"log": "</pre><b>log</b>"}
        rows.commit()
        sample_id = sample.id
    page = bob.get(f"/lab/samples/{sample_id}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "</pre><b>" not in page


def test_an_unknown_sample_or_run_is_not_found(site: Site, bob: Person, run_id: int) -> None:
    for path in ("samples/999999", f"samples/{2**63}", "runs/999999", f"runs/{2**70}", "runs/999999/progress"):
        assert bob.get(f"/lab/{path}").status_code == 404, path


def test_a_person_s_word_counts_with_its_note_until_it_is_taken_back(
    site: Site, alice: Person, bob: Person, run_id: int
) -> None:
    sample = one(site, run_id=run_id, verdict=Verdict.PASSED, warmup=False)
    path = f"/lab/samples/{sample.id}/verdict"
    assert alice.submit(path, {"verdict": "failed", "note": NOTE}).status_code == 302
    kept = one(site, id=sample.id)
    assert (kept.final_verdict, kept.overruled_note, kept.verdict) == (Verdict.FAILED, NOTE, Verdict.PASSED)
    words = text_of(bob.get(f"/lab/samples/{sample.id}").text)
    assert NOTE in words
    assert "Alice" in words
    assert "par une personne" in text_of(bob.get(f"/lab/samples?run={run_id}&kind=task&prompt={sample.prompt}").text)
    assert alice.submit(path, {"verdict": "", "note": NOTE}).status_code == 302
    back = one(site, id=sample.id)
    assert (back.final_verdict, back.overruled, back.overruled_note) == (Verdict.PASSED, None, "")


@pytest.mark.parametrize("note", ["", "   ", "x" * 1001])
def test_a_word_without_its_reason_is_not_taken(site: Site, alice: Person, run_id: int, note: str) -> None:
    sample = one(site, run_id=run_id, verdict=Verdict.PASSED, warmup=False)
    answer = alice.submit(f"/lab/samples/{sample.id}/verdict", {"verdict": "failed", "note": note})
    assert answer.status_code == 422
    assert "Dites pourquoi" in answer.text
    assert one(site, id=sample.id).overruled is None


def test_only_a_judged_answer_can_be_overruled_and_by_known_words(site: Site, alice: Person, run_id: int) -> None:
    reading = one(site, run_id=run_id, kind=SampleKind.READING)
    task = one(site, run_id=run_id, verdict=Verdict.PASSED)
    for sample, verdict in ((reading, "failed"), (task, "splendid")):
        answer = alice.send(
            "POST", f"/lab/samples/{sample.id}/verdict", headers={"Accept": "application/json"},
            data={"csrf_token": alice.token, "verdict": verdict, "note": NOTE},
        )  # fmt: skip
        assert problem(answer) == (422, "invalid_field")


def test_the_ranking_heeds_a_person_s_word(site: Site, alice: Person, run_id: int) -> None:
    def quality() -> str:
        (found,) = re.findall(r'data-key="modele-b:4b[^"]*"[^>]* data-quality="([^"]*)"', alice.get("/lab/").text)
        return found

    before = float(quality())
    with site.rows() as rows:
        good = rows.query(LabSample).filter_by(run_id=run_id, model="modele-b:4b", verdict=Verdict.PASSED)
        passed = [row.id for row in good]
    for sample_id in passed:
        alice.submit(f"/lab/samples/{sample_id}/verdict", {"verdict": "failed", "note": NOTE})
    assert float(quality()) < before


def test_a_sample_that_failed_says_why_whatever_the_code(site: Site, bob: Person, run_id: int) -> None:
    sample = one(site, error_code="engine_cut")
    for code in [*SENTENCES, "a_code_of_another_version"]:
        with site.rows() as rows:
            rows.get(LabSample, sample.id).error_code = code
            rows.commit()
        answer = bob.get(f"/lab/samples/{sample.id}")
        assert answer.status_code == 200, code
        words = text_of(answer.text)
        assert "Ce relevé a échoué." in words, code
        assert "%(" not in words, code
        if code.startswith("engine_"):
            # Nobody asked a question here.
            assert "Régénérer" not in words, code
            assert "Votre question" not in words, code
    with site.rows() as rows:
        rows.get(LabSample, sample.id).error_code = "engine_load_failed"
        rows.commit()
    assert f"Le modèle {sample.model} n’a pas pu être chargé." in text_of(bob.get(f"/lab/samples/{sample.id}").text)


def test_a_disturbed_sample_says_whether_it_was_taken_again(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        rows.query(LabSample).filter_by(disturbed=True).delete()
        first = rows.query(LabSample).filter_by(run_id=run_id, kind=SampleKind.READING).first()
        first.disturbed, first.state = True, "done"
        rows.commit()
        sample_id, place = first.id, {"run_id": run_id, "position": first.position, "attempt": 2}
        told = {"kind": first.kind, "model": first.model, "prompt": first.prompt}
    assert "le relevé compte tel quel" in text_of(bob.get(f"/lab/samples/{sample_id}").text)
    with site.rows() as rows:
        rows.add(LabSample(state="done", setting={}, metrics={}, **place, **told))
        rows.commit()
    words = text_of(bob.get(f"/lab/samples/{sample_id}").text)
    assert "Le relevé a été refait" in words
    assert "compte tel quel" not in words


def test_answers_that_are_voted_on_are_the_administrator_s_until_the_end(
    site: Site, alice: Person, bob: Person, run_id: int
) -> None:
    sample = one(site, run_id=run_id, verdict=Verdict.PASSED, warmup=False)
    path = f"/lab/samples/{sample.id}"
    assert "La livraison est décalée" in bob.get(path).text
    with site.rows() as rows:
        rows.add(LabCampaign(title="", run_id=run_id, models=[sample.model], prompts=[sample.prompt]))
        rows.commit()
    words = text_of(bob.get(path).text)
    assert "Cette réponse est soumise au vote." in words
    assert "La livraison est décalée" not in words
    assert "La livraison est décalée" in alice.get(path).text
    other = one(site, run_id=run_id, verdict=Verdict.PASSED, warmup=False, model=sample.model, prompt="summary-title")
    assert "La livraison est décalée" in bob.get(f"/lab/samples/{other.id}").text
    with site.rows() as rows:
        rows.query(LabCampaign).update({"closed": "ended"})
        rows.commit()
    assert "La livraison est décalée" in bob.get(path).text


def test_only_what_samples_are_looked_for_by_is_kept_in_the_links(alice: Person, run_id: int) -> None:
    answer = alice.get(f"/lab/samples?run={run_id}&_method=POST&endpoint=x&_scheme=javascript&_external=1&_anchor=zz")
    assert answer.status_code == 200
    assert "zz" not in re.findall(r'href="([^"]*lab/samples[^"]*)"', answer.text)[0]
