"""Pictures go to the engines in each one's own way, and only to models that see."""

import base64
from contextlib import ExitStack

import pytest

from app.engines.base import ChatRequest, Engine
from app.engines.catalogue import CATALOGUE, described, image_tokens, quickest_with_vision
from app.engines.ollama import Ollama
from app.engines.openai_compatible import OpenAICompatible
from app.errors import AppError
from tests.engines.listening import answer, done, text_of
from tests.fakes.ollama import FakeOllama
from tests.fakes.ollama_library import FakeModel
from tests.fakes.openai_server import FakeOpenAI

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(40)).decode()


def about(model: str, *images: str, text: str = "Que lit-on ?") -> ChatRequest:
    """A question about pictures."""
    return ChatRequest(model, ({"role": "user", "content": text, "images": list(images)},))


def failure(engine: Engine, request: ChatRequest) -> AppError:
    with pytest.raises(AppError) as refusal:
        answer(engine, request)
    return refusal.value


def test_ollama_gets_pictures_beside_the_words() -> None:
    with FakeOllama(["gemma3:4b"]) as ollama:
        engine = Ollama(ollama.url)
        events = answer(engine, about("gemma3:4b", JPEG))
        assert text_of(events)
        assert (done(events).usage.prompt_tokens or 0) > 256
        assert ollama.received("/api/chat")[0]["messages"] == [
            {"role": "user", "content": "Que lit-on ?", "images": [JPEG]}
        ]


def test_llama_server_gets_pictures_as_parts_before_the_words() -> None:
    with FakeOpenAI(sees=True) as server:
        assert text_of(answer(OpenAICompatible(server.url), about("smollm2", JPEG, PNG)))
        parts = server.received("/v1/chat/completions")[0]["messages"][0]["content"]
        assert [part["type"] for part in parts] == ["image_url", "image_url", "text"]
        assert parts[0]["image_url"] == {"url": f"data:image/jpeg;base64,{JPEG}"}
        assert parts[1]["image_url"] == {"url": f"data:image/png;base64,{PNG}"}


def test_the_same_picture_in_the_history_is_read_once() -> None:
    with FakeOpenAI(sees=True) as server:
        engine = OpenAICompatible(server.url)
        first = about("smollm2", JPEG)
        said = text_of(answer(engine, first))
        more = ({"role": "assistant", "content": said}, {"role": "user", "content": "Et en bas ?"})
        usage = done(answer(engine, ChatRequest("smollm2", (*first.messages, *more)))).usage
        assert (usage.cached_tokens or 0) > 256


def test_engines_say_which_models_see(stack: ExitStack) -> None:
    without_eyes = FakeModel("qwen3-vl:2b", capabilities=("completion",))
    ollama = stack.enter_context(FakeOllama(["phi3:mini", "gemma3:4b", without_eyes]))
    sees = {model.name: model.vision for model in Ollama(ollama.url).models()}
    assert (sees["gemma3:4b"], sees["phi3:mini"]) == (True, False)
    # What Ollama says counts, not what the catalogue says of that name.
    assert not sees["qwen3-vl:2b"]
    for wanted in (True, False):
        server = stack.enter_context(FakeOpenAI(sees=wanted))
        assert OpenAICompatible(server.url).models()[0].vision is wanted


def test_an_old_ollama_leaves_it_to_the_catalogue() -> None:
    with FakeOllama(["gemma3:4b", "phi3:mini"], version="0.6.2") as ollama:
        assert {model.name: model.vision for model in Ollama(ollama.url).models()} == {
            "gemma3:4b": True,
            "phi3:mini": False,
        }


def test_a_model_that_sees_nothing_refuses_pictures() -> None:
    with FakeOllama() as ollama, FakeOpenAI() as server:
        for engine, model in ((Ollama(ollama.url), "phi3:mini"), (OpenAICompatible(server.url), "smollm2")):
            refusal = failure(engine, about(model, JPEG))
            assert (refusal.code, refusal.params["model"]) == ("images_unsupported", model)


def test_what_the_engine_cannot_decode_is_the_pictures_fault() -> None:
    with FakeOllama(["gemma3:4b"]) as ollama:
        damaged = base64.b64encode(b"BM no picture").decode()
        assert failure(Ollama(ollama.url), about("gemma3:4b", damaged)).code == "image_unreadable"


def test_a_picture_takes_tokens_by_model() -> None:
    assert image_tokens(described("gemma3:4b")) == 256
    assert image_tokens(described("qwen3-vl:2b")) == 1024
    assert image_tokens(described("hf.co/acme/Gemma-3-12B-GGUF", vision=True)) == 256
    assert image_tokens(described("phi3:mini")) == 0
    assert quickest_with_vision() is CATALOGUE["gemma3:4b"]
