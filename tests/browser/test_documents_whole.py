"""Documents too long to be read whole: read part by part, once the server is free or at night."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.test_documents import attach, payload, ready
from tests.browser.test_documents_passages import QUESTION, always, chat, owner, panel
from tests.browser.test_documents_reader import MANUAL, pages
from tests.browser.visitor import Tab
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

__all__ = ["always", "chat", "owner"]


@pytest.fixture
def own_engine() -> Iterator[FakeOllama]:
    with FakeOllama() as running:
        yield running


@pytest.fixture
def quiet(tmp_path_factory: pytest.TempPathFactory, own_engine: FakeOllama) -> Iterator[Served]:
    """A server that nobody has asked anything."""
    with Served(tmp_path_factory.mktemp("quiet"), OLLAMA_HOST=own_engine.url, DOCUMENT_ANSWERS="always") as running:
        wait_for_model(running.register("patron"))
        yield running


@pytest.mark.slow
def test_a_whole_document_is_read_in_parts(visit: Visitors, quiet: Served, own_engine: FakeOllama) -> None:
    chat = visit(quiet, "alice").here.open()
    attach(chat, payload("manuel.md", MANUAL[: MANUAL.index("# Chapitre 7")]))
    ready(chat)
    chat.ask("Que contrôler sur la pièce P-003 ?")
    expect(panel(chat)).to_contain_text("Ou faire lire tout le document, partie par partie")
    check(chat.page)
    before = len(own_engine.generations)
    own_engine.script(Scenario.answer("La pièce P-003 chaque saison [p. 3]."), Scenario.hold())
    chat.button("Dès que le serveur est libre").click()
    expect(panel(chat)).to_be_hidden()
    expect(chat.questions).to_have_text("Que contrôler sur la pièce P-003 ?")
    own_engine.reached(Phase.PREFILL, before + 1)
    stage = chat.page.get_by_text("Lecture de tout le document").first
    expect(stage).to_be_visible()
    expect(chat.answer).to_contain_text(re.compile(r"partie 2 sur \d+"))
    check(chat.page)
    # The page may be closed meanwhile.
    chat.page.reload()
    expect(chat.answer).to_contain_text(re.compile(r"partie 2 sur \d+"))
    own_engine.script(*[Scenario.answer("Rien.")] * 9)
    own_engine.release()
    chat.finished()
    asked = own_engine.received("/api/chat")[-1]["messages"][-1]["content"]
    assert asked.startswith("Notes prises en lisant « manuel.md » en entier")
    assert "La pièce P-003 chaque saison [p. 3]." in asked


@pytest.mark.screen("desk", "phone")
def test_one_that_waits_for_the_night_can_be_stopped(chat: Tab) -> None:
    chat.ask(QUESTION)
    chat.button("Cette nuit").click()
    waiting = chat.page.get_by_text("Sera lu cette nuit").first
    expect(waiting).to_be_visible()
    if not chat.narrow:
        expect(chat.page.get_by_text("en file").locator("visible=true").first).to_be_visible()
    check(chat.page)
    chat.page.reload()
    expect(waiting).to_be_visible()
    chat.button("Arrêter").click()
    expect(waiting).to_be_hidden()
    expect(chat.answer).to_contain_text("Arrêté par vous")


def test_a_cited_page_opens_in_the_reader(chat: Tab, engine: FakeOllama) -> None:
    chat.page.get_by_role("button", name=re.compile("^Retirer")).first.click()
    attach(chat, payload("note.md", "# Un\n\nLe bateau.\n\n# Deux\n\nLa voile."))
    ready(chat)
    expect(chat.page.get_by_text("déjà lu")).to_be_visible()
    engine.script(Scenario.answer("Le bateau [p. 1], la voile [p. 9]."))
    chat.ask("Quoi ?")
    chat.finished()
    expect(chat.text.get_by_role("button")).to_have_text(["[p. 1]"])
    chat.text.get_by_role("button").click()
    expect(pages(chat)).to_contain_text("Le bateau.")
