"""Measuring runs: what is taken and kept, in which order, and how they begin, wait, end and go on."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import AppError
from app.lab import labels
from app.lab.measuring.sampler import SEQUEL, SEQUEL_TOKENS
from app.lab.runs import archive
from app.lab.runs.repository import RunRepository
from app.models.lab import LabLabel, LabMachine, LabRun, LabState, SampleKind, SampleState
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario
from tests.support.lab_runs import Measuring
from tests.support.processes import wait_until
from tests.support.site import Site

TASK = "calc-total-price"


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


def test_a_run_measures_loading_reading_tasks_and_crowds(measuring: Measuring, ollama: FakeOllama) -> None:
    run_id = measuring.launch(
        kinds=["load", "reading", "task", "crowd"], readings=[100, 1000], crowds=[1, 2], tasks=[TASK]
    )
    run = measuring.ended(run_id)
    assert (run.state, run.error_code) == (LabState.DONE, None)
    assert run.engine == {"name": "ollama", "label": "Ollama", "version": ollama.version}
    assert run.models["phi3:mini"]["context"] == 4096
    samples = measuring.samples(run_id, warmup=True)
    assert [(sample.kind, sample.prompt, sample.warmup) for sample in samples[:2]] == [
        (SampleKind.LOAD, "cold", False),
        (SampleKind.READING, "100", True),
    ]
    cells = {(sample.kind, sample.prompt) for sample in samples[2:]}
    assert cells == {
        *{(SampleKind.LOAD, "warm"), (SampleKind.READING, "100"), (SampleKind.READING, "1000")},
        *{(SampleKind.TASK, TASK), (SampleKind.CROWD, "1"), (SampleKind.CROWD, "2")},
    }
    assert {sample.state for sample in samples} == {SampleState.DONE}
    found = {(sample.kind, sample.prompt): sample.metrics for sample in samples if not sample.warmup}
    assert found[SampleKind.READING, "1000"]["prompt_tokens"] > 4 * found[SampleKind.READING, "100"]["prompt_tokens"]
    # After each text something is written, so that the pace with a full context is known.
    asked = [generation for generation in ollama.generations if generation.question.endswith(SEQUEL)]
    assert len(asked) == 3
    read = [found[SampleKind.READING, length] for length in ("100", "1000")]
    assert all(one["decode_tps"] > 0 and one["output_tokens"] <= SEQUEL_TOKENS for one in read)
    assert found[SampleKind.CROWD, "2"]["people"] == 2
    assert found[SampleKind.CROWD, "2"]["total_tps"] > 0
    assert found[SampleKind.TASK, TASK].keys() >= {
        "first_token_ms",
        "total_ms",
        "decode_tps",
        "output_tokens",
        "reason",
    }
    assert all({"cpu_machine_mean", "ram_machine_peak"} <= metrics.keys() for metrics in found.values())
    (task,) = [sample for sample in samples if sample.kind == SampleKind.TASK]
    assert task.question in {generation.question for generation in ollama.generations}
    assert (task.verdict, task.score) == ("failed", 0.0)
    assert task.judgement["checks"]
    # Each load began without the model.
    assert sum(load.model == "phi3:mini" for load in ollama.loads) == 3


def test_a_cache_can_never_answer_and_the_settings_are_sent(measuring: Measuring, ollama: FakeOllama) -> None:
    measuring.taken(
        kinds=["task", "reading"],
        tasks=[TASK],
        repeats=3,
        settings=[{"threads": 2, "context": 2048}, {"threads": 2, "context": 2048, "temperature": 0.7}],
    )
    asked = [body for body in ollama.received("/api/chat") if body["options"].get("num_thread") == 2]
    prompts = [tuple(message["content"] for message in body["messages"]) for body in asked]
    assert len(set(prompts)) == len(prompts)
    assert {body["options"]["num_ctx"] for body in asked} == {2048}
    assert {body["options"]["temperature"] for body in asked} == {0.0, 0.7}
    tasks = [body for body in asked if len(body["messages"]) == 2 and body["options"]["num_predict"] > 1]
    assert len({body["messages"][1]["content"] for body in tasks}) == 1


def test_models_that_think_are_measured_with_thinking_and_without(measuring: Measuring) -> None:
    samples = measuring.taken(
        models=["phi3:mini", "deepseek-r1:1.5b"],
        kinds=["task"],
        tasks=[TASK],
        settings=[{"think": False}, {"think": True}],
    )
    assert sorted((sample.model, sample.setting["think"]) for sample in samples) == [
        ("deepseek-r1:1.5b", False),
        ("deepseek-r1:1.5b", True),
        ("phi3:mini", False),
    ]
    (thought,) = [sample for sample in samples if sample.setting["think"]]
    assert thought.thinking
    assert 0 < thought.metrics["thinking_tokens"] < thought.metrics["output_tokens"]


def test_runs_wait_for_each_other(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(1))
    first = measuring.launch()
    ollama.reached(Phase.PREFILL)
    second = measuring.launch()
    waiting = measuring.lab.progress(second)
    assert (waiting.state, waiting.paused, waiting.done, waiting.total) == (LabState.QUEUED, "queued", 0, 2)
    at_work = measuring.lab.progress(first)
    assert (at_work.state, at_work.model, at_work.kind) == (LabState.RUNNING, "phi3:mini", "reading")
    ollama.release()
    assert measuring.ended(second).state == LabState.DONE
    ended = measuring.lab.progress(first)
    assert (ended.state, ended.done, ended.total, ended.remaining_s) == (LabState.DONE, 2, 2, None)
    with pytest.raises(AppError) as refused:
        measuring.lab.progress(4711)
    assert refused.value.code == "not_found"


def test_a_run_is_cancelled_and_resumed(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), Scenario.answer(), Scenario.hold(5))
    run_id = measuring.launch(kinds=["task"], tasks=[TASK, "calc-vat"])
    ollama.reached(Phase.DECODING, 2)
    measuring.lab.cancel(run_id)
    assert measuring.run(run_id).state == LabState.CANCELLED
    assert ollama.reached(Phase.ENDED, 2).outcome is Outcome.CANCELLED
    kept, left = measuring.samples(run_id)
    assert (kept.state, left.state) == (SampleState.DONE, SampleState.WAITING)
    with pytest.raises(AppError, match="lab_run_ended"):
        measuring.lab.cancel(run_id)
    measuring.lab.resume(run_id)
    assert measuring.ended(run_id).state == LabState.DONE
    again = measuring.samples(run_id)
    assert [(sample.id, sample.state) for sample in again] == [(kept.id, "done"), (left.id, "done")]
    assert again[0].finished_at == kept.finished_at
    with pytest.raises(AppError, match="lab_run_ended"):
        measuring.lab.resume(run_id)
    for call in (measuring.lab.cancel, measuring.lab.resume):
        with pytest.raises(AppError, match="not_found"):
            call(4711)


def test_a_run_that_was_cancelled_while_it_waited_never_begins(measuring: Measuring, ollama: FakeOllama) -> None:
    rows = RunRepository(measuring.site.app.app_context)
    ollama.script(Scenario.hold(1))
    first = measuring.launch()
    ollama.reached(Phase.PREFILL)
    second = measuring.launch()
    measuring.lab.cancel(second)
    # As the thread does that had chosen it a moment earlier.
    assert rows.begin(second) is None
    assert rows.begin(4711) is None
    assert measuring.run(second).state == LabState.CANCELLED
    begun = measuring.run(first).started_at
    assert rows.begin(first) is not None
    assert measuring.run(first).started_at == begun
    ollama.release()
    assert measuring.ended(first).state == LabState.DONE


def test_a_run_cancelled_by_another_process_lets_go_of_its_sample(
    measuring: Measuring, make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    ollama.script(Scenario.answer(), Scenario.hold(5))
    run_id = measuring.launch(kinds=["task"], tasks=[TASK])
    ollama.reached(Phase.DECODING, 1)
    Measuring(make_site()).lab.cancel(run_id)
    assert ollama.reached(Phase.ENDED, 1).outcome is Outcome.CANCELLED
    assert [sample.state for sample in measuring.samples(run_id)] == [SampleState.WAITING]


def test_the_labels_are_written_before_the_end_is_told(measuring: Measuring, monkeypatch: pytest.MonkeyPatch) -> None:
    labelled: list[list[str]] = []
    move = RunRepository.move

    def told(rows: RunRepository, run_id: int, state: LabState, **rest: Any) -> bool:
        with measuring.site.rows() as session:
            labelled.append(list(session.scalars(select(LabLabel.model))))
        return move(rows, run_id, state, **rest)

    monkeypatch.setattr(RunRepository, "move", told)
    measuring.taken(kinds=["task"], tasks=[TASK])
    assert labelled == [["phi3:mini"]]


def test_an_engine_that_is_away_takes_no_label_away(measuring: Measuring) -> None:
    measuring.taken(kinds=["task"], tasks=[TASK])
    with measuring.site.app.app_context():
        labels.publish(4711, {})
    with measuring.site.rows() as session:
        assert list(session.scalars(select(LabLabel.model))) == ["phi3:mini"]


def test_a_crowd_is_written_to_at_once_where_the_engine_can(make_site: Callable[..., Site]) -> None:
    with FakeOpenAI(slots=2, tokens_per_second=100) as llama:
        site = make_site(ENGINE="openai", OPENAI_BASE_URL=llama.url)
        site.generation.registry.refresh()
        samples = Measuring(site).taken(models=["smollm2"], kinds=["crowd"], crowds=[1, 2, 4])
        crowds = {sample.prompt: sample.metrics for sample in samples}
        assert llama.max_running == 2
    assert {people: found["at_once"] for people, found in crowds.items()} == {"1": 1, "2": 2, "4": 2}
    assert {people: found["people"] for people, found in crowds.items()} == {"1": 1, "2": 2, "4": 4}
    # Two of the four wait for the others.
    assert crowds["4"]["total_ms"] > crowds["2"]["first_token_ms"]
    assert crowds["4"]["output_tokens"] == 4 * crowds["1"]["output_tokens"]


def test_the_default_model_is_loaded_again_after_a_run(measuring: Measuring, ollama: FakeOllama) -> None:
    ollama.unload_all()
    measuring.taken(models=["deepseek-r1:1.5b"])
    wait_until(lambda: "phi3:mini" in measuring.site.generation.engine.loaded())


def test_the_companys_own_figures_are_there_once(site: Site) -> None:
    with site.rows() as session:
        assert (archive.load_historical(), archive.load_historical()) == (3, 0)
        runs = session.scalars(select(LabRun).join(LabMachine).where(LabMachine.source != "").order_by(LabRun.id)).all()
        assert [len(run.samples) for run in runs] == [5, 4, 3]
        assert [run.machine.description["cores"] for run in runs] == [10, 12, 20]
        assert {run.machine.source for run in runs} == {"Mesures de l’entreprise à la main, juillet 2025"}
        thinking, quick, mistral = runs[2].samples
    assert (thinking.model, thinking.setting["think"], quick.setting["think"]) == ("deepseek-r1:1.5b", True, False)
    assert (mistral.model, mistral.verdict) == ("mistral", "passed")
    assert mistral.metrics == {"total_ms": 210_000, "cpu_machine_mean": 99, "ram_machine_peak": 41}
    assert mistral.question == "Tu peux me générer le jeu snake en python"
