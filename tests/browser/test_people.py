"""Several people, and several conversations of one person."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import ANSWER_WORDS, Scenario, sentence


def test_two_people_chat_at_once(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    alice, bob = visit(server, "alice").here.open(), visit(server, "bob").here.open()
    nth, hers, his = len(engine.generations), "La question d’Alice ?", "La question de Bob ?"
    engine.script(Scenario.hold(after=4))
    alice.ask(hers)
    engine.reached(Phase.DECODING, nth)
    bob.ask(his)
    bob.says("En file")
    engine.release()
    for tab, question in ((alice, hers), (bob, his)):
        tab.finished()
        expect(tab.text).to_have_text(sentence(question, ANSWER_WORDS))
        expect(tab.titles).to_have_text([question])
        tab.page.reload()
        expect(tab.titles).to_have_text([question])


def test_somebody_else_s_conversation_is_not_there(visit: Visitors, server: Served) -> None:
    alice, bob = visit(server, "alice"), visit(server, "bob")
    hers, his = alice.here.open(), bob.here
    hers.ask("Un secret ?")
    hers.finished()
    bob.watch.allow("status of 404")
    his.open(hers.path)
    expect(his.page.get_by_role("heading", name="Cette page n’est pas sur la carte.")).to_be_visible()
    expect(his.page.get_by_text("Un secret ?")).to_have_count(0)
    his.page.get_by_role("link", name="Retour au chat").click()
    expect(his.message).to_be_visible()


def test_a_stranger_is_asked_to_sign_in(visit: Visitors, server: Served, alice: Visitor) -> None:
    alice.here.ask("Derrière la porte ?")
    alice.here.finished()
    stranger = visit(server).here.open(alice.here.path)
    expect(stranger.button("Se connecter")).to_be_visible()


@pytest.mark.screen("desk", "phone")
def test_two_conversations_of_one_person_at_once(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth, first, second = alice.here, len(engine.generations), "Une conversation ?", "Et une autre ?"
    engine.script(Scenario.hold(after=4))
    chat.ask(first)
    engine.reached(Phase.DECODING, nth)
    chat.show_sidebar()
    expect(chat.items.first).to_contain_text("rédige", use_inner_text=True)
    chat.button("Nouvelle conversation", chat.sidebar).click()
    expect(chat.questions).to_have_count(0)
    chat.ask(second)
    chat.says("En file")
    expect(chat.titles).to_have_text([second, first])
    chat.show_sidebar()
    expect(chat.items.nth(0).get_by_text("en file")).to_be_visible()
    expect(chat.items.nth(1).get_by_text("rédige")).to_be_visible()
    chat.hide_sidebar()
    engine.release()
    chat.finished()
    expect(chat.text).to_have_text(sentence(second, ANSWER_WORDS))
    expect(chat.items.nth(0).get_by_text("en file")).to_be_hidden()
    chat.show_sidebar()
    chat.items.get_by_role("link", name=first).click()
    chat.finished()
    expect(chat.text).to_have_text(sentence(first, ANSWER_WORDS))
    expect(chat.items.get_by_text("rédige").locator("visible=true")).to_have_count(0)
