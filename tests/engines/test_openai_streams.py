"""What servers and proxies send besides the standard's stream: the answer still is what the model wrote, and ends."""

import json
from typing import Any

import pytest

from app.engines import openai_compatible, transport
from app.engines.base import EngineEvent, Reading, Retold, Text
from app.engines.openai_compatible import OpenAICompatible
from tests.engines.listening import Listener, answer, done, question, text_of, thinking_of
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import End, Scenario


def event(data: object) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def part(*, reason: object = None, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def said(*texts: object) -> list[bytes]:
    return [event(part(content=text)) for text in texts]


def spread(data: object) -> bytes:
    """An event whose JSON is laid out over several fields."""
    return b"".join(b"data: %s\n" % line.encode() for line in json.dumps(data, indent=1).splitlines()) + b"\n"


def ended_by(end: bytes, *pieces: bytes) -> list[bytes]:
    """These events with other line ends, each byte a piece of its own."""
    return [bytes([byte]) for byte in b"".join(pieces).replace(b"\n", end)]


STOP, DONE = event(part(reason="stop")), event(b"[DONE]")
COUNTS = event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})


def heard(*pieces: bytes, end: End = End.WHOLE) -> tuple[list[EngineEvent], str]:
    """The events that these bytes become, and the code of the failure after them."""
    with FakeOpenAI(bare=True) as server:
        server.script(Scenario.exactly(*pieces, end=end))
        listener = Listener(OpenAICompatible(server.url), question("smollm2"))
        events = listener.end()
    return events, listener.failure.code if listener.failure else ""


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([*said("Le ca", "p."), DONE], id="no finish reason, but DONE"),
        pytest.param([*said("Le ca", "p."), COUNTS], id="no finish reason, but the counts"),
        pytest.param([*said("Le ca", "p."), COUNTS, DONE], id="counts and DONE"),
        pytest.param([*said("Le ca", "p."), STOP], id="no DONE"),
        pytest.param([*said("Le ca", "p."), STOP.rstrip()], id="no line end"),
        pytest.param([b"\xef\xbb\xbf", *said("Le ca", "p."), STOP, DONE], id="byte order mark"),
        pytest.param([b"data:\n\n", *said("Le ca"), b"data: \n\n", *said("p."), STOP, DONE], id="empty data"),
        pytest.param([event(None), *said("Le ca"), event(None), *said("p."), STOP, DONE], id="null"),
        pytest.param([event(b": busy"), *said("Le ca"), b": busy\n\n", *said("p."), STOP, DONE], id="comments"),
        pytest.param([event({"type": "ping"}), *said("Le ca", "p."), STOP, DONE], id="an object of another kind"),
        pytest.param([b"id: 1\nretry: 5\nevent: message\n", *said("Le cap."), STOP, DONE], id="other fields"),
        pytest.param([spread(part(content="Le cap.")), spread(part(reason="stop")), DONE], id="several data fields"),
        pytest.param([*ended_by(b"\r", *said("Le ca", "p."), STOP, DONE)], id="CR as the end of lines"),
        pytest.param([*ended_by(b"\r\n", *said("Le ca", "p."), STOP, DONE)], id="CR LF"),
        pytest.param([one.rstrip(b"\n") + b"\n" for one in (*said("Le ca", "p."), STOP, DONE)], id="no empty lines"),
        pytest.param([*said([{"type": "text", "text": "Le "}, {"type": "text", "text": "cap."}]), DONE], id="parts"),
        pytest.param([*said("Le cap.", None, "", []), STOP, DONE], id="empty texts"),
        pytest.param([event(part(content="Le cap.", reason="stop")), DONE], id="reason beside the last text"),
        pytest.param([event(part(content="Le ca", reason="null")), *said("p."), DONE], id="the word null as reason"),
        pytest.param([event({"choices": None}), *said("Le cap."), STOP, DONE], id="no choices"),
        pytest.param([event({"error": None} | part(content="Le cap.")), STOP, DONE], id="no error"),
        pytest.param(
            [json.dumps({"choices": [{"message": {"content": "Le cap."}, "finish_reason": "stop"}]}).encode()],
            id="not streamed",
        ),
    ],
)
def test_an_answer_is_whole(pieces: list[bytes]) -> None:
    events, failure = heard(*pieces)
    assert (text_of(events), failure) == ("Le cap.", "")
    assert done(events).reason == "stop"


