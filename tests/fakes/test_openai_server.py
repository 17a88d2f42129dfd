"""The stand-in llama-server says what the real one says, and the other vendor's says less."""

import json
from typing import Any

import pytest
import requests

from tests.fakes.engine import Outcome, Phase
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario

QUESTION = [{"role": "user", "content": "Combien font deux et deux ?"}]


def chat(server: FakeOpenAI, *, timeout: float = 10, **body: Any) -> requests.Response:
    asked = {"model": "smollm2", "messages": QUESTION, "stream": True, **body}
    return requests.post(f"{server.url}/v1/chat/completions", json=asked, stream=True, timeout=timeout)


def events(response: requests.Response) -> list[Any]:
    """The JSON of each event; the last one, `[DONE]`, as a string."""
    data = [block.removeprefix("data: ") for block in response.content.decode().split("\n\n") if block]
    return [json.loads(text) if text.startswith("{") else text for text in data]


def test_it_answers_in_chunks_with_the_timings_last() -> None:
    with FakeOpenAI() as server:
        response = chat(server, return_progress=True, stream_options={"include_usage": True})
        first, second, role, *words, finish, usage, done = events(response)
    assert response.headers["Content-Type"] == "text/event-stream"
    assert first["prompt_progress"]["processed"] == 0
    assert second["prompt_progress"]["processed"] == second["prompt_progress"]["total"] == 9
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert all(word["choices"][0]["delta"]["content"] for word in words)
    assert finish["choices"][0] == {"finish_reason": "stop", "index": 0, "delta": {}}
    assert usage["choices"] == []
    assert usage["timings"]["predicted_n"] == usage["usage"]["completion_tokens"] == len(words)
    assert usage["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}
    assert done == "[DONE]"


def test_without_usage_the_timings_are_beside_the_finish_reason() -> None:
    with FakeOpenAI() as server:
        finish, done = events(chat(server, max_tokens=2))[-2:]
    assert finish["choices"][0]["finish_reason"] == "length"
    assert finish["timings"]["predicted_n"] == 2
    assert done == "[DONE]"


def test_another_vendor_tells_less() -> None:
    with FakeOpenAI(bare=True) as server:
        answer = chat(server, return_progress=True, stream_options={"include_usage": True}).text
        assert "timings" not in answer
        assert "prompt_progress" not in answer
        assert requests.get(f"{server.url}/props", timeout=5).status_code == 404
        assert chat(server, model="absent").json()["error"]["type"] == "NotFoundError"


def test_thinking_is_apart_and_can_be_switched_off() -> None:
    with FakeOpenAI(thinks=True) as server:
        assert "reasoning_content" in chat(server).text
        assert "reasoning_content" not in chat(server, chat_template_kwargs={"enable_thinking": False}).text


def test_refusals() -> None:
    with FakeOpenAI(context=16, api_key="secret") as server:
        assert requests.get(f"{server.url}/health", timeout=5).json() == {"status": "ok"}
        assert chat(server).json()["error"]["type"] == "authentication_error"
        server.api_key = ""
        too_long = chat(server, messages=[{"role": "user", "content": "mot " * 50}])
        assert too_long.json()["error"]["type"] == "exceed_context_size_error"
        server.ready = False
        assert requests.get(f"{server.url}/health", timeout=5).status_code == 503
        assert chat(server).json()["error"]["message"] == "Loading model"


def test_scripted_trouble() -> None:
    with FakeOpenAI() as server:
        server.script(Scenario.mid_stream_error(2), Scenario.cut(2), Scenario.garbage(2), Scenario.drop(2))
        assert events(chat(server))[-1]["error"]["type"] == "server_error"
        assert events(chat(server))[-1]["choices"][0]["finish_reason"] is None
        with pytest.raises(ValueError, match="Unterminated"):
            events(chat(server))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            events(chat(server))
        assert {made.outcome for made in server.generations} == {Outcome.FAILED}


def test_only_writing_tells_it_that_the_client_left() -> None:
    with FakeOpenAI(prefill_per_second=1000, batch=50) as server:
        with pytest.raises(requests.ReadTimeout):
            chat(server, timeout=0.1, messages=[{"role": "user", "content": "mot " * 400}])
        made = server.reached(Phase.ENDED)
        assert made.outcome is Outcome.CANCELLED
        assert made.ended_at - made.asked_at >= 0.4
        chat(server, messages=[{"role": "user", "content": "autre " * 400}], return_progress=True).close()
        made = server.reached(Phase.ENDED, 1)
        assert (made.outcome, made.left_in) == (Outcome.CANCELLED, Phase.PREFILL)
        assert made.ended_at - made.asked_at < 0.3


def test_slots_show_who_works() -> None:
    with FakeOpenAI(slots=2) as server:
        server.script(Scenario.hold(after=1))
        held = chat(server)
        server.reached(Phase.DECODING)
        slots = requests.get(f"{server.url}/slots", timeout=5).json()
        assert [slot["is_processing"] for slot in slots] == [True, False]
        server.release()
        assert held.text.endswith("[DONE]\n\n")
