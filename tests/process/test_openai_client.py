"""OpenAI's own client library against the real server: as a program on somebody's computer uses it."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.process.test_life import EMBEDDED
from tests.support.processes import wait_until
from tests.support.program import token_of
from tests.support.server import RemotePerson, ServerProcess

QUESTION = [{"role": "user", "content": "Bonjour"}]
THINKER = "deepseek-r1:1.5b"


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    """An engine that writes two answers at a time."""
    with FakeOllama(parallel=2) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, ollama: FakeOllama) -> Iterator[ServerProcess]:
    instance = tmp_path_factory.mktemp("api") / "instance"
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url, ENGINE_SLOTS="2", THREADS="24") as running:
        yield running


@pytest.fixture(scope="module")
def alice(server: ServerProcess) -> RemotePerson:
    person = RemotePerson(server, "alice")
    assert person.register().status_code == 302
    return person


@pytest.fixture(scope="module")
def token(alice: RemotePerson) -> str:
    wait_until(lambda: alice.get("/api/status").json["loaded"])
    return token_of(alice)


@pytest.fixture
def client(server: ServerProcess, token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0) as made:
        yield made


def test_the_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["phi3:mini", THINKER]
    assert client.models.retrieve(THINKER).owned_by == "ollama"


def test_an_answer_in_one_piece(client: openai.OpenAI, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Bonjour à vous."))
    answer = client.chat.completions.create(
        model="default", messages=QUESTION, temperature=0, seed=7, stop=["FIN"], max_completion_tokens=50
    )
    assert answer.model == "phi3:mini"
    assert answer.choices[0].message.content == "Bonjour à vous."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_an_answer_in_chunks(client: openai.OpenAI, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Voilà la réponse.", thinking="Je pense."))
    parts = list(
        client.chat.completions.create(
            model=THINKER,
            messages=QUESTION,
            stream=True,
            stream_options={"include_usage": True},
            reasoning_effort="medium",
        )
    )
    assert parts[-1].choices == []
    assert parts[-1].usage is not None
    assert parts[-1].usage.completion_tokens > 0
    deltas = [part.choices[0].delta for part in parts[:-1]]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "Voilà la réponse."
    assert "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas) == "Je pense."
    assert parts[-2].choices[0].finish_reason == "stop"


def test_many_at_once(server: ServerProcess, token: str) -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0) as client:
            asked = [
                client.chat.completions.create(
                    model="default", messages=[{"role": "user", "content": f"Question {number}"}]
                )
                for number in range(6)
            ]
            return [str(answer.choices[0].message.content) for answer in await asyncio.gather(*asked)]

    assert len(set(asyncio.run(ask()))) == 6


def test_refusals_are_those_that_the_client_knows(client: openai.OpenAI, server: ServerProcess) -> None:
    completions = client.chat.completions
    with pytest.raises(openai.NotFoundError) as unknown:
        completions.create(model="gpt-5", messages=QUESTION)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as unsupported:
        completions.create(model="default", messages=QUESTION, n=2)
    assert (unsupported.value.code, unsupported.value.param) == ("unsupported_parameter", "n")
    with pytest.raises(openai.BadRequestError) as long:
        completions.create(model="default", messages=[{"role": "user", "content": "mot " * 5000}], stream=True)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.AuthenticationError) as stranger:
        client.with_options(api_key="sk-couach-rien").models.list()
    assert stranger.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="default", input="x")
    with pytest.raises(openai.APIStatusError) as large:
        completions.create(model="default", messages=[{"role": "user", "content": "x" * 4_000_000}])
    assert (large.value.status_code, large.value.code) == (413, "request_too_large")


def test_a_failure_in_mid_stream(client: openai.OpenAI, ollama: FakeOllama) -> None:
    ollama.script(Scenario.mid_stream_error(3))
    stream = client.chat.completions.create(model="default", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError) as failure:
        list(stream)
    assert failure.value.code == "engine_failed"


@pytest.mark.parametrize("after", [0, 3])
def test_giving_up_an_answer_in_one_piece_stops_the_engine(
    client: openai.OpenAI, ollama: FakeOllama, after: int
) -> None:
    ollama.script(Scenario.hold(after))
    nth = len(ollama.generations)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.5).chat.completions.create(model="default", messages=QUESTION)
    assert ollama.reached(Phase.ENDED, nth).outcome is Outcome.CANCELLED


@pytest.mark.parametrize("scenario", [Scenario.endless(), Scenario.hold(3)], ids=["writing", "silent"])
def test_closing_a_stream_stops_the_engine(client: openai.OpenAI, ollama: FakeOllama, scenario: Scenario) -> None:
    ollama.script(scenario)
    nth = len(ollama.generations)
    stream = client.chat.completions.create(model="default", messages=QUESTION, stream=True)
    assert next(iter(stream)).choices[0].delta.role == "assistant"
    stream.close()
    assert ollama.reached(Phase.ENDED, nth).outcome is Outcome.CANCELLED


def test_a_revoked_token_is_refused_at_once(client: openai.OpenAI, alice: RemotePerson, server: ServerProcess) -> None:
    client = client.with_options(api_key=token_of(alice, "Une fois"))
    assert client.models.list().data
    newest = alice.get("/settings").text.partition("/settings/tokens/")[2].partition("/")[0]
    assert alice.submit(f"/settings/tokens/{newest}/revoke", {}).status_code == 302
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


@pytest.mark.slow
def test_a_server_that_ends_says_so(tmp_path: Path, ollama: FakeOllama) -> None:
    with ServerProcess(tmp_path / "instance", ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        alice = RemotePerson(server, "alice")
        alice.register()
        wait_until(lambda: alice.get("/api/status").json["loaded"])
        ollama.script(Scenario.endless())
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=token_of(alice), max_retries=0) as client:
            stream = client.chat.completions.create(model="default", messages=QUESTION, stream=True)
            next(iter(stream))
            server.end(signal.SIGTERM)
            with pytest.raises(openai.APIError) as failure:
                list(stream)
            assert failure.value.code == "interrupted"


@pytest.mark.slow
def test_the_real_model_answers(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "instance", **EMBEDDED) as server:
        alice = RemotePerson(server, "alice")
        alice.register()
        wait_until(lambda: server.answers("/readyz"), 30)
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=token_of(alice)) as client:
            answers = [
                client.chat.completions.create(model="default", messages=QUESTION, temperature=0, max_tokens=8)
                for _ in range(2)
            ]
            parts = client.chat.completions.create(
                model="default", messages=QUESTION, temperature=0, max_tokens=8, stream=True
            )
            streamed = "".join(part.choices[0].delta.content or "" for part in parts)
    first, second = answers
    assert first.choices[0].message.content
    assert first.choices[0].message.content == second.choices[0].message.content == streamed
    assert first.choices[0].finish_reason == "length"
    assert first.usage is not None
    assert first.usage.completion_tokens == 8
    assert second.usage is not None
    assert second.usage.prompt_tokens_details is not None
    assert second.usage.prompt_tokens_details.cached_tokens > 0
