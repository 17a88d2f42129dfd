"""An engine that hangs is given up as soon as this server's own history says that it hangs, and freed."""

import time

import pytest

from app.engines.base import Usage
from app.generation import estimates
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Program, refusal
from tests.support.site import Site

MODEL = "phi3:mini"
SILENT = "Ollama se tait depuis trop longtemps."
# What helps, by whether there is text that would be lost.
ADVICE = {False: "Utilisez Régénérer.", True: "Le texte déjà écrit est gardé\u00a0: utilisez Reprendre."}
FLOOR_S = 0.3


@pytest.fixture
def experienced(site: Site, alice: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Alice, on a server that knows how fast its model reads."""
    monkeypatch.setattr(estimates, "MIN_READ_TIMEOUT_S", FLOOR_S)
    site.generation.estimates.learn(MODEL, 1.0, Usage(prompt_tokens=10_000, cached_tokens=0, prefill_ms=100.0))
    return alice


def orders(ollama: FakeOllama) -> list[int]:
    """What was asked besides answers: how long the model shall stay, 0 to unload it."""
    return [body["keep_alive"] for body in ollama.received("/api/generate")]


@pytest.mark.parametrize("words", [0, 2])
def test_silence_is_given_up_said_and_the_model_loaded_anew(
    words: int, experienced: Person, ollama: FakeOllama
) -> None:
    before = orders(ollama)
    ollama.script(Scenario.hold(words))
    conversation = experienced.start()
    started = time.monotonic()
    stream = experienced.ask(conversation, "Bonjour").end()
    assert time.monotonic() - started >= FLOOR_S
    done = stream.data("done")
    assert done["status"] == "failed"
    assert done["error"] == {"code": "engine_silent", "message": f"{SILENT} {ADVICE[bool(words)]}"}
    assert len(stream.text().split()) == words
    assert experienced.messages(conversation)[1]["content"] == stream.text()
    assert ollama.reached(Phase.ENDED).outcome is Outcome.CANCELLED
    ollama.wait_until(lambda: len(ollama.loads) == 2)
    assert orders(ollama) == [*before, 0, -1]
    assert experienced.regenerate(stream.message_id).end().data("done")["status"] == "done"


def test_a_wedged_slot_is_free_again(experienced: Person, ollama: FakeOllama) -> None:
    ollama.wedges = True
    ollama.script(Scenario.hold(1))
    stream = experienced.ask(experienced.start(), "Bonjour").end()
    assert stream.data("done")["error"]["code"] == "engine_silent"
    ollama.wait_until(lambda: len(ollama.loads) == 2)
    assert experienced.regenerate(stream.message_id).end().data("done")["status"] == "done"


def test_a_program_is_told_too_and_the_model_loaded_anew(
    experienced: Person, program: Program, ollama: FakeOllama
) -> None:
    before = orders(ollama)
    ollama.script(Scenario.hold())
    assert refusal(program.ask())[:2] == (504, "engine_silent")
    ollama.wait_until(lambda: len(ollama.loads) == 2)
    assert orders(ollama) == [*before, 0, -1]


def test_a_long_prompt_is_given_its_time(experienced: Person, site: Site, ollama: FakeOllama) -> None:
    site.generation.estimates.learn(MODEL, 1.0, Usage(prompt_tokens=100, cached_tokens=0, prefill_ms=1000.0))
    ollama.script(Scenario.hold())
    stream = experienced.ask(experienced.start(), "Bonjour " * 300)
    ollama.reached(Phase.PREFILL)
    # What ends it is the engine, not the clock.
    time.sleep(2 * FLOOR_S)
    ollama.release()
    assert stream.end().data("done")["status"] == "done"
