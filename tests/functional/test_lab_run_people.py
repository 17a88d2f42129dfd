"""People and measuring runs: whoever asks comes first, and what they came into is taken again at a quieter time."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.generation.background import BackgroundSlot
from app.generation.rapl import RaplZone
from app.lab.measuring import meters
from app.lab.measuring.meters import Power
from app.lab.runs.runner import RetryPolicy
from app.models.lab import LabRun, LabState, SampleState
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site

TASK = "calc-total-price"


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


def test_whoever_asks_comes_first_and_the_sample_is_taken_again(
    measuring: Measuring, ollama: FakeOllama, alice: Person
) -> None:
    # The warm-up, the task's sample, and Alice's question.
    ollama.script(Scenario.answer(), Scenario.hold(5), Scenario.answer("Me voici."))
    run_id = measuring.launch(kinds=["task"], tasks=[TASK])
    ollama.reached(Phase.DECODING, 1)
    status = alice.get("/api/status").json
    assert (status["state"], status["running"], status["waiting"]) == ("calm", 0, 0)
    stream = alice.ask(alice.start(), "Bonjour").end()
    assert (stream.data("done")["status"], stream.text()) == ("done", "Me voici.")
    assert measuring.ended(run_id).state == LabState.DONE
    assert ollama.generations[1].outcome is Outcome.CANCELLED
    cut, again = measuring.samples(run_id)
    assert (cut.state, cut.disturbed, cut.error_code, cut.attempt) == (SampleState.FAILED, True, "disturbed", 1)
    assert cut.answer
    assert (again.state, again.error_code, again.attempt) == (SampleState.DONE, None, 2)
    assert cut.position == again.position
    # Loaded again before it was measured again: somebody else may have used another model.
    assert ollama.generations[3].question != again.question
    assert ollama.generations[4].question == again.question


def test_a_sample_that_people_come_into_again_and_again_is_taken_after_the_others(
    measuring: Measuring, ollama: FakeOllama, alice: Person
) -> None:
    measuring.lab.retry_policy = RetryPolicy(cuts=1, late_cuts=1, tries=1, quiet_s=0)
    # The warm-up, the first task, Alice's question, the model loaded anew, the second task, the first one again.
    ollama.script(Scenario.answer(), Scenario.hold(5), *[Scenario.answer()] * 3, Scenario.hold(5))
    run_id = measuring.launch(kinds=["task"], tasks=[TASK, "calc-vat"])
    for generation in (1, 5):
        ollama.reached(Phase.DECODING, generation)
        alice.ask(alice.start(), "Bonjour").end()
    assert measuring.ended(run_id).state == LabState.DONE
    first, last, between = measuring.samples(run_id)
    assert (first.state, first.error_code) == (SampleState.FAILED, "disturbed")
    assert between.state == SampleState.DONE
    assert (last.position, last.attempt) == (first.position, 2)
    assert (last.state, last.error_code) == (SampleState.FAILED, "disturbed_too_often")
    assert first.finished_at < between.started_at < between.finished_at < last.started_at


@pytest.mark.slow
def test_where_people_come_often_a_longer_pause_is_looked_for(
    measuring: Measuring, ollama: FakeOllama, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    wait = BackgroundSlot.wait_until_quiet

    def at_once(
        background: BackgroundSlot, ending: threading.Event, quiet_s: float, wanted: Callable[[], bool]
    ) -> None:
        pauses.append(quiet_s)
        wait(background, ending, 0, wanted)

    monkeypatch.setattr(BackgroundSlot, "wait_until_quiet", at_once)
    measuring.lab.retry_policy = RetryPolicy(tries=1, quiet_s=2, quiet_most_s=5)
    # After each of Alice's questions the model is loaded anew; the first task is cut three times, the second one once.
    cut = [Scenario.hold(5), Scenario.answer(), Scenario.answer()]
    ollama.script(Scenario.answer(), *cut * 3, Scenario.answer(), *cut)
    run_id = measuring.launch(kinds=["task"], tasks=[TASK, "calc-vat"])
    for generation in (1, 4, 7, 11):
        ollama.reached(Phase.DECODING, generation)
        alice.ask(alice.start(), "Bonjour").end()
    assert measuring.ended(run_id).state == LabState.DONE
    assert pauses == [2, 4, 5, 2]


def test_people_who_wait_are_served_before_a_run_begins(
    measuring: Measuring, ollama: FakeOllama, alice: Person
) -> None:
    ollama.script(Scenario.hold(1))
    stream = alice.ask(alice.start(), "Bonjour")
    stream.until("text")
    run_id = measuring.launch()
    wait_until(lambda: measuring.lab.progress(run_id).paused == "people")
    assert len(ollama.received("/api/chat")) == 1
    ollama.release()
    assert stream.end().data("done")["status"] == "done"
    assert measuring.ended(run_id).state == LabState.DONE


class Interrupted(Power):
    """Counters that stand still; the first look at the rest lasts until somebody comes."""

    def __init__(self, zones: list[RaplZone]) -> None:
        super().__init__(zones)
        self.begun = threading.Event()

    def calibrate(self, pause: Callable[[float], object]) -> None:
        if self.begun.is_set():
            super().calibrate(pause)
        else:
            self.begun.set()
            super().calibrate(lambda _seconds: pause(30))


def test_the_machines_rest_is_looked_at_again_when_somebody_came_meanwhile(
    measuring: Measuring, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("energy_uj", "0"), ("max_energy_range_uj", "1000")):
        (tmp_path / name).write_text(value)
    power = Interrupted([RaplZone(tmp_path)])
    monkeypatch.setattr(meters, "find_energy_source", lambda *_watts: power)
    monkeypatch.setattr(meters, "REST_S", 0.01)
    run_id = measuring.launch()
    assert power.begun.wait(10)
    alice.ask(alice.start(), "Bonjour").end()
    assert measuring.ended(run_id).state == LabState.DONE
    with measuring.site.rows() as session:
        assert session.get_one(LabRun, run_id).machine.description["energy"]["idle_w"] == 0
    assert {sample.metrics["energy_method"] for sample in measuring.samples(run_id)} == {"rapl"}
