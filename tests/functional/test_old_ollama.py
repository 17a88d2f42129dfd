"""Ollama before 0.30 and before 0.12.6: what it does worse must not be felt by the next person, nor go unsaid."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.diagnostics.checkup import quick_findings
from app.engines.base import Cancel, ChatRequest, Usage
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person
from tests.support.site import Site

MODEL = "phi3:mini"
# Tokens that the stand-in reads in a second.
PACE = 300
LONG = "mot " * 3000


@pytest.fixture
def slow_reader() -> Iterator[FakeOllama]:
    """An Ollama that reads a prompt to its end although its client has left."""
    with FakeOllama(version="0.24.0", prefill_per_second=PACE) as ollama:
        yield ollama


@pytest.fixture
def site(make_site: Callable[..., Site], slow_reader: FakeOllama) -> Site:
    return make_site(OLLAMA_HOST=slow_reader.url, CONTEXT_TOKENS=8192).start(slow_reader)


def was_awaited(ollama: FakeOllama) -> bool:
    """Whether the first reading, which takes ten seconds, has come to its end."""
    return ollama.generations[0].phase is not Phase.PREFILL


def test_a_reading_that_was_stopped_holds_nobody_up(
    alice: Person, bob: Person, slow_reader: FakeOllama, site: Site
) -> None:
    stream = alice.ask(alice.start(), LONG)
    slow_reader.reached(Phase.PREFILL)
    stream.until("accepted")
    alice.stop(stream.message_id)
    assert stream.end().data("done")["status"] == "stopped"
    assert bob.ask(bob.start(), "Dis bonjour").end().data("done")["status"] == "done"
    assert not was_awaited(slow_reader)
    # Only unloading the model ends it; whoever comes next has it loaded again, with that stage told.
    assert [load.model for load in slow_reader.loads] == [MODEL, MODEL]


def test_after_a_stopped_reading_the_default_model_is_loaded_again_though_nobody_asks(
    alice: Person, slow_reader: FakeOllama
) -> None:
    stream = alice.ask(alice.start(), LONG)
    slow_reader.reached(Phase.PREFILL)
    stream.until("accepted")
    alice.stop(stream.message_id)
    slow_reader.wait_until(lambda: len(slow_reader.loads) == 2)


def test_a_program_that_leaves_while_its_prompt_is_read_holds_nobody_up(
    alice: Person, site: Site, slow_reader: FakeOllama
) -> None:
    request = ChatRequest(MODEL, ({"role": "user", "content": LONG},))
    completion = site.generation.complete(request, user_id=1)
    slow_reader.reached(Phase.PREFILL)
    completion.cancel()
    assert alice.ask(alice.start(), "Bonjour").end().data("done")["status"] == "done"
    assert not was_awaited(slow_reader)


def test_a_measurement_that_is_cut_short_holds_nobody_up(alice: Person, site: Site, slow_reader: FakeOllama) -> None:
    request = ChatRequest(MODEL, ({"role": "user", "content": LONG},))

    def measure(cancel: Cancel) -> None:
        list(site.generation.engine.stream(request, cancel))

    measuring = threading.Thread(target=site.generation.background.run, args=(MODEL, measure))
    measuring.start()
    slow_reader.reached(Phase.PREFILL)
    assert alice.ask(alice.start(), "Bonjour").end().data("done")["status"] == "done"
    assert not was_awaited(slow_reader)
    measuring.join()


def test_only_what_is_read_at_once_is_read_ahead(
    alice: Person, bob: Person, site: Site, slow_reader: FakeOllama
) -> None:
    conversation = alice.start()
    alice.ask(conversation, "Une histoire. " * 60).end()
    bob.ask(bob.start(), "Autre chose").end()
    estimates = site.generation.estimates
    estimates.learn(MODEL, 60.0, Usage(prompt_tokens=100, prefill_ms=6000.0))
    assert site.generation.prefill.start(conversation) == "long"
    # Thirty quick ones later the pace is known to be better, and a short reading is not cut off by a question.
    for _ in range(30):
        estimates.learn(MODEL, 1.0, Usage(prompt_tokens=1000, prefill_ms=1000.0))
    while (found := site.generation.prefill.start(conversation)) == "busy":
        time.sleep(0.01)
    assert found == "started"
    loads = len(slow_reader.loads)
    assert alice.ask(conversation, "Et puis ?").end().data("done")["status"] == "done"
    assert len(slow_reader.loads) == loads
    assert slow_reader.generations[-1].cached > 100


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.6.8", "sans le dire"), ("0.24.0", "jusqu’au bout"), ("0.33.0", None), ("0.0.0", None)],
)
def test_the_doctor_says_what_a_version_cannot_do(
    make_site: Callable[..., Site], version: str, said: str | None
) -> None:
    with FakeOllama(version=version) as ollama:
        site = make_site(OLLAMA_HOST=ollama.url).start(ollama)
        with site.app.test_request_context():
            found = {finding.code: finding for finding in quick_findings(site.app.config, site.generation.registry, [])}
    assert ("version" in found) == bool(said)
    if said:
        assert f"Ollama {version}" in found["version"].sentence
        assert said in found["version"].sentence


def test_what_0_6_would_cut_without_a_word_is_refused_or_left_out_and_said(make_site: Callable[..., Site]) -> None:
    with FakeOllama(version="0.6.8", context=1024) as ollama:
        site = make_site(OLLAMA_HOST=ollama.url, CONTEXT_TOKENS=1024, MAX_OUTPUT_TOKENS=256).start(ollama)
        alice = Person(site.app)
        alice.register("alice")
        done = alice.ask(alice.start(), LONG).end().data("done")
        assert (done["status"], done["error"]["code"]) == ("failed", "context_exceeded")
        assert not ollama.received("/api/chat")
        conversation = alice.start()
        alice.ask(conversation, "1 " * 350).end()
        stream = alice.ask(conversation, "2 " * 350).end()
        assert stream.data("context")["left_out"] == 2
        assert stream.data("done")["status"] == "done"
        assert ollama.received("/api/chat")[-1]["messages"][-1]["content"] == "2 " * 350
        assert len(ollama.received("/api/chat")[-1]["messages"]) == 2
