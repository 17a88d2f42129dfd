"""Answers written again: any answer of the branch, by another model, and a quick one by the careful model."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.test_message_operations import LONG, sent, top, two_turns, wait_for
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until

__all__ = ["two_turns"]

QUICK, CAREFUL = "phi3:mini", "deepseek-r1:1.5b"
REDO = re.compile("^Refaire avec le modèle soigné")
REFUSAL = {"type": "about:blank", "title": "Conflict", "status": 409, "code": "run_active", "detail": "Pas maintenant."}


@pytest.fixture
def mapped(tmp_path_factory: pytest.TempPathFactory, engine: FakeOllama) -> Iterator[Served]:
    """A server on which « Rapide » and « Soigné » stand for two models."""
    with Served(tmp_path_factory.mktemp("mapped"), OLLAMA_HOST=engine.url) as running:
        captain = running.register("capitaine")
        wait_for_model(captain)
        assert captain.submit("/admin/models/intents", {"quick": QUICK, "careful": CAREFUL}).status_code == 302
        yield running


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same with a third model."""
    with (
        FakeOllama([QUICK, CAREFUL, "mistral"]) as engine,
        Served(tmp_path_factory.mktemp("three"), OLLAMA_HOST=engine.url) as running,
    ):
        captain = running.register("capitaine")
        wait_for_model(captain)
        assert captain.submit("/admin/models/intents", {"quick": QUICK, "careful": CAREFUL}).status_code == 302
        yield running


def chosen(chat: Tab, name: str) -> None:
    """Wait for the model that the composer names."""
    expect(chat.page.get_by_role("button", name="Modèle :")).to_have_accessible_name(f"Modèle\u00a0: {name}")


def by_another(chat: Tab, nth: int, name: str) -> None:
    chat.button("Avec un autre modèle", chat.answers.nth(nth)).click()
    chat.page.get_by_role("menuitem", name=name).click()


def test_an_answer_in_the_middle_is_written_again(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer("Autre première."))
    chat.button("Régénérer", chat.answers.first).click()
    wait_for(chat, "Un", "Autre première.")
    chat.finished()
    expect(chat.message).to_be_focused()
    assert sent(engine) == ["Un"]
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 2 / 2")
    chat.page.reload()
    wait_for(chat, "Un", "Autre première.")
    chat.button("Version précédente", chat.answer).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")


def test_the_question_of_what_is_written_again_comes_to_the_top(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.answer(LONG), Scenario.answer("Courte."), Scenario.answer("Fin."))
    for number, question in enumerate(("Un", "Deux", "Trois"), start=1):
        chat.ask(question)
        expect(chat.answers).to_have_count(number)
        chat.finished()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.button("Régénérer", chat.answers.nth(1)).press("Enter")
    engine.reached(Phase.DECODING, nth)
    expect(chat.questions).to_have_count(2)
    wait_until(lambda: top(chat.questions.last) == pytest.approx(top(chat.page.locator(".thread")) + 12, abs=2))
    engine.release()
    chat.finished()


def test_the_composer_takes_the_other_model(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    by_another(chat, 0, CAREFUL)
    chat.finished()
    assert engine.received("/api/chat")[-1]["model"] == CAREFUL
    chosen(chat, "DeepSeek-R1 1.5B")
    chat.ask("Et ensuite ?")
    expect(chat.answers).to_have_count(2)
    chat.finished()
    assert engine.received("/api/chat")[-1]["model"] == CAREFUL
    chat.page.reload()
    chosen(chat, "DeepSeek-R1 1.5B")


def test_a_refused_one_leaves_everything_as_it_was(alice: Visitor, two_turns: Tab) -> None:
    alice.watch.allow("409")
    chat = two_turns

    def refuse(route: Route) -> None:
        route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(REFUSAL))

    chat.page.route("**/regenerate", refuse, times=1)
    by_another(chat, 0, CAREFUL)
    expect(chat.page.locator(".composer__error")).to_contain_text("Pas maintenant.")
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    chosen(chat, "Phi-3 mini")


