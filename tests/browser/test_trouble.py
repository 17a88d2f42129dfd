"""Bad days: an engine that is away, an answer that breaks, a server that is killed."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, free_port, wait_for_model
from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD

PORT = free_port()
SIXTY_WORDS = re.compile(r"(\S+\s+){60}")
BREAKS = [Scenario.mid_stream_error(5), Scenario.cut(5), Scenario.garbage(5), Scenario.drop(5)]


@pytest.fixture
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose engine is not running, until a test starts it on that port."""
    with Served(tmp_path_factory.mktemp("lonely"), OLLAMA_HOST=f"127.0.0.1:{PORT}") as running:
        yield running


@pytest.mark.slow
def test_an_engine_that_is_away_and_comes_back(visit: Visitors, lonely: Served) -> None:
    chat = visit(lonely, "alice").here.open()
    expect(chat.page.get_by_text("Moteur à l’arrêt").locator("visible=true").first).to_be_visible()
    asked = time.monotonic()
    chat.ask("Y a-t-il quelqu’un ?")
    expect(chat.answer.get_by_text("Ollama ne répond pas. Votre question est gardée")).to_be_visible()
    assert time.monotonic() - asked < 4
    expect(chat.questions).to_have_text("Y a-t-il quelqu’un ?")
    chat.message.fill("La page vit encore")
    chat.page.reload()
    expect(chat.message).to_have_value("La page vit encore")
    chat.says("Ollama ne répond pas.")
    with FakeOllama(port=PORT) as engine:
        engine.script(Scenario.answer("Me revoici."))
        chat.button("Régénérer", chat.answer).click()
        expect(chat.text).to_have_text("Me revoici.")
        chat.finished()
        expect(chat.answer.get_by_text("Ollama ne répond pas.")).to_be_hidden()


@pytest.mark.slow
def test_a_killed_worker_in_the_middle_of_an_answer(visit: Visitors, lonely: Served) -> None:
    visitor = visit(lonely, "alice")
    visitor.watch.allow("Failed to load resource")
    chat = visitor.here
    with FakeOllama(port=PORT, tokens_per_second=20) as engine:
        wait_for_model(visitor.person)
        chat.open()
        engine.script(Scenario.endless())
        chat.ask("Une longue histoire ?")
        expect(chat.text).to_have_text(SIXTY_WORDS)
        shown = chat.text.inner_text()
        lonely.kill_worker()
        chat.says("Réponse interrompue")
        chat.says("ses derniers mots peuvent manquer")
        kept = chat.text.inner_text()
        assert shown.startswith(kept)
        assert len(kept.split()) > len(shown.split()) - 20 * 2.5
        with chat.page.expect_response("**/prefill") as told:
            chat.page.reload()
        chat.says("Réponse interrompue")
        expect(chat.text).to_have_text(kept)
        if told.value.json()["prefill"] == "started":
            engine.reached(Phase.ENDED, 1)  # what is read ahead of the question takes an answer of the engine too
        engine.script(Scenario.answer(" Et voici la fin."))
        chat.button("Reprendre", chat.answer).click()
        expect(chat.text).to_have_text(f"{kept} Et voici la fin.")
        chat.finished()
        expect(chat.answers).to_have_count(1)
        expect(chat.questions).to_have_count(1)


@pytest.mark.parametrize("scenario", BREAKS, ids=lambda scenario: scenario.name)
def test_an_answer_that_breaks_keeps_its_text(alice: Visitor, engine: FakeOllama, scenario: Scenario) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(scenario)
    chat.ask("Jusqu’où iras-tu ?")
    chat.says("La réponse n’a pas pu être terminée")
    expect(chat.answer.get_by_text("Ollama", exact=False)).to_be_visible()
    expect(chat.text).to_have_text("".join(engine.reached(Phase.ENDED, nth).said))
    engine.script(Scenario.answer("Jusqu’au bout."))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Jusqu’au bout.")
    chat.finished()
    expect(chat.answer.get_by_text("La réponse n’a pas pu être terminée")).to_be_hidden()


def test_a_session_that_ended_keeps_the_text(alice: Visitor) -> None:
    alice.watch.allow("status of 401")
    chat = alice.here
    alice.context.clear_cookies()
    chat.ask("Ma session est finie ?")
    expect(chat.problem).to_contain_text("Votre session est terminée.", use_inner_text=True)
    expect(chat.message).to_have_value("Ma session est finie ?")
    chat.page.get_by_role("link", name="Recharger la page").click()
    expect(chat.page.get_by_label("Identifiant", exact=True)).to_be_visible()
    chat.page.get_by_label("Identifiant", exact=True).fill(alice.name)
    chat.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    chat.button("Se connecter").click()
    expect(chat.message).to_have_value("Ma session est finie ?")
