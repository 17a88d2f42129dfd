"""The energy of an answer, where the processor counts it."""

from pathlib import Path

import pytest

from app.generation.rapl import find_zones
from app.generation.worker import AnswerEnergy
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.site import Site


@pytest.fixture
def counter(site: Site, tmp_path: Path) -> Path:
    """The file of the only processor's counter, in microjoules."""
    folder = tmp_path / "powercap" / "intel-rapl:0"
    folder.mkdir(parents=True)
    for name, text in {"name": "package-0", "max_energy_range_uj": "262143328850", "energy_uj": "5000000"}.items():
        (folder / name).write_text(text + "\n")
    site.generation.worker.energy = AnswerEnergy(site.generation.engine, find_zones(folder.parent))
    return folder / "energy_uj"


def energy_of(alice: Person, ollama: FakeOllama, counter: Path, after: str | None) -> float | None:
    """What is told of an answer, while the counter goes on to that value; None: it vanishes."""
    conversation, nth = alice.start(), len(ollama.generations)
    ollama.script(Scenario.hold(after=2))
    stream = alice.ask(conversation, "Combien ?")
    ollama.reached(Phase.DECODING, nth)
    if after is None:
        counter.unlink()
    else:
        counter.write_text(after + "\n")
    ollama.release()
    metrics = stream.end().data("done")["metrics"]
    stored = alice.get(f"/api/conversations/{conversation}").json["messages"][-1]["metrics"]
    assert stored == metrics
    return metrics["energy_j"]


def test_an_answer_tells_what_the_processor_used(alice: Person, ollama: FakeOllama, counter: Path) -> None:
    assert energy_of(alice, ollama, counter, "1445000000") == 1440.0


def test_a_counter_that_cannot_be_read_any_more_gives_no_figure(
    alice: Person, ollama: FakeOllama, counter: Path
) -> None:
    assert energy_of(alice, ollama, counter, None) is None


def test_without_counters_there_is_no_figure(alice: Person) -> None:
    metrics = alice.ask(alice.start(), "Combien ?").end().data("done")["metrics"]
    assert find_zones() or "energy_j" not in metrics


def test_answers_at_the_same_time_are_not_told_apart(
    site: Site, alice: Person, ollama: FakeOllama, counter: Path
) -> None:
    zones = find_zones(counter.parent.parent)
    assert AnswerEnergy(site.generation.engine, zones).meter() is not None
    site.generation.engine.slots = 2
    assert AnswerEnergy(site.generation.engine, zones).meter() is None
