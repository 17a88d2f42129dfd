"""Whatever JSON an engine streams, its answer ends or fails by name, and its events can be stored and sent."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engines import transport
from app.engines.base import Cancel, Done, EngineEvent, Reading, Text, Thinking
from app.engines.ollama import OllamaStream
from app.engines.openai_compatible import OpenAICompatible, OpenAIStream
from app.engines.transport import BatchedLines, EngineHttpClient
from app.errors import AppError
from tests.unit.test_frames import Wire, failure, response, wired

odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=4)
    | st.sampled_from(["7", "stop", "</think>", "\ud83d", "\udea4", "<|channel|>", "a" * 500]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["text", "type", "thinking", "content", "message", "code"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def of(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, odd))


delta = of("content", "reasoning_content", "reasoning", "role")
choice = st.fixed_dictionaries({}, optional={"delta": delta | odd, "message": delta, "finish_reason": odd})
usage = of("prompt_tokens", "completion_tokens", "prompt_tokens_details")
timings = of("prompt_n", "cache_n", "prompt_ms", "predicted_n", "predicted_ms")
progress = of("processed", "total", "cache")
openai_part = st.fixed_dictionaries(
    {},
    optional={"choices": st.lists(choice, max_size=2) | odd, "usage": usage | odd, "timings": timings | odd,
              "prompt_progress": progress | odd, "error": odd, "object": odd},
)  # fmt: skip
prefix = st.sampled_from(["data: ", "data:", "error: ", "event: ", "event: error\ndata: ", ": ", "", "\ufeffdata: "])
openai_line = st.tuples(prefix, (openai_part | odd).map(json.dumps)).map("".join)
counts = ("eval_count", "eval_duration", "prompt_eval_count", "prompt_eval_duration", "load_duration")
ollama_line = st.fixed_dictionaries(
    {}, optional={"message": of("content", "thinking") | odd, "done": odd, "done_reason": odd, "error": odd}
    | dict.fromkeys(counts, odd),
).map(json.dumps)  # fmt: skip


def check(events: list[EngineEvent]) -> None:
    """What the worker relies on."""
    for event in events:
        match event:
            case Text(text) | Thinking(text):
                text.encode()
                assert text
                assert "\0" not in text
            case Reading(done, total):
                assert isinstance(done, int)
                assert isinstance(total, int)
            case Done(reason, found):
                assert isinstance(reason, str)
                for figure in (found.prompt_tokens, found.cached_tokens, found.prefill_ms, found.output_tokens,
                               found.decode_ms, found.load_ms):  # fmt: skip
                    assert figure is None or (math.isfinite(figure) and figure >= 0)


def heard(lines: list[str], stream: Any, complete: Any = lambda: None) -> None:
    events: list[EngineEvent] = []
    body = [(line + "\n\n").encode(errors="replace") for line in lines]
    client = EngineHttpClient("engine", read_timeout_s=1)
    # The connection closes with it.
    answer = response(Wire([wired("chunked", body)]))
    with suppress(AppError):
        events.extend(client.events(BatchedLines(answer, failure), stream.read, Cancel(), complete))
    check(events)


@settings(max_examples=150)
@given(st.lists(openai_line | st.text(max_size=8), max_size=6))
def test_openai_compatible_servers(lines: list[str]) -> None:
    engine = OpenAICompatible("http://127.0.0.1:9")
    stream = OpenAIStream(lambda error: engine._failure("model", 200, error))
    heard(lines, stream, stream.complete)


@settings(max_examples=150)
@given(st.lists(ollama_line | st.text(max_size=8), max_size=6))
def test_ollama(lines: list[str]) -> None:
    heard(lines, OllamaStream(lambda error: AppError("engine_failed", cause=str(error), engine="Ollama")))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_event_of_several_lines_is_read_with_any_line_end(monkeypatch: pytest.MonkeyPatch, line_end: bytes) -> None:
    monkeypatch.setattr(transport, "FRAME_S", 0.0)
    body = b'data: {"choices":\ndata: [{"delta": {"content": "Cap"}}]\ndata: }\n\ndata: [DONE]\n\n'
    sent = wired("plain", [body.replace(b"\n", line_end)])
    stream = OpenAIStream(lambda error: AppError("engine_failed", cause=str(error), engine="engine"))
    client = EngineHttpClient("engine", read_timeout_s=1)
    answer = response(Wire([bytes([byte]) for byte in sent]))
    events = list(client.events(BatchedLines(answer, failure), stream.read, Cancel(), stream.complete))
    assert (events[0], type(events[-1]), len(events)) == (Text("Cap"), Done, 2)
