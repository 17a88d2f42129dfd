"""What holds for every engine: answers as typed events in order, models with their facts, refusals."""

import pytest

from app.engines.base import ChatRequest, Loading, Reading
from app.errors import AppError
from tests.engines.conftest import REAL, Subject
from tests.engines.listening import ORDER, Listener, answer, done, question, text_of


def test_an_answer_is_text_then_done_with_its_usage(subject: Subject) -> None:
    events = answer(subject.engine, question(subject.model, max_tokens=30))
    usage = done(events).usage
    assert text_of(events)
    assert usage.prompt_tokens
    assert usage.output_tokens
    if subject.fake:
        assert text_of(events) == "".join(subject.fake.generations[0].said)
        assert usage.output_tokens == len(subject.fake.generations[0].said)
    if subject.kind != "other-vendor":
        assert usage.prefill_ms is not None
        assert usage.decode_ms


def test_events_come_in_order(subject: Subject) -> None:
    text = "Résume ceci : " + "le serveur répond " * 15
    events = answer(subject.engine, question(subject.model, text, max_tokens=8))
    ranks = [ORDER.index(type(event)) for event in events]
    assert ranks == sorted(ranks)
    read = [event for event in events if isinstance(event, Reading)]
    assert [event.done for event in read] == sorted(event.done for event in read)
    assert all(0 <= event.done <= event.total for event in read)
    if subject.kind in {REAL, "llama-server"}:
        assert read[-1].done == read[-1].total > 0


def test_the_token_limit_ends_with_length(subject: Subject) -> None:
    asked = question(subject.model, "Raconte une longue histoire.", max_tokens=5)
    end = done(answer(subject.engine, asked))
    assert end.reason == "length"
    assert end.usage.output_tokens == 5


def test_what_was_read_is_not_read_again(subject: Subject) -> None:
    first = question(subject.model, "Liste trois villes " + "de ce pays, " * 12, max_tokens=6)
    written = text_of(answer(subject.engine, first))
    answered = {"role": "assistant", "content": written}
    turns = (*first.messages, answered, {"role": "user", "content": "Et après ?"})
    usage = done(answer(subject.engine, ChatRequest(subject.model, turns, max_tokens=2))).usage
    assert usage.prompt_tokens
    if subject.fake:
        before, after = subject.fake.generations
        assert after.cached == len(before.prompt) + len(before.said)
    if subject.kind in {REAL, "llama-server"}:
        assert usage.cached_tokens
        assert usage.prompt_tokens - usage.cached_tokens < 40


def test_a_prompt_longer_than_the_context_is_refused(subject: Subject) -> None:
    with pytest.raises(AppError) as refusal:
        answer(subject.engine, question(subject.model, "mot " * 5000))
    assert refusal.value.code == "context_exceeded"


def test_it_lists_its_models_and_what_is_loaded(subject: Subject) -> None:
    subject.engine.warm(subject.model)
    models = {model.name: model for model in subject.engine.models()}
    assert models[subject.model].chat
    assert models[subject.model].label
    assert models[subject.model].context in {2048, 4096}
    assert subject.engine.loaded() == {subject.model}


def test_a_warm_model_is_not_loaded_again(subject: Subject) -> None:
    subject.engine.warm(subject.model)
    events = answer(subject.engine, question(subject.model, max_tokens=2))
    assert not [event for event in events if isinstance(event, Loading)]


def test_two_people_at_once_do_not_mix(subject: Subject) -> None:
    texts = ("Un ?", "Deux ?")
    asked = [question(subject.model, text, max_tokens=8, seed=1, temperature=0.0) for text in texts]
    listeners = [Listener(subject.engine, request) for request in asked]
    at_once = [text_of(listener.end(timeout=20)) for listener in listeners]
    one_by_one = [text_of(answer(subject.engine, request)) for request in asked]
    assert at_once == one_by_one
    if subject.fake:
        assert subject.fake.max_running == 1


def test_a_begun_answer_goes_on(subject: Subject) -> None:
    begun = {"role": "assistant", "content": "One, two, three,"}
    turns = ({"role": "user", "content": "Count to ten."}, begun)
    events = answer(subject.engine, ChatRequest(subject.model, turns, max_tokens=4, temperature=0.0))
    assert text_of(events)
    assert "One" not in text_of(events)


@pytest.mark.parametrize("faked", ["ollama", "other-vendor"], indirect=True)
def test_an_unknown_model_is_named(faked: Subject) -> None:
    # A llama-server with one model answers with it, whatever name it is called by.
    with pytest.raises(AppError) as refusal:
        answer(faked.engine, question("absent:7b"))
    assert (refusal.value.code, refusal.value.params["model"]) == ("unknown_model", "absent:7b")
