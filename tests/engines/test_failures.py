"""What an engine's bad days look like from our side: a named failure, the text so far, nothing that hangs."""

import pytest

from app.engines.base import Done
from tests.engines.conftest import Subject
from tests.engines.listening import Listener, answer, done, question, text_of
from tests.fakes.ollama import BUSY
from tests.fakes.scenario import Scenario

GARBAGE = ('{"message": {"content": "coup', "[1, 2]", '"mot"', "17", "<html>", "\udcff\udcfe", "{}{}")
# JSON of the right kind whose inside is not what it should be.
MISSHAPEN = {
    "ollama": ('{"message": 3}', '{"message": {"content": 3}}'),
    "llama-server": ('{"choices": 3}', '{"choices": [3]}', '{"choices": [{"delta": 3}]}',
                     '{"choices": [{"delta": {"content": 3}}]}', '{"choices": [{"delta": {"content": [3]}}]}',
                     "[" * 100_000),
}  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (Scenario.mid_stream_error(after=5), "engine_failed"),
        (Scenario.mid_stream_error(after=0), "engine_failed"),
        (Scenario.mid_stream_error(after=5, message="context canceled"), "engine_failed"),
        (Scenario.cut(after=5), "engine_cut"),
        (Scenario.drop(after=5), "engine_cut"),
        (Scenario.refused(500, "llama runner process has terminated: signal: killed"), "engine_failed"),
        (Scenario.refused(500, "out of memory"), "engine_no_memory"),
        (Scenario.mid_stream_error(after=5, message="failed to allocate compute buffers"), "engine_no_memory"),
        (Scenario.refused(503, BUSY), "engine_busy"),
        (Scenario.proxy_page(502), "engine_failed"),
    ],
    ids=lambda value: f"{value.name}-{value.after}" if isinstance(value, Scenario) else value,
)
def test_each_failure_has_its_code(faked: Subject, scenario: Scenario, code: str) -> None:
    faked.behind.script(scenario)
    listener = Listener(faked.engine, question(faked.model))
    events = listener.end()
    assert listener.failure is not None
    assert listener.failure.code == code
    assert text_of(events) == "".join(faked.behind.generations[0].said if faked.behind.generations else ())
    assert not [event for event in events if isinstance(event, Done)]


@pytest.mark.parametrize("line", GARBAGE)
def test_a_garbage_line_is_garbled(faked: Subject, line: str) -> None:
    faked.behind.script(Scenario.garbage(after=2, line=line))
    listener = Listener(faked.engine, question(faked.model))
    assert text_of(listener.end())
    assert listener.failure is not None
    assert listener.failure.code == "engine_garbled"


@pytest.mark.parametrize(
    ("faked", "line"),
    [(kind, line) for kind, lines in MISSHAPEN.items() for line in lines],
    indirect=["faked"],
)
def test_json_of_another_shape_is_garbled(faked: Subject, line: str) -> None:
    faked.behind.script(Scenario.garbage(after=2, line=line))
    listener = Listener(faked.engine, question(faked.model))
    listener.end()
    assert listener.failure is not None
    assert listener.failure.code == "engine_garbled"


def test_an_engine_recovers_by_itself(faked: Subject) -> None:
    faked.behind.script(Scenario.drop(after=3), Scenario.cut(after=3), Scenario.refused(500, "out of memory"))
    for _ in range(3):
        listener = Listener(faked.engine, question(faked.model))
        listener.end()
        assert listener.failure
    assert done(answer(faked.engine, question(faked.model))).reason == "stop"


def test_a_failure_names_the_engine_and_keeps_the_cause(faked: Subject) -> None:
    faked.behind.script(Scenario.refused(500, "graph failed to compute"))
    listener = Listener(faked.engine, question(faked.model))
    listener.end()
    assert listener.failure is not None
    assert listener.failure.params["engine"] == faked.engine.label
    assert "graph failed to compute" in listener.failure.cause
