"""The real llama.cpp takes up a conversation where it was, whatever came between its turns."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engines import embedded
from app.engines.base import ChatRequest, Usage
from app.engines.embedded import Embedded
from app.engines.supervisor import Supervisor
from tests.engines.conftest import await_listening
from tests.engines.listening import answer, done, question, text_of
from tests.engines.test_embedded import child_of

pytestmark = pytest.mark.slow

MODEL = "smollm2:135m"
LONG = " ".join(f"Point {number}: the server keeps what it has read." for number in range(55))


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A child that keeps nothing in memory but what is in its slot."""
    made = Supervisor({
        "EMBEDDED_MODEL": "", "ENGINE_SLOTS": 1, "CONTEXT_TOKENS": 2048, "CACHE_RAM_MB": 0,
        "CACHE_DISK_MB": 256, "ENGINE_THREADS": 1, "INSTANCE_DIR": str(tmp_path),
    })  # fmt: skip
    made.start()
    yield made
    made.stop()


class Talk:
    """A conversation, each turn sent after all that came before."""

    def __init__(self, engine: Embedded) -> None:
        self._engine = engine
        self._messages: tuple[dict[str, str], ...] = ()

    def ask(self, content: str) -> Usage:
        messages = (*self._messages, {"role": "user", "content": content})
        request = ChatRequest(MODEL, messages, max_tokens=8, temperature=0.0, seed=1, conversation_id="talk")
        events = answer(self._engine, request)
        self._messages = (*messages, {"role": "assistant", "content": text_of(events)})
        return done(events).usage


def test_nothing_is_read_twice(tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "CRASH_WAIT_S", 20.0)
    engine = Embedded(str(tmp_path))
    await_listening(engine)
    engine.warm(MODEL)
    talk = Talk(engine)
    read = talk.ask(LONG).prompt_tokens
    assert read is not None
    assert read > 600

    def turn() -> None:
        nonlocal read
        usage = talk.ask("And then?")
        assert usage.cached_tokens is not None
        assert usage.cached_tokens >= 0.95 * read
        read = usage.prompt_tokens

    turn()
    first = child_of(supervisor)
    os.kill(first, signal.SIGKILL)
    # Asked while the next one is not there yet.
    turn()
    assert child_of(supervisor) != first
    # A program's request belongs to no conversation, but takes the slot all the same.
    done(answer(engine, question(MODEL, "Something else entirely.", max_tokens=2)))
    turn()


def test_a_state_cut_short_costs_time_and_nothing_else(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "CRASH_WAIT_S", 20.0)
    engine = Embedded(str(tmp_path))
    await_listening(engine)
    engine.warm(MODEL)
    talk = Talk(engine)
    talk.ask(LONG)
    (state,) = tmp_path.glob("states/*/talk.state")
    os.truncate(state, state.stat().st_size // 2)
    done(answer(engine, question(MODEL, "Something else entirely.", max_tokens=2)))
    # The engine ends itself over such a file: it is gone, and the answer comes from the next one.
    assert talk.ask("And then?").output_tokens
