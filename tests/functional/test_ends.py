"""Whatever an engine sends and whatever fails at the end, a run ends: in the rows, for its followers, and for Stop."""

import threading
from collections.abc import Callable, Iterator

import pytest

from app.engines.ollama import Ollama
from app.generation.estimates import Estimates
from app.generation.store import RunEnd, Store
from app.generation.worker import AnswerEnergy, _Writing
from tests.fakes.ollama import FakeOllama
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Program, token_of
from tests.support.site import Site


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(bare=True) as running:
        yield running


@pytest.fixture
def claire(make_site: Callable[..., Site], server: FakeOpenAI) -> Person:
    """Somebody whose engine is an OpenAI-compatible server."""
    person = Person(make_site(ENGINE="openai", OPENAI_BASE_URL=server.url).start(server).app, "claire")  # type: ignore[arg-type]
    person.register()
    return person


def chunk(content: bytes, more: bytes = b"") -> bytes:
    return b'data: {"choices":[{"delta":{"content":"%s"}}]%s}\n\n' % (content, more)


@pytest.mark.parametrize(
    ("pieces", "status", "text"),
    [
        ([chunk(rb"Cap \ud83d"), chunk(rb"\udea4 !"), b"data: [DONE]\n\n"], "done", "Cap 🚤 !"),
        ([chunk(rb"Cap \ud83d")], "failed", "Cap "),
        ([chunk(rb"a\u0000b"), b"data: [DONE]\n\n"], "done", "ab"),
        ([chunk(b"Oui."), b'data: {"error":{"message":"\\ud83d"}}\n\n'], "failed", "Oui."),
        ([chunk(b"Oui.", b',"usage":{"prompt_tokens":NaN,"completion_tokens":1e999}'), b"data: [DONE]\n\n"],
         "done", "Oui."),
        ([b'data: {"choices":[{"delta":{"content":"Oui."},"finish_reason":"\\ud83d"}]}\n\n'], "done", "Oui."),
        ([b'data: {"choices":[{"delta":{"content":"Oui."},"finish_reason":"' + b"x" * 99 + b'"}]}\n\n'],
         "done", "Oui."),
        ([b'data: {"choices":[{"delta":{"content":"Oui."},"finish_reason":{"a":1}}]}\n\n', b"data: [DONE]\n\n"],
         "done", "Oui."),
    ],
)  # fmt: skip
def test_odd_words_and_figures_are_stored(
    claire: Person, server: FakeOpenAI, pieces: list[bytes], status: str, text: str
) -> None:
    server.script(Scenario.exactly(*pieces))
    conversation = claire.start()
    stream = claire.ask(conversation, "Bonjour").end()
    assert (stream.data("done")["status"], stream.text()) == (status, text)
    assert claire.stop(stream.message_id) == status
    _, answer = claire.messages(conversation)
    assert (answer["status"], answer["content"], answer["metrics"]) == (status, text, stream.data("done")["metrics"])


