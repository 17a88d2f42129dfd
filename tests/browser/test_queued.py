"""A question in the server's queue: it comes back as queued, and can be put otherwise or given up."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Tab
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario


@pytest.fixture
def queued(visit: Visitors, server: Served, engine: FakeOllama) -> Tab:
    """« Avant ? » waits behind somebody's answer."""
    alice, bob = visit(server, "alice").here.open(), visit(server, "bob").here.open()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    bob.ask("Le premier ?")
    engine.reached(Phase.DECODING, nth)
    alice.ask("Avant ?")
    alice.says("En file")
    return alice


def test_it_comes_back_as_queued(queued: Tab, engine: FakeOllama) -> None:
    queued.page.reload()
    queued.says(re.compile(r"1\spersonne avant vous"))
    engine.release()
    queued.finished()
    expect(queued.questions).to_have_text("Avant ?")


def test_a_wait_that_has_passed_is_said_wherever_it_is_told(
    visit: Visitors, server: Served, engine: FakeOllama
) -> None:
    chat, other = visit(server, "alice").here.open(), visit(server, "bob").here.open()
    chat.ask("Combien de temps ?")
    chat.finished()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    other.ask("Le premier ?")
    engine.reached(Phase.DECODING, nth)
    chat.ask("Et moi ?")
    chat.says(re.compile(r"1\spersonne avant vous, plus long que prévu"))
    chat.button("Serveur chargé").click()
    panel = chat.page.get_by_role("group", name="État du serveur")
    expect(panel).to_contain_text("Attente\u00a0: plus long que prévu")
    engine.release()
    chat.finished()
    expect(panel).not_to_contain_text("plus long que prévu")


def test_it_is_put_otherwise_after_a_reload(queued: Tab, engine: FakeOllama) -> None:
    chat, nth = queued, len(engine.generations)
    chat.page.reload()
    chat.says("En file")
    chat.button("Modifier la question", chat.answer).click()
    editor = chat.page.get_by_role("textbox", name="Votre question")
    expect(editor).to_have_value("Avant ?")
    expect(editor).to_be_focused()
    editor.fill("Après ?")
    chat.button("Envoyer à nouveau").click()
    expect(chat.questions).to_have_text("Après ?")
    chat.says("En file")
    engine.release()
    chat.finished()
    assert [made.question for made in engine.generations[nth:]] == ["Après ?"]
    chat.page.reload()
    expect(chat.questions).to_have_text("Après ?")


def test_it_is_given_up(queued: Tab, engine: FakeOllama) -> None:
    chat, nth = queued, len(engine.generations)
    chat.page.reload()
    chat.says("En file")
    chat.stop()
    chat.says("Arrêté par vous")
    assert len(engine.generations) == nth
    engine.release()
    chat.ask("Autre chose ?")
    expect(chat.questions).to_have_count(2)
    chat.finished()
    expect(chat.text).not_to_be_empty()
