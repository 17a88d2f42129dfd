"""Turns deleted and taken back, copies, ratings, another model, and answers that go on."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.test_message_operations import two_turns, wait_for
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

__all__ = ["two_turns"]


def item(chat: Tab, answer: Locator, name: str) -> Locator:
    """An item of the answer's menu, once it is open."""
    chat.button("Autres actions", answer).click()
    return chat.page.get_by_role("menuitem", name=name)


def test_a_turn_is_deleted_and_taken_back(two_turns: Tab) -> None:
    chat = two_turns
    item(chat, chat.answers.first, "Supprimer cet échange").click()
    expect(chat.questions).to_have_count(0)
    expect(chat.page.get_by_role("heading", name="Alice")).to_be_visible()
    expect(chat.message).to_be_focused()
    chat.button("Annuler").click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    expect(chat.message).to_be_focused()
    chat.page.reload()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")


def test_the_last_turn_is_deleted_with_the_keyboard(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    chat.button("Supprimer cet échange", chat.page.locator(".turn--question").last).press("Enter")
    wait_for(chat, "Un", "Première.")
    engine.script(Scenario.answer("Troisième."))
    chat.ask("Trois")
    wait_for(chat, "Un", "Première.", "Trois", "Troisième.")
    chat.finished()
    asked = [message["content"] for message in engine.received("/api/chat")[-1]["messages"][1:]]
    assert asked == ["Un", "Première.", "Trois"]
    chat.page.reload()
    wait_for(chat, "Un", "Première.", "Trois", "Troisième.")


def test_nothing_is_deleted_while_an_answer_is_written(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=3))
    chat.ask("Trop tôt ?")
    engine.reached(Phase.DECODING, nth)
    chat.page.locator(".turn--question").hover()
    for _ in range(2):
        chat.button("Supprimer cet échange").press("Enter")
        expect(chat.page.locator(".toast")).to_contain_text("encore en cours")
    expect(chat.questions).to_have_text("Trop tôt ?")
    engine.release()
    chat.finished()


def test_a_conversation_goes_on_elsewhere(two_turns: Tab, engine: FakeOllama) -> None:
    chat, before = two_turns, two_turns.path
    item(chat, chat.answers.first, "Continuer dans une nouvelle conversation").click()
    wait_for(chat, "Un", "Première.")
    assert chat.path != before
    expect(chat.titles).to_have_text(["Un", "Un"])
    engine.script(Scenario.answer("Ailleurs."))
    chat.ask("Et ici ?")
    wait_for(chat, "Un", "Première.", "Et ici ?", "Ailleurs.")
    chat.finished()
    chat.page.goto(chat.origin + before)
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")


def test_an_answer_is_rated_with_a_reason(alice: Visitor, two_turns: Tab) -> None:
    chat = two_turns
    good, bad = chat.button("Bonne réponse", chat.answer), chat.button("Mauvaise réponse", chat.answer)
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    bad.press("Enter")
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(good).to_have_attribute("aria-pressed", "false")
    reason = chat.page.get_by_role("textbox", name="Pourquoi")
    expect(reason).to_have_count(1)
    reason.fill("Trop longue.")
    reason.press("Enter")
    expect(reason).to_have_count(0)
    expect(bad).to_be_focused()
    expect(chat.page.locator(".toast")).to_contain_text("la raison est notée")
    chat.page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    assert alice.person
    stored = alice.person.messages(chat.path.removeprefix("/c/"))[-1]["rating"]
    assert stored == {"good": False, "reason": "Trop longue."}
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "false")
    chat.page.reload()
    expect(bad).to_have_attribute("aria-pressed", "false")


def test_the_reason_stays_when_a_second_press_is_stored_later(two_turns: Tab) -> None:
    chat = two_turns
    presses: list[Route] = []
    chat.page.route("**/rating", lambda route: presses.append(route))
    good, bad = chat.button("Bonne réponse", chat.answer), chat.button("Mauvaise réponse", chat.answer)
    with chat.page.expect_request("**/rating"):
        good.click()
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    with chat.page.expect_request("**/rating"):
        presses[0].continue_()
    reason = chat.page.get_by_role("textbox", name="Pourquoi")
    reason.fill("Trop longue.")
    announcer = chat.page.locator("#announcer")
    expect(announcer).to_contain_text("C’est noté")
    announcer.evaluate("region => region.replaceChildren()")
    presses[1].continue_()
    expect(announcer).to_contain_text("C’est noté")
    expect(reason).to_have_value("Trop longue.")


def test_the_reason_is_given_up_with_escape(two_turns: Tab) -> None:
    chat = two_turns
    chat.button("Bonne réponse", chat.answer).click()
    reason = chat.page.get_by_role("textbox", name="Pourquoi")
    reason.fill("Peut-être")
    reason.press("Escape")
    expect(reason).to_have_count(0)
    expect(chat.button("Bonne réponse", chat.answer)).to_be_focused()


