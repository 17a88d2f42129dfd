"""OpenAI's API: models, and answers whole and in chunks."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Conversation
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Program, refusal, token_of
from tests.support.site import Site

THINKER = "deepseek-r1:1.5b"


def sent(ollama: FakeOllama) -> Any:
    """What the engine was asked last."""
    return ollama.received("/api/chat")[-1]


def test_the_models(program: Program) -> None:
    listed = program.get("/models").json
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["phi3:mini", THINKER]
    for model in listed["data"]:
        assert model == {"id": model["id"], "object": "model", "created": 0, "owned_by": "ollama"}
        assert program.get(f"/models/{model['id']}").json == model
    assert program.get("/models/default").json["id"] == "phi3:mini"
    assert refusal(program.get("/models/hub/other:7b")) == (404, "model_not_found", "model")


def test_an_answer_in_one_piece(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Bonjour à vous."))
    answer = program.ask("Bonjour", model="phi3:mini")
    assert answer.status_code == 200
    body = answer.json
    assert body["id"].startswith("chatcmpl-")
    assert (body["object"], body["model"]) == ("chat.completion", "phi3:mini")
    assert isinstance(body["created"], int)
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Bonjour à vous.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    made = ollama.generations[-1]
    read, written = len(made.prompt), len(made.said)
    assert body["usage"] == {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def test_an_answer_in_chunks(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Bonjour à « vous ».\n"))
    chunks = program.stream("Bonjour").end()
    assert chunks.read[-1] is None
    assert None not in chunks.read[:-1]
    heads = {(chunk["id"], chunk["created"], chunk["object"], chunk["model"]) for chunk in chunks.read[:-1]}
    ((_, _, kind, model),) = heads
    assert (kind, model) == ("chat.completion.chunk", "phi3:mini")
    first, *middle, last = chunks.choices
    assert first["delta"] == {"role": "assistant", "content": ""}
    assert all(set(choice["delta"]) == {"content"} for choice in middle)
    assert [choice["finish_reason"] for choice in (first, *middle)] == [None] * (len(middle) + 1)
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")
    assert chunks.text() == "Bonjour à « vous ».\n"
    assert not any("usage" in chunk for chunk in chunks.read[:-1])


def test_what_it_cost_comes_last_when_it_is_asked_for(program: Program, ollama: FakeOllama) -> None:
    chunks = program.stream("Bonjour", stream_options={"include_usage": True}).end()
    *others, last = chunks.read[:-1]
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    made = ollama.generations[-1]
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == len(made.prompt)
    assert last["usage"]["completion_tokens"] == len(made.said)


def test_an_answer_of_no_words_has_its_shape_too(program: Program, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer(""), Scenario.answer(""))
    assert program.ask().json["choices"][0]["message"]["content"] == ""
    first, last = program.stream().end().choices
    assert first["delta"]["role"] == "assistant"
    assert last["finish_reason"] == "stop"


def test_the_messages_are_sent_as_they_are_and_nothing_is_stored(
    site: Site, program: Program, ollama: FakeOllama
) -> None:
    turns = [
        {"role": "developer", "content": "Sois bref."},
        {"role": "user", "content": "Un", "name": "claire"},
        {"role": "assistant", "content": "Deux"},
        {"role": "system", "content": "En vers."},
        {"role": "user", "content": [{"type": "text", "text": "Trois"}, {"type": "text", "text": "\0quatre\ud800"}]},
    ]
    assert program.complete({"messages": turns}).status_code == 200
    assert sent(ollama)["messages"] == [
        {"role": "system", "content": "Sois bref."},
        {"role": "user", "content": "Un"},
        {"role": "assistant", "content": "Deux"},
        {"role": "system", "content": "En vers."},
        {"role": "user", "content": "Trois\nquatre\ufffd"},
    ]
    with site.rows() as rows:
        assert rows.query(Conversation).count() == 0


def test_how_it_is_written_is_passed_on(program: Program, ollama: FakeOllama) -> None:
    program.ask(temperature=0, seed=-1, stop="FIN", max_tokens=5)
    options = sent(ollama)["options"]
    assert {name: options[name] for name in ("temperature", "seed", "stop", "num_predict")} == {
        "temperature": 0,
        "seed": 2**31 - 1,
        "stop": ["FIN"],
        "num_predict": 5,
    }
    program.ask(stop=["a", "b"], max_tokens=5, max_completion_tokens=7, temperature=None, seed=None)
    options = sent(ollama)["options"]
    assert (options["stop"], options["num_predict"]) == (["a", "b"], 7)
    assert not {"temperature", "seed"} & set(options)


def test_the_servers_limit_holds(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(MAX_OUTPUT_TOKENS=9).start(ollama).app)
    alice.register("alice")
    program = Program(alice.app, token_of(alice))
    ollama.script(*[Scenario.endless()] * 3)
    for fields in ({}, {"max_tokens": 100_000}):
        body = program.ask(**fields).json
        assert body["choices"][0]["finish_reason"] == "length"
        assert body["usage"]["completion_tokens"] == 9
    assert program.stream(max_tokens=3).end().choices[-1]["finish_reason"] == "length"
    assert len(ollama.generations[-1].said) == 3


def test_an_answer_that_repeats_itself_is_given_with_its_reason(program: Program, ollama: FakeOllama) -> None:
    ollama.script(*[Scenario.answer("Voici : " + "ha " * 99)] * 2)
    whole = program.ask()
    assert whole.status_code == 200
    choice = whole.json["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("loop", "Voici : " + "ha " * 30 + "ha")
    assert program.stream().end().choices[-1]["finish_reason"] == "loop"


@pytest.mark.parametrize("model", [None, "", "default"])
def test_the_default_model(program: Program, model: str | None) -> None:
    assert program.ask(model=model).json["model"] == "phi3:mini"
    assert program.ask().json["model"] == "phi3:mini"


@pytest.mark.parametrize(
    ("fields", "thinks"),
    [
        ({}, False),
        ({"think": False}, False),
        ({"think": True}, True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, False),
        ({"reasoning_effort": "low"}, True),
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "high", "think": False}, False),
    ],
)
def test_thinking_is_off_unless_it_is_asked_for(
    program: Program, ollama: FakeOllama, fields: dict[str, Any], thinks: bool
) -> None:
    scenario = Scenario.answer("Oui.", thinking="Je pense.")
    ollama.script(scenario, scenario)
    message = program.ask(model=THINKER, **fields).json["choices"][0]["message"]
    chunks = program.stream(model=THINKER, **fields).end()
    assert message["content"] == chunks.text() == "Oui."
    assert message.get("reasoning_content", "") == chunks.text("reasoning_content") == ("Je pense." if thinks else "")


def test_a_model_that_cannot_think(program: Program, ollama: FakeOllama) -> None:
    assert refusal(program.ask(think=True)) == (400, "unsupported_parameter", "think")
    # An effort is a wish, which programs send to every model.
    assert program.ask(reasoning_effort="high").status_code == 200
    assert sent(ollama)["think"] is False