def test_what_follows_the_end_of_an_answer_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "END_SILENCE_S", 0.2)
    for after, end in (
        ([], End.RESET),
        ([], End.NEVER),
        ([COUNTS], End.NEVER),
        ([event({"error": {"message": "gone"}})], End.WHOLE),
        ([b"data: {coup\n\n"], End.WHOLE),
    ):
        events, failure = heard(*said("Le ", "cap."), STOP, *after, end=end)
        assert (text_of(events), done(events).reason, failure) == ("Le cap.", "stop", ""), (after, end)


@pytest.mark.parametrize(("pieces", "failure"), [(said("Le "), "engine_cut"), ([COUNTS], "engine_cut"),
                                                 ([b"<html>\n<h1>Bad Gateway</h1>\n"], "engine_garbled")])  # fmt: skip
def test_an_answer_without_any_end_was_cut(pieces: list[bytes], failure: str) -> None:
    events, code = heard(*pieces)
    assert code == failure
    assert text_of(events) == ("Le " if pieces == said("Le ") else "")


def test_an_event_that_never_becomes_json_is_garbled() -> None:
    events, failure = heard(*said("Le "), b"data: {coup\ndata: \xc3}\n\n", *said("cap"), STOP, DONE)
    assert (text_of(events), failure) == ("Le ", "engine_garbled")


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "LINE_LIMIT", 1000)
    events, failure = heard(*said("Le "), *[b"data: [[[[[[[[[\n"] * 100, *said("cap"), STOP, DONE)
    assert (text_of(events), failure) == ("Le ", "engine_garbled")


def test_halves_of_a_character_are_joined() -> None:
    halves = [event(rb'{"choices":[{"delta":{"content":"%s"}}]}' % text) for text in (rb"Cap \ud83d", rb"\udea4 !")]
    assert text_of(heard(*halves, STOP, DONE)[0]) == "Cap 🚤 !"
    alone = event(rb'{"choices":[{"delta":{"content":"Cap \ud83d"}}]}')
    assert text_of(heard(alone, STOP, DONE)[0]) == "Cap \ufffd"
    assert text_of(heard(alone, *said(" nord"), STOP, DONE)[0]) == "Cap \ufffd nord"
    assert text_of(heard(event(rb'{"choices":[{"delta":{"content":"a\u0000b\udea4"}}]}'), STOP)[0]) == "ab\ufffd"
    thought = event(rb'{"choices":[{"delta":{"reasoning_content":"Cap \ud83d"}}]}')
    events, _ = heard(thought, *said("Nord"), STOP, DONE)
    assert (thinking_of(events), text_of(events)) == ("Cap \ufffd", "Nord")


@pytest.mark.parametrize(
    ("usage", "prompt", "output"),
    [
        ({"prompt_tokens": "7", "completion_tokens": 2.0}, 7, 2),
        ({"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}, None, None),
        ({"prompt_tokens": "beaucoup", "completion_tokens": -1, "prompt_tokens_details": 3}, None, None),
        ({"prompt_tokens": [7], "completion_tokens": float("nan")}, None, None),
        ({"prompt_tokens": True, "completion_tokens": float("inf")}, None, None),
        ({"prompt_tokens": 10**400}, None, None),
        (3, None, None),
    ],
)
def test_counts_of_another_shape_are_read_or_left_out(usage: object, prompt: int | None, output: int | None) -> None:
    events, failure = heard(*said("Oui."), STOP, event({"choices": [], "usage": usage, "timings": "?"}), DONE)
    assert (text_of(events), failure) == ("Oui.", "")
    found = done(events).usage
    assert (found.prompt_tokens, found.output_tokens) == (prompt, output)


def test_progress_of_another_shape_is_left_out() -> None:
    told = [{"prompt_progress": value} for value in (3, None, {"total": None}, {"total": "9", "processed": "4"})]
    events, failure = heard(*map(event, told), *said("Oui."), STOP, DONE)
    assert ([item for item in events if isinstance(item, Reading)], failure) == ([Reading(4, 9)], "")


def test_thinking_may_be_a_part_of_the_text() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Deux et deux."}]}
    events, _ = heard(*said([thought], [{"type": "text", "text": "Quatre."}]), STOP, DONE)
    assert (thinking_of(events), text_of(events)) == ("Deux et deux.", "Quatre.")


CONTEXT = "the model is loaded with context length of only 4096 tokens"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (b'event: error\ndata: {"error":{"message":"%s"}}\n\n' % CONTEXT.encode(), "context_exceeded"),
        (b'event: error\ndata: {"message":"%s"}\n\n' % CONTEXT.encode(), "context_exceeded"),
        (b'error: {"code":400,"message":"too many tokens"}\n\n', "context_exceeded"),
        (event({"error": "prompt is too long: 5000 tokens > 4096 maximum"}), "context_exceeded"),
        (event({"object": "error", "message": "x", "code": 400, "type": "context"}), "engine_failed"),
        (event({"error": {"message": "context deadline exceeded"}}), "engine_failed"),
        (event({"error": {"message": "x", "code": "context_length_exceeded"}}), "context_exceeded"),
        (event({"error": {"message": "busy", "code": 429}}), "engine_busy"),
        (event({"error": {"message": "no such model", "code": 404}}), "unknown_model"),
        (event({"error": {"message": "model requires more system memory (7.5 GiB)"}}), "engine_no_memory"),
        (event({"error": {"message": 3, "code": None, "type": []}}), "engine_failed"),
        (event(rb'{"error":{"message":"\ud83d"}}'), "engine_failed"),
        (b'{"error":{"message":"not streamed"}}\n', "engine_failed"),
        (b"error: out of order\n\n", "engine_failed"),
    ],
)
def test_an_error_told_in_the_stream_has_the_code_of_its_kind(told: bytes, code: str) -> None:
    events, failure = heard(*said("Le "), told, *said("cap"), STOP, DONE)
    assert (text_of(events), failure) == ("Le ", code)


