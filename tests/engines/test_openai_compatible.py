"""What is particular to OpenAI-compatible servers: llama-server's extras, used where they exist only."""

from contextlib import ExitStack

import pytest

from app.engines.base import Loading
from app.engines.openai_compatible import OpenAICompatible
from app.errors import AppError
from tests.engines.conftest import stand_in
from tests.engines.listening import Listener, answer, done, question, text_of, thinking_of
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario

STANDARD = {"model", "messages", "stream", "stream_options", "max_tokens", "temperature", "seed"}


def test_llama_server_is_asked_for_its_extras() -> None:
    with FakeOpenAI() as server:
        answer(OpenAICompatible(server.url), question("smollm2", max_tokens=9, temperature=0.1, seed=2))
        (body,) = server.received("/v1/chat/completions")
    assert {name: body[name] for name in ("max_tokens", "temperature", "seed", "stream")} == {
        "max_tokens": 9, "temperature": 0.1, "seed": 2, "stream": True,
    }  # fmt: skip
    # Without progress it would not notice, while it reads the prompt, that the client has left.
    assert body["return_progress"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_another_vendor_is_sent_nothing_that_is_not_standard() -> None:
    with FakeOpenAI(bare=True) as server:
        answer(OpenAICompatible(server.url), question("smollm2", seed=1, temperature=0.5))
        (body,) = server.received("/v1/chat/completions")
    assert body.keys() <= STANDARD


def test_an_answer_is_one_request() -> None:
    with FakeOpenAI() as server:
        engine = OpenAICompatible(server.url)
        engine.models()
        before = len(server.requests)
        answer(engine, question("smollm2"))
        assert [request.path for request in server.requests[before:]] == ["/v1/chat/completions"]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_with_v1(suffix: str) -> None:
    with FakeOpenAI() as server:
        assert text_of(answer(OpenAICompatible(server.url + suffix), question("smollm2")))


def test_the_key_is_shown_and_a_wrong_one_is_said_to_be_refused() -> None:
    with FakeOpenAI(api_key="secret") as server:
        engine = OpenAICompatible(server.url, "secret")
        assert [model.name for model in engine.models()] == ["smollm2"]
        assert text_of(answer(engine, question("smollm2")))
        for key in ("", "wrong"):
            with pytest.raises(AppError) as refusal:
                answer(OpenAICompatible(server.url, key), question("smollm2"))
            assert refusal.value.code == "engine_refused"


@pytest.mark.parametrize("in_usage", [True, False])
def test_timings_are_found_on_either_chunk(in_usage: bool) -> None:
    with FakeOpenAI(timings_in_usage=in_usage) as server:
        usage = done(answer(OpenAICompatible(server.url), question("smollm2"))).usage
    assert usage.prompt_tokens == 9
    assert usage.cached_tokens == 0
    assert usage.output_tokens == 24
    assert usage.prefill_ms is not None
    assert usage.decode_ms is not None
    assert usage.decode_ms >= 24


@pytest.mark.parametrize("kind", ["llama-server", "other-vendor"])
def test_thinking_is_apart(kind: str, stack: ExitStack) -> None:
    subject = stand_in(kind, stack, thinks=True)
    subject.behind.script(Scenario.answer("Quatre.", thinking="Deux et deux."))
    events = answer(subject.engine, question("smollm2", think=True))
    assert (thinking_of(events), text_of(events)) == ("Deux et deux.", "Quatre.")


def test_thinking_can_be_switched_off_on_llama_server() -> None:
    with FakeOpenAI(thinks=True) as server:
        engine = OpenAICompatible(server.url)
        assert engine.models()[0].thinking
        assert not thinking_of(answer(engine, question("smollm2")))


def test_a_server_that_loads_its_model_is_waited_for() -> None:
    with FakeOpenAI(ready=False) as server:
        listener = Listener(OpenAICompatible(server.url), question("smollm2"))
        listener.first(Loading)
        server.ready = True
        events = listener.end()
    told = [event.loaded for event in events if isinstance(event, Loading)]
    assert told[-1]
    assert done(events).reason == "stop"


def test_waiting_for_the_load_can_be_cancelled() -> None:
    with FakeOpenAI(ready=False) as server:
        listener = Listener(OpenAICompatible(server.url), question("smollm2"))
        listener.first(Loading)
        assert listener.stop() < 1
        assert listener.failure is None


def test_slots_are_the_servers_own_unless_set() -> None:
    with FakeOpenAI(slots=3) as server:
        engine = OpenAICompatible(server.url)
        engine.models()
        assert engine.slots == 3
        assert OpenAICompatible(server.url, slots=2).slots == 2


def test_too_many_requests_is_busy() -> None:
    with FakeOpenAI() as server:
        server.script(Scenario.refused(429, "Rate limit reached"))
        with pytest.raises(AppError) as refusal:
            answer(OpenAICompatible(server.url), question("smollm2"))
    assert refusal.value.code == "engine_busy"


def test_silence_is_given_up_after_the_time_set() -> None:
    with FakeOpenAI() as server:
        server.script(Scenario.hold(after=2))
        listener = Listener(OpenAICompatible(server.url, read_timeout_s=0.3), question("smollm2"))
        listener.end(timeout=3)
    assert listener.failure is not None
    assert listener.failure.code == "engine_silent"
