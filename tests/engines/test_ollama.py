"""What is particular to Ollama: nothing left to its defaults, no reload, its texts, old versions, pulls."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.engines.base import Loading
from app.engines.ollama import Ollama
from app.errors import AppError
from tests.engines.listening import Listener, answer, done, question, text_of, thinking_of
from tests.fakes._server import Exchange
from tests.fakes.ollama import FakeOllama
from tests.fakes.ollama_library import BLOBS, FakeModel, model_called
from tests.fakes.scenario import Scenario

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A recent Ollama with three models."""
    with FakeOllama() as daemon:
        yield daemon


@pytest.fixture
def engine(ollama: FakeOllama) -> Ollama:
    return Ollama(ollama.url)


def test_nothing_is_left_to_ollamas_defaults(ollama: FakeOllama, engine: Ollama) -> None:
    engine.warm("phi3:mini")
    answer(engine, question("phi3:mini", max_tokens=7, temperature=0.2, seed=3))
    (body,) = ollama.received("/api/chat")
    assert body == {
        "model": "phi3:mini", "messages": [{"role": "user", "content": "Combien font deux et deux ?"}],
        "stream": True, "think": False, "truncate": False, "keep_alive": -1,
        "options": {"num_ctx": 4096, "num_predict": 7, "temperature": 0.2, "seed": 3},
    }  # fmt: skip
    (load,) = ollama.received("/api/generate")
    assert (load["keep_alive"], load["options"]) == (-1, {"num_ctx": 4096})


def test_a_model_is_loaded_once_whatever_is_asked(ollama: FakeOllama) -> None:
    engine = Ollama(ollama.url, context=2048, threads=3)
    engine.warm("deepseek-r1:1.5b")
    answer(engine, question("deepseek-r1:1.5b", think=True, max_tokens=50))
    engine.loaded()
    answer(engine, question("deepseek-r1:1.5b", max_tokens=3, temperature=0.0, seed=1))
    engine.warm("deepseek-r1:1.5b")
    (load,) = ollama.loads
    assert (load.settings["num_ctx"], load.settings["num_thread"]) == (2048, 3)


def test_a_warm_answer_is_one_request(ollama: FakeOllama, engine: Ollama) -> None:
    engine.warm("phi3:mini")
    before = len(ollama.requests)
    answer(engine, question("phi3:mini"))
    assert [request.path for request in ollama.requests[before:]] == ["/api/chat"]


def test_loading_is_told_before_the_answer(ollama: FakeOllama, engine: Ollama) -> None:
    events = answer(engine, question("phi3:mini"))
    told = [event.loaded for event in events if isinstance(event, Loading)]
    assert told == [*[False] * (len(told) - 1), True]
    assert len(told) > 1
    ollama.unload_all()
    engine.loaded()
    assert isinstance(answer(engine, question("phi3:mini"))[0], Loading)


def test_a_model_loaded_with_another_context_is_not_ours(ollama: FakeOllama, engine: Ollama) -> None:
    other = {"model": "phi3:mini", "options": {"num_ctx": 8192}}
    requests.post(f"{ollama.url}/api/generate", json=other, timeout=5)
    assert engine.loaded() == frozenset()
    assert isinstance(answer(engine, question("phi3:mini"))[0], Loading)
    assert engine.loaded() == {"phi3:mini"}


def test_thinking_is_apart_and_only_when_asked_for(engine: Ollama) -> None:
    thought = answer(engine, question("deepseek-r1:1.5b", think=True))
    assert thinking_of(thought)
    assert text_of(thought)
    assert not thinking_of(answer(engine, question("deepseek-r1:1.5b")))


def test_durations_are_milliseconds(ollama: FakeOllama, engine: Ollama) -> None:
    ollama.script(Scenario.answer("un deux trois quatre cinq six sept huit neuf dix"))
    usage = done(answer(engine, question("phi3:mini"))).usage
    assert usage.output_tokens == 10
    assert usage.decode_ms is not None
    assert 10 <= usage.decode_ms < 1000


@pytest.mark.parametrize(
    ("model", "think", "code"),
    [
        ("phi3:mini", True, "thinking_unsupported"),
        ("nomic-embed-text:latest", False, "not_a_chat_model"),
        ("absent", False, "unknown_model"),
    ],
)
def test_its_sentences_become_codes(engine: Ollama, model: str, think: bool, code: str) -> None:
    with pytest.raises(AppError) as refusal:
        answer(engine, question(model, think=think))
    assert (refusal.value.code, refusal.value.params) == (code, {"model": model})


