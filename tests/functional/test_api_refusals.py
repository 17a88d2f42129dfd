"""What OpenAI's API refuses, in OpenAI's words, and what it takes though it does nothing with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.openai_api import MAX_MESSAGES, MAX_STOPS
from app.web import MAX_CONTENT
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Program, refusal, token_of
from tests.support.site import Site

TURN = {"role": "user", "content": "Bonjour"}
ANSWER = {"role": "assistant", "content": "Bon"}
TOOL = {"type": "function", "function": {"name": "heure", "parameters": {}}}
UNSUPPORTED = [
    {"n": 2},
    {"tools": [TOOL]},
    {"tool_choice": "required"},
    {"functions": [{"name": "heure"}]},
    {"function_call": {"name": "heure"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
    {"response_format": {"type": "json_object"}},
    {"logprobs": True},
    {"top_logprobs": 3},
    {"logit_bias": {"50256": -100}},
    {"modalities": ["text", "audio"]},
    {"audio": {"voice": "alloy", "format": "wav"}},
    {"web_search_options": {}},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": 3}, "model"),
    ({"model": "x" * 300}, "model"),
    ({"model": 0}, "model"),
    ({"messages": "Bonjour"}, "messages"),
    ({"messages": [TURN] * (MAX_MESSAGES + 1)}, "messages"),
    ({"messages": [TURN, "Bonjour"]}, "messages[1]"),
    ({"messages": [{"content": "Bonjour"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "Bonjour"}]}, "messages[0].role"),
    ({"messages": [{"role": "king", "content": "Bonjour"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
    ({"messages": [TURN, ANSWER, ANSWER]}, "messages[2].role"),
    ({"messages": [{"role": "user", "content": ["Bonjour"]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [0] * 50_000}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "\ud800", "content": "Bonjour"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": 3}]}]}, "messages[0].content[0]"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": True}, "stream_options"),
    ({"stream_options": {"include_usage": "yes"}}, "include_usage"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_completion_tokens": 0, "max_tokens": 5}, "max_completion_tokens"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"temperature": 10**400}, "temperature"),
    ({"temperature": float("nan")}, "temperature"),
    ({"seed": 1.5}, "seed"),
    ({"seed": 2**70}, "seed"),
    ({"stop": 3}, "stop"),
    ({"stop": ""}, "stop"),
    ({"stop": ["a", ""]}, "stop"),
    ({"stop": ["a", None]}, "stop"),
    ({"stop": ["a"] * (MAX_STOPS + 1)}, "stop"),
    ({"think": "yes"}, "think"),
    ({"reasoning_effort": "somewhat"}, "reasoning_effort"),
    ({"reasoning_effort": 3}, "reasoning_effort"),
]
OTHER: list[tuple[dict[str, Any], str]] = [
    ({"role": "tool", "content": "12 h", "tool_call_id": "x"}, "messages[0].role"),
    ({"role": "function", "content": "12 h", "name": "heure"}, "messages[0].role"),
    ({"role": "assistant", "content": None, "tool_calls": [TOOL]}, "messages[0].tool_calls"),
    ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[0].content[0]"),
    ({"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "file"}]}, "messages[0].content[1]"),
]
HARMLESS = {
    "n": 1,
    "tools": [],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "logprobs": False,
    "top_logprobs": None,
    "logit_bias": {},
    "modalities": ["text"],
    "audio": None,
    "stop": None,
    "stream_options": {"include_usage": True},
    "top_p": 0.9,
    "presence_penalty": 0.5,
    "user": "claire",
    "metadata": {"a": "b"},
    "store": False,
    "parallel_tool_calls": True,
    "a_field_of_next_year": [1, 2],
}


@pytest.mark.parametrize("fields", UNSUPPORTED, ids=str)
def test_what_would_make_it_another_answer_is_refused(
    program: Program, ollama: FakeOllama, fields: dict[str, Any]
) -> None:
    (name,) = fields
    answer = program.ask(**fields)
    assert refusal(answer) == (400, "unsupported_parameter", name)
    assert f"«\u202f{name}\u202f»" in answer.json["error"]["message"]
    assert ollama.generations == []


@pytest.mark.parametrize(("fields", "place"), WRONG, ids=[place for _, place in WRONG])
def test_a_field_that_is_wrong_is_named(program: Program, fields: dict[str, Any], place: str) -> None:
    assert refusal(program.complete({"messages": [TURN], **fields})) == (400, "invalid_value", place)


@pytest.mark.parametrize(("turn", "place"), OTHER, ids=[place for _, place in OTHER])
def test_only_text_is_read(program: Program, turn: dict[str, Any], place: str) -> None:
    assert refusal(program.complete({"messages": [turn]})) == (400, "unsupported_value", place)


def test_what_changes_nothing_is_taken(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Oui."))
    answer = program.ask(**HARMLESS)
    assert answer.status_code == 200, answer.text
    assert answer.json["choices"][0]["message"]["content"] == "Oui."


@pytest.mark.parametrize("content", [{"content": None}, {}, {"content": ""}, {"content": []}], ids=str)
def test_an_assistants_turn_without_content_is_empty(
    program: Program, ollama: FakeOllama, content: dict[str, Any]
) -> None:
    thinking = {"role": "assistant", "reasoning_content": "Voyons.", "tool_calls": None} | content
    assert program.complete({"messages": [TURN, thinking, TURN]}).status_code == 200
    assert ollama.received("/api/chat")[-1]["messages"][1] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ],
)
def test_what_is_missing_is_named(program: Program, body: dict[str, Any], place: str) -> None:
    assert refusal(program.complete(body)) == (400, "missing_required_parameter", place)


def test_models_that_cannot_be_asked(program: Program) -> None:
    assert refusal(program.ask(model="gpt-5")) == (404, "model_not_found", "model")
    assert refusal(program.ask(model="nomic-embed-text")) == (400, "not_a_chat_model", "model")


def test_a_body_that_is_no_object(program: Program) -> None:
    path = "/chat/completions"
    for data in (b"{", b"[]", b"null", b"\xff", b"[" * 100_000, json.dumps("x").encode()):
        answer = program.send("POST", path, data=data, content_type="application/json")
        assert refusal(answer) == (400, "bad_request", None)
    assert refusal(program.send("POST", path, data=b"")) == (400, "missing_required_parameter", "messages")
    assert refusal(program.send("POST", path, data={"messages": "x"})) == (415, "unsupported_media_type", None)


def test_what_is_too_large(program: Program) -> None:
    assert refusal(program.ask("x" * (MAX_CONTENT + 1))) == (413, "request_too_large", "messages")
    assert refusal(program.ask(user="x" * 9_000_000)) == (413, "request_too_large", None)
    many = {"messages": [{"role": "user", "content": "x" * MAX_CONTENT}] * 16}
    assert refusal(program.complete(many)) == (413, "request_too_large", None)
    assert refusal(program.ask([0] * 500_000)) == (413, "request_too_large", None)


def test_addresses_that_are_not_there(program: Program) -> None:
    for method, path in (("GET", "/nothing"), ("POST", "/embeddings"), ("POST", "/chat"), ("DELETE", "/")):
        assert refusal(program.send(method, path)) == (404, "unknown_url", None)
    for method, path in (("POST", "/models"), ("GET", "/chat/completions"), ("DELETE", "/models/phi3:mini")):
        assert refusal(program.send(method, path)) == (405, "method_not_allowed", None)


def test_a_failure_in_mid_stream_is_its_last_event(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.drop(3))
    *chunks, last = program.stream().end().read
    assert last["error"]["code"] == "engine_cut"
    assert last["error"]["type"] == "server_error"
    assert "réponse" in last["error"]["message"]
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_an_early_failure_has_its_status(program: Program, ollama: FakeOllama, stream: bool) -> None:
    ollama.script(Scenario.refused(500, "llama runner process has terminated"))
    assert refusal(program.ask(stream=stream)) == (502, "engine_failed", None)
    long = program.ask("mot " * 5000, stream=stream)
    assert refusal(long) == (400, "context_length_exceeded", "messages")


def test_an_engine_that_is_away(make_site: Callable[..., Site]) -> None:
    with FakeOllama() as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start(ollama).app)
        alice.register("alice")
        program = Program(alice.app, token_of(alice))
    answer = program.ask()
    assert refusal(answer) == (503, "engine_unreachable", None)
    assert "Retry-After" in answer.headers
