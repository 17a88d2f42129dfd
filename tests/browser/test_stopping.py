"""Stop: what was written stays, the engine is free again, and the answer can be asked for once more."""

from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import ANSWER_WORDS, Scenario, sentence


def test_stop_while_writing_then_regenerate(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth, question = alice.here, len(engine.generations), "Faut-il tout dire ?"
    engine.script(Scenario.hold(after=6))
    chat.ask(question)
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).not_to_be_empty()
    chat.stop()
    chat.says("Arrêté par vous")
    made = engine.reached(Phase.ENDED, nth)
    assert (made.outcome, made.left_in) == (Outcome.CANCELLED, Phase.DECODING)
    kept = chat.text.inner_text()
    assert kept
    assert sentence(question, ANSWER_WORDS).startswith(kept)
    expect(chat.message).to_be_focused()
    expect(chat.message).to_be_editable()

    alice.page.reload()
    expect(chat.text).to_have_text(kept)
    chat.says("Arrêté par vous")
    engine.script(Scenario.answer("Une autre réponse, entière."))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Une autre réponse, entière.")
    chat.finished()
    expect(chat.answers).to_have_count(1)
    expect(chat.answer).not_to_contain_text("Arrêté par vous", use_inner_text=True)


def test_a_stopped_answer_goes_on(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=6))
    chat.ask("Peut-on reprendre ?")
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).not_to_be_empty()
    chat.stop()
    chat.says("Arrêté par vous")
    kept = chat.text.inner_text()
    engine.script(Scenario.answer(" et voici la suite."))
    chat.button("Reprendre", chat.answer).click()
    expect(chat.text).to_have_text(f"{kept} et voici la suite.")
    chat.finished()
    expect(chat.answers).to_have_count(1)


def test_stop_while_queued(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    alice, bob = visit(server, "alice").here.open(), visit(server, "bob").here.open()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=4))
    alice.ask("La première au guichet ?")
    engine.reached(Phase.DECODING, nth)
    bob.ask("Le deuxième au guichet ?")
    bob.says("En file : 1 personne avant vous")
    expect(bob.items.first).to_contain_text("en file", use_inner_text=True)
    bob.stop()
    bob.says("Arrêté par vous")
    expect(bob.answer).not_to_contain_text("1 personne avant vous", use_inner_text=True)
    expect(bob.button("Régénérer", bob.answer)).to_be_visible()
    engine.release()
    alice.finished()
    assert len(engine.generations) == nth + 1
    bob.button("Régénérer", bob.answer).click()
    expect(bob.text).to_have_text(sentence("Le deuxième au guichet ?", ANSWER_WORDS))