def test_a_full_load_queue_is_busy() -> None:
    with FakeOllama(max_queue=0, load_seconds=10) as ollama:
        engine = Ollama(ollama.url)
        first = Listener(engine, question("deepseek-r1:1.5b"))
        ollama.await_load()
        with pytest.raises(AppError) as refusal:
            engine.warm("phi3:mini")
        assert refusal.value.code == "engine_busy"
        first.stop()


def test_silence_is_given_up_after_the_time_set(ollama: FakeOllama) -> None:
    engine = Ollama(ollama.url, read_timeout_s=0.3)
    for after in (0, 2):
        ollama.script(Scenario.hold(after=after))
        listener = Listener(engine, question("phi3:mini"))
        listener.end(timeout=3)
        assert listener.failure is not None
        assert listener.failure.code == "engine_silent"


def test_what_a_model_can_do_is_asked_once(ollama: FakeOllama, engine: Ollama) -> None:
    models = {model.name: model for model in engine.models()}
    engine.models()
    assert len(ollama.received("/api/show")) == 3
    assert models["deepseek-r1:1.5b"].thinking
    assert not models["phi3:mini"].thinking
    assert not models["nomic-embed-text:latest"].chat
    assert models["phi3:mini"].size_bytes == 2_176_178_913
    assert models["phi3:mini"].parameters == "3.8B"
    assert models["phi3:mini"].quantization == "Q4_0"


@pytest.mark.parametrize("version", ["0.6.2", "0.9.0", "0.24.0"])
def test_older_versions_serve_too(version: str) -> None:
    with FakeOllama(version=version) as ollama:
        engine = Ollama(ollama.url)
        models = {model.name: model for model in engine.models()}
        assert models["phi3:mini"].chat
        assert models["deepseek-r1:1.5b"].thinking
        events = answer(engine, question("phi3:mini"))
        assert text_of(events)
        assert done(events).usage.prompt_tokens == 9


def test_a_pull_tells_its_progress(engine: Ollama) -> None:
    lines = list(engine.pull("mistral"))
    assert lines[0].status == "pulling manifest"
    assert lines[-1].status == "success"
    files = [line for line in lines if line.total > 1_000_000]
    assert files[0].completed == 0
    assert [line.completed for line in files] == sorted(line.completed for line in files)
    assert files[-1].completed == files[-1].total
    assert "mistral:latest" in {model.name for model in engine.models()}


def test_a_pull_of_what_does_not_exist(engine: Ollama) -> None:
    with pytest.raises(AppError) as refusal:
        list(engine.pull("mistrale"))
    assert refusal.value.code == "unknown_model"


def test_a_pull_that_breaks_off() -> None:
    with FakeOllama(pull_error_after=3) as ollama, pytest.raises(AppError) as failure:
        list(Ollama(ollama.url).pull("mistral"))
    assert (failure.value.code, failure.value.params["model"]) == ("pull_failed", "mistral")
    assert "unexpected EOF" in failure.value.cause


def test_a_pull_without_a_way_to_the_internet() -> None:
    with FakeOllama(offline=True) as ollama, pytest.raises(AppError) as failure:
        list(Ollama(ollama.url).pull("mistral"))
    assert failure.value.code == "pull_offline"
    assert "no such host" in failure.value.cause


def test_a_model_of_the_cloud_is_neither_listed_nor_asked() -> None:
    cloud = FakeModel("gpt-oss:120b-cloud", size=384, remote_host="https://ollama.com:443")
    with FakeOllama(["phi3:mini", cloud]) as ollama:
        engine = Ollama(ollama.url)
        with pytest.raises(AppError) as refusal:
            answer(engine, question(cloud.name))
        assert refusal.value.code == "cloud_model"
        assert [model.name for model in engine.models()] == ["phi3:mini"]
        assert not ollama.received("/api/chat")
        assert not ollama.received("/api/generate")


