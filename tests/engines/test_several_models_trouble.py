"""Of several models in turn: what dies, hangs, cannot be loaded or comes from another process harms no answer."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.engines.base import Text
from app.engines.embedded import Embedded
from app.errors import AppError
from tests.engines.gguf_files import demonstration
from tests.engines.listening import Listener, answer, done, question
from tests.engines.two_models import engine, instance, loading_of, supervisor
from tests.support.processes import wait_until

__all__ = ["engine", "instance", "supervisor"]

ROOT = Path(__file__).parents[2]
WARM = """
import sys
from app.engines.embedded import Embedded
Embedded(sys.argv[1]).warm(sys.argv[2])
"""


@pytest.mark.slow
def test_another_process_waits_for_the_answer_that_is_being_written(engine: Embedded, instance: Path) -> None:
    listener = Listener(engine, question("petit", "Tell me a long story.", max_tokens=120))
    listener.first(Text)
    command = [sys.executable, "-c", WARM, str(instance), "grand"]
    with subprocess.Popen(command, cwd=ROOT) as other:
        assert done(listener.end(timeout=60)).usage.output_tokens
        assert listener.failure is None
        assert other.wait(60) == 0
    assert engine.loaded() == {"grand"}


@pytest.mark.slow
def test_a_child_that_is_killed_comes_back_with_its_model(engine: Embedded) -> None:
    engine.warm("grand")
    first = engine.process
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: engine.process not in (0, first), seconds=20)
    engine.warm("grand")
    assert engine.loaded() == {"grand"}
    assert loading_of(engine, "grand") == []


def test_a_hanging_child_is_replaced(engine: Embedded) -> None:
    first = engine.process
    os.kill(first, signal.SIGSTOP)
    engine.reset("petit")
    assert engine.process != first
    assert loading_of(engine, "petit") == []


def test_a_full_disk_is_said_and_changes_nothing(engine: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("app.engines.embedded.request_child", full)
        with pytest.raises(AppError) as failure:
            answer(engine, question("grand"))
    assert failure.value.code == "storage_full"
    assert loading_of(engine, "petit") == []


def test_a_model_that_cannot_be_loaded_is_said_and_the_last_one_answers(engine: Embedded, instance: Path) -> None:
    damaged = instance / "models" / "damaged.gguf"
    # It is whole, but of a kind that llama.cpp does not know.
    whole = demonstration().read_bytes()
    value = whole.index(b"llama", whole.index(b"general.architecture"))
    damaged.write_bytes(whole[:value] + b"llamb" + whole[value + 5 :])
    try:
        assert "damaged" in {model.name for model in engine.models()}
        for _ in range(2):
            with pytest.raises(AppError) as failure:
                answer(engine, question("damaged"))
            assert (failure.value.code, failure.value.params) == ("engine_load_failed", {"model": "damaged"})
        engine.warm("petit")
        assert loading_of(engine, "petit") == []
    finally:
        damaged.unlink()
    with pytest.raises(AppError) as failure:
        answer(engine, question("damaged"))
    assert (failure.value.code, failure.value.params) == ("unknown_model", {"model": "damaged"})
