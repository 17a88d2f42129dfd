"""What goes wrong while measuring: the sample fails with its reason, the run goes on, and nothing taken is lost."""

from collections.abc import Callable

import pytest
import requests

from app.lab.measuring.sampler import LONGEST_CHARACTERS
from app.lab.runs.runner import RetryPolicy
from app.models.lab import LabState, SampleState, Verdict
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.lab_runs import Measuring
from tests.support.site import Site

TASKS = ["calc-total-price", "calc-vat"]


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (Scenario.drop(), "engine_cut"),
        (Scenario.cut(), "engine_cut"),
        (Scenario.garbage(), "engine_garbled"),
        (Scenario.refused(500, "out of memory"), "engine_no_memory"),
        (Scenario.mid_stream_error(message="llama runner crashed"), "engine_failed"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_answer_that_breaks_fails_its_sample_only(
    measuring: Measuring, ollama: FakeOllama, scenario: Scenario, code: str
) -> None:
    ollama.script(Scenario.answer(), scenario)
    broken, whole = measuring.taken(kinds=["task"], tasks=TASKS)
    assert (broken.state, broken.error_code, broken.verdict) == (SampleState.FAILED, code, None)
    assert (whole.state, whole.error_code) == (SampleState.DONE, None)
    assert broken.finished_at is not None


def test_an_answer_that_ollama_ends_because_it_loops_is_judged(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), Scenario.answer("Voici : " + "ha " * 99))
    looping, _ = measuring.taken(kinds=["task"], tasks=TASKS)
    assert (looping.state, looping.error_code) == (SampleState.DONE, None)
    assert (looping.verdict, looping.score) == (Verdict.FAILED, 0.0)
    assert "loop" in looping.judgement["failures"]


def test_an_answer_of_a_hundred_thousand_characters_is_cut(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), Scenario.one_token("x" * 100_000))
    long, short = measuring.taken(kinds=["task"], tasks=TASKS)
    assert (long.state, long.error_code) == (SampleState.FAILED, "answer_too_long")
    assert long.answer == "x" * LONGEST_CHARACTERS
    assert short.state == SampleState.DONE


def test_zeros_which_not_every_database_stores_are_left_out(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), Scenario.one_token("a\0b"))
    strange, _ = measuring.taken(kinds=["task"], tasks=TASKS)
    assert (strange.state, strange.answer) == (SampleState.DONE, "ab")


def test_a_model_that_vanishes_fails_its_samples_and_the_others_go_on(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold())
    run_id = measuring.launch(models=["phi3:mini", "deepseek-r1:1.5b"], readings=[100, 1000])
    begun = ollama.reached(Phase.PREFILL).model
    (gone,) = {"phi3:mini", "deepseek-r1:1.5b"} - {begun}
    assert requests.delete(f"{ollama.url}/api/delete", json={"model": gone}, timeout=5).ok
    ollama.release()
    assert measuring.ended(run_id).state == LabState.DONE
    states = {(sample.model, sample.state, sample.error_code) for sample in measuring.samples(run_id)}
    assert states == {(begun, "done", None), (gone, "failed", "unknown_model")}


def test_a_task_that_was_removed_fails_its_samples(measuring: Measuring, ollama: FakeOllama) -> None:
    own = measuring.lab.task_folder / "own.toml"
    own.parent.mkdir()
    own.write_text(
        '[own-task]\nname = "À nous"\nquestion = "Dis oui."\ngood = "Oui."\n'
        '[[own-task.check]]\ntype = "regex"\npattern = "[Oo]ui"\nbad = "Non."\n'
    )
    ollama.script(Scenario.hold(), Scenario.answer("Oui."))
    first = measuring.launch()
    ollama.reached(Phase.PREFILL)
    kept = measuring.launch(kinds=["task"], tasks=["own-task"], repeats=2)
    own.unlink()
    ollama.release()
    assert measuring.ended(first).state == LabState.DONE
    assert measuring.ended(kept).state == LabState.DONE
    assert {sample.error_code for sample in measuring.samples(kept)} == {"unknown_task"}


def test_an_engine_that_stays_away_ends_the_run_which_can_go_on_later(make_site: Callable[..., Site]) -> None:
    with FakeOllama() as ollama:
        port = ollama.port
        measuring = Measuring(make_site(OLLAMA_HOST=ollama.url).start(ollama))
        measuring.lab.retry_policy = RetryPolicy(tries=1, quiet_s=0, away_s=0.2)
        ollama.script(Scenario.answer(), Scenario.hold(1))
        run_id = measuring.launch(kinds=["task"], tasks=[*TASKS, "calc-discount"])
        ollama.reached(Phase.DECODING, 1)
    run = measuring.ended(run_id)
    assert (run.state, run.error_code) == (LabState.FAILED, "engine_cut")
    states = [sample.state for sample in measuring.samples(run_id)]
    assert states == [SampleState.FAILED, SampleState.WAITING, SampleState.WAITING]
    with FakeOllama(port=port):
        measuring.lab.resume(run_id)
        assert measuring.ended(run_id).state == LabState.DONE
        assert [sample.state for sample in measuring.samples(run_id)] == ["failed", "done", "done"]


def test_a_server_that_is_restarted_goes_on_with_what_is_left(
    make_site: Callable[..., Site], site: Site, ollama: FakeOllama
) -> None:
    before = Measuring(site)
    ollama.script(Scenario.answer(), Scenario.answer(), Scenario.hold(5))
    run_id = before.launch(kinds=["task"], tasks=TASKS)
    ollama.reached(Phase.DECODING, 2)
    site.stop()
    taken, left = before.samples(run_id)
    assert (taken.state, left.state) == (SampleState.DONE, SampleState.WAITING)
    assert before.run(run_id).state == LabState.RUNNING
    after = Measuring(make_site().start(ollama))
    after.lab.start()
    assert after.ended(run_id).state == LabState.DONE
    again, last = after.samples(run_id)
    assert (again.id, again.finished_at) == (taken.id, taken.finished_at)
    assert (last.id, last.attempt, last.state) == (left.id, 1, SampleState.DONE)


def test_only_one_program_carries_the_runs_of_an_instance(
    make_site: Callable[..., Site], site: Site, ollama: FakeOllama
) -> None:
    server, command = Measuring(site), Measuring(make_site())
    assert server.lab.claim()
    assert not command.lab.claim()
    run_id = command.launch()
    server.lab.start()
    assert server.ended(run_id).state == LabState.DONE
    assert command.lab.progress(run_id) == server.lab.progress(run_id)
    assert len(ollama.received("/api/chat")) == 2
