"""An engine that is not there is said to be so in less than three seconds, whatever is asked of it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.engines.base import Engine
from app.engines.embedded import Embedded
from app.engines.ollama import Ollama
from app.engines.openai_compatible import OpenAICompatible
from app.errors import AppError
from tests.engines.conftest import stand_in
from tests.engines.listening import answer, done, question, text_of

CALLS: dict[str, Callable[[Engine], object]] = {
    "models": lambda engine: engine.models(),
    "loaded": lambda engine: engine.loaded(),
    "warm": lambda engine: engine.warm("phi3:mini"),
    "stream": lambda engine: answer(engine, question("phi3:mini")),
}
ENGINES: dict[str, Callable[[str], Engine]] = {"ollama": Ollama, "openai": OpenAICompatible}


def seconds_until_unreachable(call: str, engine: Engine) -> float:
    """How long it takes to say that the engine is not there."""
    started = time.monotonic()
    with pytest.raises(AppError) as failure:
        CALLS[call](engine)
    assert failure.value.code == "engine_unreachable"
    return time.monotonic() - started


def assert_unreachable_at_once(url: str, *calls: str) -> None:
    """Every engine says so in less than 3 s; asked all together, so that the test takes no longer."""
    asked = [(call, name) for call in calls for name in ENGINES]
    with ThreadPoolExecutor(len(asked)) as threads:
        waits = threads.map(lambda each: seconds_until_unreachable(each[0], ENGINES[each[1]](url)), asked)
        assert max(waits) < 3


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_refused_connection(engine: str, call: str, closed_port: str) -> None:
    assert seconds_until_unreachable(call, ENGINES[engine](closed_port)) < 3


@pytest.mark.parametrize("engine", ENGINES)
def test_administrators_read_what_the_system_says(engine: str, closed_port: str) -> None:
    with pytest.raises(AppError) as failure:
        ENGINES[engine](closed_port).models()
    assert failure.value.cause == "[Errno 111] Connection refused"


def test_a_machine_that_is_off(black_hole: str) -> None:
    assert_unreachable_at_once(black_hole, "models", "warm", "stream")


def test_a_program_that_accepts_and_never_answers(mute: str) -> None:
    # An answer is not among them: silence may be a long prompt being read.
    assert_unreachable_at_once(mute, "models", "loaded")


@pytest.mark.parametrize("call", CALLS)
def test_an_embedded_engine_that_nobody_runs(call: str, tmp_path: Path) -> None:
    assert seconds_until_unreachable(call, Embedded(str(tmp_path))) < 3


@pytest.mark.parametrize("kind", ["ollama", "llama-server"])
def test_the_proxy_of_the_environment_is_not_asked(
    kind: str, stack: ExitStack, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, closed_port)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    subject = stand_in(kind, stack)
    subject.engine.warm(subject.model)
    assert subject.engine.models()
    assert subject.engine.loaded()
    events = answer(subject.engine, question(subject.model))
    assert text_of(events)
    assert done(events)
