"""Programs that models write, in a measuring run: judged by running them where that was allowed, and never more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.lab.code_runner import programs
from app.lab.grading.checks import Judgement
from app.lab.runs.runner import RetryPolicy
from app.models.lab import LabState, SampleState, Verdict
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.apart import needs_parts, needs_sandbox
from tests.support.lab_runs import Measuring
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site

SNAKE = (Path(__file__).parents[1] / "samples/programs/snake_pygame.txt").read_text()
HOSTILE = """
import os, signal
for number in (1, 2, 15):
    signal.signal(number, signal.SIG_IGN)
for pid in (os.getppid(), 1):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
while True:
    try:
        os.fork()
        kept = bytearray(10**8)
    except (OSError, MemoryError):
        pass
"""


def answer(program: str) -> Scenario:
    return Scenario.answer(f"Voici le jeu :\n\n```python\n{program}```\n")


@pytest.fixture
def daring(make_site: Callable[..., Site], ollama: FakeOllama) -> Measuring:
    """A server whose administrator allowed that programs are run."""
    return Measuring(make_site(LAB_RUN_CODE="yes").start(ollama))


def test_without_leave_the_text_alone_is_judged(site: Site, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), answer(SNAKE))
    (sample,) = Measuring(site).taken(kinds=["task"], tasks=["snake"])
    assert (sample.state, sample.verdict, sample.judgement["code"]) == (
        SampleState.DONE,
        Verdict.RESERVE,
        "code_not_run",
    )


@needs_sandbox
@needs_parts
def test_with_leave_it_is_played(daring: Measuring, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(), answer(SNAKE))
    (sample,) = daring.taken(kinds=["task"], tasks=["snake"])
    assert (sample.verdict, sample.score, sample.judgement["code"]) == (Verdict.PASSED, 1, "code_plays")
    assert {check["check"]: check["passed"] for check in sample.judgement["checks"]}["listens"]


@needs_sandbox
@needs_parts
def test_a_hostile_program_fails_its_sample_and_the_run_goes_on(daring: Measuring, ollama: FakeOllama) -> None:
    # Each repeat begins with a warm-up.
    ollama.script(Scenario.answer(), answer(HOSTILE), Scenario.answer(), answer(SNAKE))
    first, second = daring.taken(kinds=["task"], tasks=["snake"], repeats=2)
    assert (first.state, first.verdict) == (SampleState.DONE, Verdict.FAILED)
    assert first.judgement["code"] in ("code_killed", "code_memory", "code_hung")
    assert second.verdict == Verdict.PASSED


@needs_sandbox
@needs_parts
def test_a_program_whose_time_ran_out_while_people_were_served_is_run_again_after_them(
    daring: Measuring, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    daring.lab.retry_policy = RetryPolicy(tries=2, quiet_s=0)
    background, alice = daring.site.generation.background, Person(daring.site.app, "alice")
    alice.register()
    judge = programs.judge_code
    streams: list[Any] = []
    others: list[bool] = []

    def slow_at_first(*given: Any, **how: Any) -> Judgement:
        others.append(background.engine_needed)
        if streams:
            return judge(*given, **how)
        streams.append(alice.ask(alice.start(), "Bonjour"))
        ollama.reached(Phase.DECODING, 2)
        return Judgement(Verdict.FAILED, 0.0, "code_hung")

    # Reading the tasks judges their own good and bad answers.
    daring.lab.tasks()
    monkeypatch.setattr(programs, "judge_code", slow_at_first)
    ollama.script(Scenario.answer(), answer(SNAKE), Scenario.hold(1))
    run_id = daring.launch(kinds=["task"], tasks=["snake"])
    wait_until(lambda: daring.lab.progress(run_id).paused == "people")
    ollama.release()
    assert streams[0].end().data("done")["status"] == "done"
    assert daring.ended(run_id).state == LabState.DONE
    # Where other programs load the machine, one more is taken.
    sample = daring.samples(run_id)[0]
    assert (sample.verdict, sample.judgement["code"]) == (Verdict.PASSED, "code_plays")
    assert others[:2] == [False, False]
