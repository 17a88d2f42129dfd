"""An answer belongs to the server: whatever happens to the page, the same text, complete, once."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.proxy import Proxy
from tests.browser.served import HOST, Served
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import ANSWER_WORDS, Scenario, sentence

SOON_MS = 6_000


def ask_and_hold(chat: Tab, engine: FakeOllama, question: str, after: int = 8) -> str:
    """An answer that stands still in its middle; the whole text that it will have."""
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=after))
    chat.ask(question)
    engine.reached(Phase.DECODING, nth)
    whole = sentence(question, ANSWER_WORDS)
    expect(chat.text).to_contain_text(whole.split()[0])
    return whole


def test_a_reload_in_the_middle(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    whole = ask_and_hold(chat, engine, "Que reste-t-il après un rechargement ?")
    alice.page.reload()
    expect(chat.text).to_contain_text(" ".join(whole.split()[:5]))
    chat.says("Rédaction")
    engine.release()
    chat.finished()
    expect(chat.text).to_have_text(whole)
    expect(chat.answers).to_have_count(1)
    expect(chat.questions).to_have_count(1)


def test_a_second_tab(alice: Visitor, engine: FakeOllama) -> None:
    first = alice.here
    whole = ask_and_hold(first, engine, "Et dans un second onglet ?")
    second = alice.tab().open(first.path)
    second.says("Rédaction")
    engine.release()
    for tab in (first, second):
        tab.finished()
        expect(tab.text).to_have_text(whole)
        expect(tab.answers).to_have_count(1)


def test_stopping_in_one_tab_stops_in_the_other(alice: Visitor, engine: FakeOllama) -> None:
    first = alice.here
    ask_and_hold(first, engine, "Qui arrête l’autre ?")
    second = alice.tab().open(first.path)
    second.stop()
    for tab in (first, second):
        tab.says("Arrêté par vous")


def test_a_tab_closed_in_the_middle(alice: Visitor, engine: FakeOllama) -> None:
    nth = len(engine.generations)
    tab = alice.tab().open()
    whole = ask_and_hold(tab, engine, "Et si je ferme l’onglet ?")
    path = tab.path
    tab.page.close()
    engine.release()
    assert engine.reached(Phase.ENDED, nth).outcome is Outcome.DONE
    chat = alice.here.open(path)
    chat.finished()
    expect(chat.text).to_have_text(whole)


@pytest.fixture
def cable(server: Served) -> Iterator[Proxy]:
    """Between the browser and the server."""
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def distant(cable: Proxy, server: Served, visit: Visitors) -> Visitor:
    """Somebody whose network may fail."""
    visitor = visit(server, "distante", origin=f"http://{HOST}:{cable.port}")
    visitor.watch.allow("Failed to load resource")
    visitor.here.open()
    return visitor


@pytest.mark.slow
def test_the_network_is_lost_and_comes_back(distant: Visitor, cable: Proxy, engine: FakeOllama) -> None:
    chat, nth = distant.here, len(engine.generations)
    whole = ask_and_hold(chat, engine, "Et si le réseau tombe ?")
    expect(chat.page.get_by_text("Vous pouvez fermer cette page")).to_be_visible()
    cable.pull_out()
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_visible()
    expect(chat.page.get_by_text("Vous pouvez fermer cette page")).to_have_count(0)
    # After pauses of 1, 2 and 3 s comes one of 5 s: with it the network is away for more than 10 s.
    chat.says(re.compile(r"nouvel essai dans 5\s"))
    engine.release()
    engine.reached(Phase.ENDED, nth)
    cable.plug_in()
    chat.finished()
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_hidden()
    expect(chat.text).to_have_text(whole)
    expect(chat.answers).to_have_count(1)


def test_trying_again_at_once(distant: Visitor, cable: Proxy, engine: FakeOllama) -> None:
    chat = distant.here
    whole = ask_and_hold(chat, engine, "Peut-on réessayer sans attendre ?")
    cable.pull_out()
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_visible()
    cable.plug_in()
    chat.button("Réessayer", chat.answer).click()
    # Soon, although the engine has nothing new to say, and not only with the stream's next sign of life.
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_hidden(timeout=SOON_MS)
    engine.release()
    chat.finished()
    expect(chat.text).to_have_text(whole)


def test_a_question_sent_while_the_network_is_down(distant: Visitor, cable: Proxy, engine: FakeOllama) -> None:
    """The text is never lost: it stands in the composer again, or it leaves when the network is back."""
    chat, asked = distant.here, "Cette question se perd-elle ?"
    chat.ask("Une première, tant que tout va bien.")
    chat.finished()
    cable.pull_out()
    chat.ask(asked)
    expect(chat.answer.get_by_text("Connexion perdue")).to_be_visible()
    cable.plug_in()
    chat.finished()
    expect(chat.text).to_have_text(sentence(asked, ANSWER_WORDS))
    expect(chat.questions).to_have_count(2)