def test_one_waits_for_the_other(two_turns: Tab, engine: FakeOllama) -> None:
    chat, nth = two_turns, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Trois")
    engine.reached(Phase.DECODING, nth)
    chat.button("Régénérer", chat.answers.first).click()
    expect(chat.page.locator(".toast")).to_contain_text("Une réponse est encore en cours")
    engine.release()
    chat.finished()
    expect(chat.questions).to_have_text(["Un", "Deux", "Trois"])


def test_a_quick_answer_is_done_again_with_care(visit: Visitors, mapped: Served, engine: FakeOllama) -> None:
    chat = visit(mapped, "alice").here.open()
    redo = chat.page.get_by_role("button", name=REDO)
    engine.script(Scenario.answer("Vite dit."), Scenario.answer("Bien réfléchi."))
    chat.ask("Vite ou bien ?")
    chat.finished()
    chosen(chat, "Rapide")
    expect(redo).to_have_text("Refaire avec le modèle soigné")
    redo.click()
    wait_for(chat, "Vite ou bien ?", "Bien réfléchi.")
    chat.finished()
    assert engine.received("/api/chat")[-1]["model"] == CAREFUL
    chosen(chat, "Soigné")
    expect(redo).to_be_hidden()
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 2 / 2")

    chat.button("Version précédente", chat.answer).click()
    expect(chat.text).to_have_text("Vite dit.")
    # Now there is a past to learn from.
    expect(redo).to_have_text(re.compile("\\(environ \\+\\d+\u202fs\\)$"))
    check(chat.page)
    chat.page.reload()
    expect(redo).to_have_text(re.compile("\\(environ \\+\\d+\u202fs\\)$"))


@pytest.mark.screen("phone")
def test_on_a_phone_it_is_in_reach(visit: Visitors, mapped: Served, engine: FakeOllama) -> None:
    chat = visit(mapped, "alice", viewport={"width": 320, "height": 640}).here.open()
    engine.script(Scenario.answer("Vite dit."), Scenario.answer("Encore."), Scenario.answer("Bien réfléchi."))
    for number, question in enumerate(("Une ?", "Deux ?"), start=1):
        chat.message.fill(question)
        chat.button("Envoyer").tap()
        expect(chat.answers).to_have_count(number)
        chat.finished()
    redo = chat.page.get_by_role("button", name=REDO)
    expect(redo).to_have_count(2)
    box = redo.first.bounding_box()
    assert box
    assert box["height"] >= 44
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    assert chat.page.evaluate("document.documentElement.scrollWidth") == 320
    redo.first.tap()
    wait_for(chat, "Une ?", "Bien réfléchi.")
    chat.finished()


def test_without_the_two_it_is_not_offered(two_turns: Tab) -> None:
    expect(two_turns.page.get_by_role("button", name=REDO)).to_have_count(0)


def names(chat: Tab) -> list[str]:
    """What the list of models shows, the first line of each."""
    return [each.inner_text().splitlines()[0] for each in chat.page.locator("#model-menu .menu__name:visible").all()]


@pytest.mark.screen("desk", "phone")
def test_the_two_for_everybody_come_first_and_the_others_are_folded(visit: Visitors, three: Served) -> None:
    chat = visit(three, "claire").here.open()
    menu = chat.page.locator("#model-menu")
    chat.page.get_by_role("button", name="Modèle :").click()
    others = chat.page.get_by_role("menuitem", name="Autres modèles")
    expect(others).to_have_attribute("aria-expanded", "false")
    assert names(chat) == ["Rapide", "Soigné"]
    others.click()
    expect(others).to_have_attribute("aria-expanded", "true")
    shown = names(chat)
    assert len(set(shown)) == len(shown) > 2
    check(chat.page)
    box, screen = menu.bounding_box(), chat.page.viewport_size
    assert box
    assert screen
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= screen["height"]
    if chat.narrow:
        assert box["height"] <= screen["height"] / 2
    chat.page.locator("#other-models").get_by_role("menuitemradio").last.click()
    chosen(chat, shown[-1])
    chat.page.get_by_role("button", name="Modèle :").click()
    # The chosen one is not folded away.
    expect(chat.page.get_by_role("menuitemradio", name=shown[-1])).to_have_attribute("aria-checked", "true")
    assert names(chat) == shown