def test_a_short_thinking_without_its_opening_mark_is_never_text() -> None:
    events, _ = heard(*said("Voy", "ons.\n</thi", "nk>\n\nQuatre."), STOP, DONE)
    assert not [item for item in events if isinstance(item, Retold)]
    assert (thinking_of(events), text_of(events)) == ("Voyons.\n", "Quatre.")


def test_the_first_word_is_not_waited_for_once_a_model_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAI(bare=True) as server:
        engine = OpenAICompatible(server.url)
        server.script(Scenario.one_token("mot " * 300), Scenario.hold(after=1))
        answer(engine, question("smollm2"))
        monkeypatch.setattr(transport, "FRAME_S", 3600.0)
        listener = Listener(engine, question("smollm2"))
        listener.first(Text)
        listener.stop()


@pytest.mark.parametrize("begun", [[], said("Le ")], ids=["before", "within"])
def test_signs_of_life_alone_are_given_up(begun: list[bytes]) -> None:
    with FakeOpenAI(bare=True) as server:
        server.script(Scenario.exactly(*begun, b":\n\n", end=End.PINGS))
        listener = Listener(OpenAICompatible(server.url, read_timeout_s=0.3), question("smollm2"))
        events = listener.end(timeout=3)
    assert listener.failure is not None
    assert (listener.failure.code, text_of(events)) == ("engine_silent", "Le " if begun else "")


def test_a_server_that_knows_no_limit_is_ended() -> None:
    with FakeOpenAI(bare=True) as server:
        server.script(Scenario.exactly(*said(*["mot " * 100] * 10), end=End.NEVER))
        listener = Listener(OpenAICompatible(server.url), question("smollm2", max_tokens=50))
        events = listener.end()
    assert (done(events).reason, listener.failure) == ("length", None)
    assert 50 * 4 < len(text_of(events)) <= 4000


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ({"data": None}, set()),
        ({"data": 3}, set()),
        ({"data": [3, None, {}, {"id": 3}, {"id": ""}, {"id": "a\nb"}, {"id": "x" * 201}]}, set()),
        ({"data": [{"id": "smollm2", "meta": 3, "status": "?", "max_model_len": "beaucoup"}]}, {"smollm2"}),
    ],
)
def test_a_list_of_models_of_another_shape_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, listed: object, names: set[str]
) -> None:
    with FakeOpenAI(bare=True) as server:
        monkeypatch.setitem(server._routes, ("GET", "/v1/models"), lambda exchange: exchange.reply(200, listed))
        engine = OpenAICompatible(server.url)
        assert {model.name for model in engine.models()} == engine.loaded() == names


def test_the_first_word_is_told_within_a_frame() -> None:
    with FakeOpenAI(bare=True) as server:
        server.script(Scenario.hold(after=1))
        listener = Listener(OpenAICompatible(server.url), question("smollm2"))
        listener.first(Text)
        listener.stop()