def test_a_model_of_the_cloud_is_not_there_after_its_pull() -> None:
    cloud = FakeModel("gpt-oss:120b-cloud", size=384, remote_host="https://ollama.com:443")
    with FakeOllama(pullable=[cloud]) as ollama, pytest.raises(AppError) as refusal:
        list(Ollama(ollama.url).pull(cloud.name))
    assert refusal.value.code == "cloud_model"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("model requires more system memory (7.5 GiB) than is available (5.2 GiB)", "engine_no_memory"),
        ("llama runner process has terminated: signal: killed", "engine_no_memory"),
        ("unable to load model: /usr/share/ollama/.ollama/models/blobs/sha256-633fc5be", "engine_load_failed"),
    ],
)
def test_a_model_that_cannot_be_loaded(reason: str, code: str) -> None:
    with FakeOllama([FakeModel("grand:70b", load_error=reason)]) as ollama, pytest.raises(AppError) as failure:
        answer(Ollama(ollama.url), question("grand:70b"))
    assert (failure.value.code, failure.value.params["model"]) == (code, "grand:70b")
    assert reason in failure.value.cause


@pytest.mark.parametrize("version", ["0.6.8", "0.24.0", "0.33.0"])
@pytest.mark.parametrize("piece", ["ha ", "- ", "| "])
def test_an_answer_that_repeats_itself_ends_as_a_loop(version: str, piece: str) -> None:
    with FakeOllama(version=version) as ollama:
        ollama.script(Scenario.answer("Voici : " + piece * 200))
        engine = Ollama(ollama.url)
        events = answer(engine, question("phi3:mini"))
        assert done(events).reason == "loop"
        assert text_of(events).count(piece.strip()) == 31
        before = len(ollama.loads)
        answer(engine, question("phi3:mini"))
        assert len(ollama.loads) == before


def test_a_model_trained_with_less_context_is_loaded_with_that() -> None:
    with FakeOllama([FakeModel("tinyllama:latest", trained_context=2048)]) as ollama:
        engine = Ollama(ollama.url)
        assert engine.models()[0].context == 2048
        engine.warm("tinyllama:latest")
        assert engine.loaded() == {"tinyllama:latest"}
        assert not [event for event in answer(engine, question("tinyllama:latest")) if isinstance(event, Loading)]


def test_all_names_of_a_model_in_memory_count_as_loaded() -> None:
    models: list[str | FakeModel] = ["phi3:mini", FakeModel("maison:latest", copy_of="phi3:mini")]
    with FakeOllama(models) as ollama:
        engine = Ollama(ollama.url)
        engine.warm("maison:latest")
        assert engine.loaded() == {"phi3:mini", "maison:latest"}
        answer(engine, question("phi3:mini"))
        assert len(ollama.received("/api/generate")) == 1


def test_a_model_deleted_while_the_list_is_read_is_left_out(ollama: FakeOllama, engine: Ollama) -> None:
    ask = ollama._routes[("POST", "/api/show")]

    def gone(exchange: Exchange) -> None:
        if exchange.json["model"] == "phi3:mini":
            exchange.reply(404, {"error": "model 'phi3:mini' not found"})
        else:
            ask(exchange)

    ollama._routes[("POST", "/api/show")] = gone
    assert "phi3:mini" not in {model.name for model in engine.models()}
    assert len(engine.models()) == 2


@pytest.fixture
def runners() -> Iterator[dict[str, int]]:
    """A process for each of two models, started as Ollama starts its runners; their pids by model."""
    started = {}
    for name in ("phi3:mini", "deepseek-r1:1.5b"):
        file = f"{BLOBS}/{model_called(name).weights}"
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", "--model", file, "--port", "1"]
        started[name] = subprocess.Popen(command, stdin=subprocess.PIPE)
    yield {name: process.pid for name, process in started.items()}
    for process in started.values():
        process.communicate()


def test_the_processes_of_a_model_are_those_without_the_others(engine: Ollama, runners: dict[str, int]) -> None:
    engine.models()
    phi3, other = runners["phi3:mini"], runners["deepseek-r1:1.5b"]
    assert {os.getpid(), phi3, other} <= set(engine.pids())
    # This process is the stand-in: the daemon, which belongs to each.
    assert {os.getpid(), phi3, other} & set(engine.pids("phi3:mini")) == {os.getpid(), phi3}
    assert {os.getpid(), phi3, other} <= set(engine.pids("unknown"))


def test_the_package_for_downloads_is_imported_for_downloads_only() -> None:
    code = (
        "import sys; from app.engines.ollama import Ollama\n"
        "Ollama('http://127.0.0.1:1'); print({'ollama', 'httpx'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