@pytest.mark.parametrize("place", [(Estimates, "learn"), (_Writing, "_metrics"), (AnswerEnergy, "meter")])
def test_a_mistake_in_the_figures_does_not_keep_an_answer_from_ending(
    monkeypatch: pytest.MonkeyPatch, alice: Person, place: tuple[type, str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ArithmeticError("of a test")

    monkeypatch.setattr(*place, broken)
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour").end()
    status = stream.data("done")["status"]
    assert status in ("done", "failed")
    assert alice.stop(stream.message_id) == status
    assert alice.messages(conversation)[1]["content"] == stream.text()
    assert alice.ask(conversation, "Encore").end().names[-1] == "done"


def test_what_an_earlier_attempt_wrote_outlives_a_database_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, alice: Person, ollama: FakeOllama
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise ArithmeticError("of a test")

    ollama.script(Scenario.drop(5))
    conversation = alice.start()
    stream = alice.ask(conversation, "Bonjour").end()
    assert stream.text()
    monkeypatch.setattr(Store, "begin", locked)
    assert alice.go_on(stream.message_id).end().data("done")["status"] == "failed"
    assert alice.messages(conversation)[1]["content"] == stream.text()


def test_an_end_that_no_column_takes_is_stored_as_a_failure(
    monkeypatch: pytest.MonkeyPatch, alice: Person, ollama: FakeOllama
) -> None:
    finish = Store.finish

    def picky(store: Store, message_id: int, end: RunEnd) -> None:
        if end.metrics is not None:
            raise UnicodeEncodeError("utf-8", "x", 0, 1, "of a test")
        finish(store, message_id, end)

    monkeypatch.setattr(Store, "finish", picky)
    ollama.script(Scenario.answer("Oui."))
    conversation = alice.start()
    done = (stream := alice.ask(conversation, "Bonjour").end()).data("done")
    assert (done["status"], done["error"]["code"], stream.text()) == ("failed", "internal_error", "Oui.")
    assert alice.stop(stream.message_id) == "failed"
    _, answer = alice.messages(conversation)
    assert (answer["content"], answer["error"]) == ("Oui.", done["error"])


def test_an_engine_that_is_not_understood_once_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, site: Site, ollama: FakeOllama
) -> None:
    misunderstood = threading.Event()

    def broken(_engine: Ollama) -> None:
        misunderstood.set()
        raise ArithmeticError("of a test")

    with monkeypatch.context() as patched:
        patched.setattr(Ollama, "loaded", broken)
        site.generation.registry.wake()
        assert misunderstood.wait(5)
    asked = len(ollama.received("/api/tags"))
    site.generation.registry.wake()
    ollama.wait_until(lambda: len(ollama.received("/api/tags")) > asked)


END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def test_thinking_that_was_taken_for_the_answer_is_put_right(claire: Person, server: FakeOpenAI) -> None:
    thought = [chunk(b"Voyons. "), chunk(rb"Au sud ?\n</think>\n\n"), chunk(b"Oui."), END]
    server.script(Scenario.exactly(*thought, after=1), Scenario.exactly(*thought, after=1))
    conversation = claire.start()
    stream = claire.ask(conversation, "Où ?")
    assert stream.until("text").data["text"] == "Voyons. "
    server.release()
    again = stream.until("accepted", lambda data: data.get("reset")).data["message"]
    assert (again["id"], again["content"], again["thinking"]) == (stream.message_id, "", "Voyons. Au sud ?\n")
    assert stream.until("text").data["text"] == "Oui."
    assert stream.end().data("done")["status"] == "done"
    answer = claire.messages(conversation)[1]
    assert (answer["content"], answer["thinking"]) == ("Oui.", "Voyons. Au sud ?\n")
    # Who comes later is told the same.
    assert claire.follow(stream.message_id).end().names == ["accepted", "text", "accepted", "text", "done"]
    # From then on it is known of this model.
    second = claire.ask(conversation, "Et là ?")
    assert second.until("thinking").data["text"] == "Voyons. "
    server.release()
    assert (second.end().text(), second.text("thinking")) == ("Oui.", "Voyons. Au sud ?\n")


def test_an_answer_of_a_model_that_did_not_think_this_time_is_text(claire: Person, server: FakeOpenAI) -> None:
    server.script(Scenario.exactly(chunk(rb"Voyons.\n</think>\n\nOui."), END), Scenario.exactly(chunk(b"Non."), END))
    conversation = claire.start()
    assert claire.ask(conversation, "Un ?").end().text() == "Oui."
    assert claire.ask(conversation, "Deux ?").end().text() == "Non."
    answer = claire.messages(conversation)[3]
    assert (answer["content"], answer["thinking"]) == ("Non.", "")


def test_thinking_that_is_put_right_leaves_what_an_earlier_attempt_wrote(claire: Person, server: FakeOpenAI) -> None:
    thought = [chunk(b"Voyons. "), chunk(rb"Au sud ?\n</think>\n\n"), chunk(b" la suite."), END]
    server.script(Scenario.exactly(chunk(b"Le d\xc3\xa9but")), Scenario.exactly(*thought, after=1))
    conversation = claire.start()
    first = claire.ask(conversation, "Où ?").end()
    assert first.data("done")["error"]["code"] == "engine_cut"
    stream = claire.go_on(first.message_id)
    stream.until("text")
    server.release()
    stream.end()
    answer = claire.messages(conversation)[1]
    assert (answer["content"], answer["thinking"]) == ("Le début la suite.", "Voyons. Au sud ?\n")


def test_programs_are_told_thinking_apart_too(claire: Person, server: FakeOpenAI) -> None:
    program = Program(claire.app, token_of(claire))
    thought = [chunk(b"Voyons. "), chunk(rb"Au sud ?\n</think>\n\n"), chunk(b"Oui."), END]
    server.script(Scenario.exactly(*thought))
    message = program.ask("Où ?").json["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Oui.", "Voyons. Au sud ?\n")
    # Taken for thinking first: a stream cannot take that back, but the answer is there.
    server.script(Scenario.exactly(chunk(b"Oui."), END))
    assert program.stream("Et là ?").end().text() == "Oui."


def test_channels_are_told_apart(claire: Person, server: FakeOpenAI) -> None:
    parts = [chunk(b"<|channel|>analysis<|message|>Voyons.<|end|>"), chunk(b"<|start|>assistant<|chan")]
    server.script(Scenario.exactly(*parts, chunk(b"nel|>final<|message|>Le sud."), END))
    stream = claire.ask(claire.start(), "Où ?").end()
    assert (stream.text(), stream.text("thinking")) == ("Le sud.", "Voyons.")