@pytest.mark.screen("phone")
def test_on_a_phone_everything_is_in_reach(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    chat = visit(server, "alice", viewport={"width": 320, "height": 640}).here.open()
    engine.script(Scenario.answer("Un. " * 40), Scenario.answer("Deux. " * 40))
    chat.ask("Sur un téléphone ?")
    chat.finished()
    chat.button("Régénérer", chat.answer).tap()
    expect(chat.text).to_contain_text("Deux.")
    chat.finished()
    for name in ("Régénérer", "Avec un autre modèle", "Bonne réponse", "Autres actions", "Version précédente"):
        box = chat.button(name, chat.answer).bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 320, name
    chat.button("Mauvaise réponse", chat.answer).tap()
    chat.page.get_by_role("textbox", name="Pourquoi").fill("Trop court.")
    chat.button("Modifier la question").tap()
    editor = chat.page.get_by_role("textbox", name="Votre question")
    expect(editor).to_be_focused()
    expect(editor).to_be_in_viewport(ratio=1)
    assert chat.page.evaluate("document.documentElement.scrollWidth") == 320
    chat.button("Annuler").tap()
    expect(editor).to_have_count(0)


def test_an_answer_is_made_again_by_another_model(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer("D’un autre modèle."))
    chat.button("Avec un autre modèle", chat.answer).click()
    choice = chat.page.get_by_role("menuitem", name="deepseek-r1:1.5b")
    expect(chat.page.get_by_role("menuitem", name="phi3:mini")).to_be_focused()
    chat.page.keyboard.press("ArrowDown")
    expect(choice).to_be_focused()
    chat.page.keyboard.press("Enter")
    wait_for(chat, "Un", "Première.", "Deux", "D’un autre modèle.")
    chat.finished()
    assert engine.received("/api/chat")[-1]["model"] == "deepseek-r1:1.5b"
    chat.says("deepseek-r1:1.5b")
    expect(chat.answer.locator(".versions__place")).to_have_text("Version 2 / 2")
    chat.button("Version précédente", chat.answer).click()
    wait_for(chat, "Un", "Première.", "Deux", "Deuxième.")
    chat.says("phi3:mini")


def test_a_stopped_version_goes_on_from_where_it_stopped(two_turns: Tab, engine: FakeOllama) -> None:
    chat, nth = two_turns, len(engine.generations)
    engine.script(Scenario.hold(after=4))
    chat.button("Régénérer", chat.answer).click()
    engine.reached(Phase.DECODING, nth)
    expect(chat.text).not_to_be_empty()
    chat.stop()
    chat.says("Arrêté par vous")
    kept = chat.text.inner_text()
    chat.button("Version précédente", chat.answer).click()
    expect(chat.text).to_have_text("Deuxième.")
    expect(chat.button("Reprendre", chat.answer)).to_be_hidden()
    chat.button("Version suivante", chat.answer).click()
    engine.script(Scenario.answer(" et la suite."))
    chat.button("Reprendre", chat.answer).click()
    wait_for(chat, "Un", "Première.", "Deux", f"{kept} et la suite.")
    chat.finished()
    assert engine.received("/api/chat")[-1]["messages"][-1] == {"role": "assistant", "content": kept}


@pytest.mark.slow
def test_an_answer_that_loops_says_so_and_does_not_offer_to_go_on(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here.open()
    engine.script(Scenario.answer("Le tableau : " + "- " * 99))
    chat.ask("Fais un tableau")
    chat.says("s’est mis à se répéter")
    expect(chat.button("Reprendre", chat.answer)).to_have_count(0)
    expect(chat.button("Régénérer", chat.answer).first).to_be_visible()


@pytest.mark.slow
def test_an_answer_cut_by_its_length_goes_on(visit: Visitors, tmp_path: Path, engine: FakeOllama) -> None:
    with Served(tmp_path, OLLAMA_HOST=engine.url, MAX_OUTPUT_TOKENS=3) as server:
        visitor = visit(server, "alice")
        assert visitor.person
        wait_for_model(visitor.person)
        chat = visitor.here.open()
        engine.script(Scenario.answer("un deux trois quatre"), Scenario.answer(" quatre cinq"))
        chat.ask("Compte")
        chat.says("atteint sa longueur maximale")
        chat.page.reload()
        expect(chat.text).to_have_text("un deux trois")
        chat.button("Reprendre", chat.answer).click()
        expect(chat.text).to_have_text("un deux trois quatre cinq")
        chat.finished()
        expect(chat.button("Reprendre", chat.answer)).to_be_hidden()


@pytest.mark.slow
def test_axe_finds_nothing_in_what_one_does_with_turns(two_turns: Tab, engine: FakeOllama) -> None:
    chat = two_turns
    engine.script(Scenario.answer("Autre."))
    chat.button("Régénérer", chat.answer).click()
    expect(chat.text).to_have_text("Autre.")
    chat.finished()
    chat.button("Bonne réponse", chat.answer).click()
    expect(chat.page.get_by_role("textbox", name="Pourquoi")).to_be_visible()
    chat.page.locator(".turn--question").first.hover()
    chat.button("Modifier la question", chat.page.locator(".turn--question").first).click()
    check(chat.page)
    for name in ("Avec un autre modèle", "Autres actions"):
        chat.button(name, chat.answer).click()
        expect(chat.page.get_by_role("menu")).to_be_visible()
        found = Axe().run(chat.page)
        assert not found.violations_count, found.generate_report()
        chat.page.keyboard.press("Escape")
        expect(chat.page.get_by_role("menu")).to_have_count(0)
        expect(chat.button(name, chat.answer)).to_be_focused()
