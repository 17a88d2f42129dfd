"""Stop is heard at every moment of an answer: our side ends at once, and the engine stops computing."""

import time
from contextlib import ExitStack

import pytest

from app.engines.base import Cancel, Done, Loading, Reading, Text
from tests.engines.conftest import STAND_INS, Subject, real_slots_busy, stand_in
from tests.engines.listening import Listener, answer, question
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

SOON_S = 1.0


def assert_it_stops(subject: Subject, listener: Listener, phase: Phase, nth: int = 0) -> None:
    """Our side ends within a second without failure or Done, and the stand-in noticed in that phase."""
    assert listener.stop() < SOON_S
    assert listener.failure is None
    assert not [event for event in listener.events if isinstance(event, Done)]
    stopped_at = time.monotonic()
    made = subject.behind.reached(Phase.ENDED, nth)
    assert (made.outcome, made.left_in) == (Outcome.CANCELLED, phase)
    assert made.ended_at - stopped_at < SOON_S


def test_before_anything_is_asked(faked: Subject) -> None:
    cancel = Cancel()
    cancel.set()
    events = list(faked.engine.stream(question(faked.model), cancel))
    assert not [event for event in events if isinstance(event, Text | Done)]


def test_before_the_first_byte_while_another_answer_has_the_slot(faked: Subject) -> None:
    faked.behind.script(Scenario.hold())
    first = Listener(faked.engine, question(faked.model))
    faked.behind.reached(Phase.PREFILL)
    second = Listener(faked.engine, question(faked.model))
    faked.behind.reached(Phase.QUEUED, 1)
    assert_it_stops(faked, second, Phase.QUEUED, nth=1)
    faked.behind.release()
    assert isinstance(first.end()[-1], Done)


@pytest.mark.parametrize("kind", STAND_INS)
def test_during_the_prefill(kind: str, stack: ExitStack) -> None:
    subject = stand_in(kind, stack, prefill_per_second=1500)
    listener = Listener(subject.engine, question(subject.model, "mot " * 4000))
    subject.behind.reached(Phase.PREFILL)
    assert_it_stops(subject, listener, Phase.PREFILL)


@pytest.mark.parametrize("kind", STAND_INS)
def test_during_the_text(kind: str, stack: ExitStack) -> None:
    subject = stand_in(kind, stack, tokens_per_second=200)
    subject.behind.script(Scenario.endless())
    listener = Listener(subject.engine, question(subject.model, max_tokens=4000))
    listener.first(Text)
    assert_it_stops(subject, listener, Phase.DECODING)


def test_while_the_model_stalls_in_the_middle(faked: Subject) -> None:
    faked.behind.script(Scenario.hold(after=3))
    listener = Listener(faked.engine, question(faked.model))
    listener.first(Text)
    faked.behind.reached(Phase.DECODING)
    assert_it_stops(faked, listener, Phase.DECODING)


def test_nothing_more_is_said_once_it_is_set_even_what_has_arrived(faked: Subject) -> None:
    faked.behind.script(Scenario.together())
    cancel = Cancel()
    after = []
    for event in faked.engine.stream(question(faked.model), cancel):
        if cancel.is_set():
            after.append(event)
        elif isinstance(event, Text):
            cancel.set()
    assert not after


def test_the_next_answer_is_whole(faked: Subject) -> None:
    faked.behind.script(Scenario.hold(after=2))
    listener = Listener(faked.engine, question(faked.model))
    listener.first(Text)
    listener.stop()
    assert isinstance(answer(faked.engine, question(faked.model))[-1], Done)


def test_a_consumer_that_goes_away_stops_the_engine(faked: Subject) -> None:
    faked.behind.script(Scenario.hold(after=2))
    events = faked.engine.stream(question(faked.model), Cancel())
    next(event for event in events if isinstance(event, Text))
    events.close()  # type: ignore[attr-defined]
    assert faked.behind.reached(Phase.ENDED).outcome is Outcome.CANCELLED


def test_while_ollama_loads_the_model(stack: ExitStack) -> None:
    subject = stand_in("ollama", stack, load_seconds=10)
    ollama = subject.fake
    assert isinstance(ollama, FakeOllama)
    listener = Listener(subject.engine, question(subject.model))
    listener.first(Loading)
    ollama.await_load()
    assert listener.stop() < SOON_S
    assert listener.failure is None
    ollama.wait_until(lambda: ollama.aborted_loads == 1)
    assert not ollama.loads


def test_the_real_llama_cpp_stops_reading_a_long_prompt(real: Subject) -> None:
    text = " ".join(f"La ligne {n} du rapport parle du serveur." for n in range(140))
    started = time.monotonic()
    listener = Listener(real.engine, question(real.model, text))
    listener.first_that(lambda event: isinstance(event, Reading) and event.done > 0)
    batch_s = time.monotonic() - started
    assert listener.stop() < SOON_S
    assert listener.failure is None
    assert not [event for event in listener.events if isinstance(event, Text | Done)]
    # The whole prompt is six batches; the one that is being computed is finished.
    assert_idle_within(real, seconds=2.5 * batch_s + 2)


def test_the_real_llama_cpp_stops_writing(real: Subject) -> None:
    listener = Listener(real.engine, question(real.model, "Tell me a very long story.", max_tokens=1500))
    listener.first(Text)
    assert listener.stop() < SOON_S
    assert listener.failure is None
    # The whole story would take minutes.
    assert_idle_within(real, seconds=10)


def assert_idle_within(real: Subject, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while real_slots_busy(real):
        assert time.monotonic() < deadline
        time.sleep(0.05)
