"""Stop: what was written stays, the engine is free again, and the answer can be asked for once more."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import ANSWER_WORDS, Scenario, sentence


@pytest.mark.screen("desk", "phone")
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


def test_an_answer_cut_twice_goes_on_twice(alice: Visitor, engine: FakeOllama) -> None:
    chat, resume = alice.here, alice.here.button("Reprendre", alice.here.answer)
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=6))
    chat.ask("Deux fois ?")
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).not_to_be_empty()
    chat.stop()
    first = chat.text.inner_text()
    engine.script(Scenario.hold(after=3))
    resume.click()
    engine.reached(Phase.DECODING, nth + 1)
    expect(chat.text).not_to_have_text(first)
    chat.stop()
    expect(resume).to_be_visible()
    second = chat.text.inner_text()
    engine.script(Scenario.answer(" et la fin."))
    resume.click()
    expect(chat.text).to_have_text(f"{second} et la fin.")
    chat.finished()
    expect(chat.answers).to_have_count(1)


def test_what_is_sent_again_can_be_given_up_while_the_engine_stops(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    stops: list[Route] = []
    edit_while_running(chat, engine)
    chat.page.route("**/stop", lambda route: stops.append(route), times=1)
    with chat.page.expect_request("**/stop"):
        chat.button("Envoyer à nouveau").click()
    chat.page.get_by_role("textbox", name="Votre question").press("Escape")
    stops[0].continue_()
    chat.says("Arrêté par vous")
    chat.page.reload()
    expect(chat.questions).to_have_text("Avant ?")
    assert len(engine.generations) == nth + 1


def test_what_is_sent_again_after_a_refused_stop_is_asked(alice: Visitor, engine: FakeOllama) -> None:
    alice.watch.allow("status of 503")
    chat = alice.here
    edit_while_running(chat, engine)
    chat.page.route("**/stop", lambda route: route.fulfill(status=503, json={"code": "unexpected"}), times=1)
    chat.button("Envoyer à nouveau").click()
    expect(chat.page.locator(".toast")).to_be_visible()
    expect(chat.page.get_by_role("textbox", name="Votre question")).to_have_value("Après ?")
    chat.button("Envoyer à nouveau").click()
    expect(chat.questions).to_have_text("Après ?")
    chat.finished()


def edit_while_running(chat: Tab, engine: FakeOllama) -> None:
    """« Avant ? » is being answered, and its editor says « Après ? »."""
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Avant ?")
    engine.reached(Phase.DECODING, nth)
    chat.page.locator(".turn--question").hover()
    chat.button("Modifier la question", chat.page.locator(".turn--question")).click()
    chat.page.get_by_role("textbox", name="Votre question").fill("Après ?")


@pytest.mark.screen("desk", "phone")
def test_stop_while_queued(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    alice, bob = visit(server, "alice").here.open(), visit(server, "bob").here.open()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=4))
    alice.ask("La première au guichet ?")
    engine.reached(Phase.DECODING, nth)
    bob.ask("Le deuxième au guichet ?")
    bob.says("En file : 1 personne avant vous")
    bob.show_sidebar()
    expect(bob.items.first).to_contain_text("en file", use_inner_text=True)
    bob.hide_sidebar()
    bob.stop()
    bob.says("Arrêté par vous")
    expect(bob.answer).not_to_contain_text("1 personne avant vous", use_inner_text=True)
    expect(bob.button("Régénérer", bob.answer)).to_be_visible()
    engine.release()
    alice.finished()
    assert len(engine.generations) == nth + 1
    bob.button("Régénérer", bob.answer).click()
    expect(bob.text).to_have_text(sentence("Le deuxième au guichet ?", ANSWER_WORDS))
