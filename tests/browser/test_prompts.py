"""Ready prompts: found behind a «/», filled in place by place, made and changed on their page; and instructions."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.test_composer import selected
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.support.server import RemotePerson

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def options(chat: Tab) -> Locator:
    return chat.page.get_by_role("option")


def test_a_slash_lists_the_prompts_and_typing_filters_them(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press_sequentially("/")
    expect(options(chat)).to_have_count(10)
    listbox = chat.page.get_by_role("listbox", name="Tâches prêtes")
    expect(chat.message).to_have_attribute("aria-controls", str(listbox.get_attribute("id")))
    expect(options(chat).nth(0)).to_have_attribute("aria-selected", "true")
    chat.message.press("ArrowDown")
    active = options(chat).nth(1)
    expect(active).to_have_attribute("aria-selected", "true")
    expect(chat.message).to_have_attribute("aria-activedescendant", str(active.get_attribute("id")))
    chat.message.press("ArrowUp")
    chat.message.press("ArrowUp")
    expect(options(chat).last).to_have_attribute("aria-selected", "true")
    chat.message.press_sequentially("resume")
    expect(options(chat)).to_have_text([re.compile(r"^\s*Résumer")])
    chat.message.press("Enter")
    expect(options(chat)).to_have_count(0)
    expect(chat.message).to_be_focused()
    assert chat.message.input_value().startswith("Résume ce texte")
    expect(chat.questions).to_have_count(0)


def test_the_places_are_filled_with_tab_and_none_is_forgotten(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    chat.message.press_sequentially("/rediger")
    expect(options(chat)).to_have_count(1)
    chat.message.press("Tab")
    assert selected(chat) == "{{destinataire}}"
    chat.page.keyboard.type("Claire")
    chat.page.keyboard.press("Tab")
    assert selected(chat) == "{{objectif}}"
    chat.page.keyboard.press("Tab")
    assert selected(chat) == "{{points}}"
    chat.page.keyboard.type("les dates")
    chat.page.keyboard.press("Shift+Tab")
    assert selected(chat) == "{{objectif}}"
    chat.send()
    expect(chat.page.locator(".toast")).to_contain_text("Il reste « objectif » à compléter")
    expect(chat.questions).to_have_count(0)
    assert selected(chat) == "{{objectif}}"
    chat.page.keyboard.type("relancer")
    chat.send()
    chat.finished()
    sent = engine.received("/api/chat")[-1]["messages"][-1]["content"]
    assert sent.startswith("Rédige un mail professionnel à Claire.\nBut du mail\u00a0: relancer\n")
    assert "{{" not in sent


def test_after_the_last_place_the_focus_leaves(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press_sequentially("/resumer")
    expect(options(chat)).to_have_count(1)
    chat.message.press("Enter")
    assert selected(chat) == "{{texte}}"
    chat.page.keyboard.press("Tab")
    expect(chat.message).not_to_be_focused()


def test_escape_closes_the_list_until_the_next_slash(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press_sequentially("/ma")
    expect(options(chat).first).to_be_visible()
    chat.message.press("Escape")
    expect(options(chat)).to_have_count(0)
    expect(chat.message).to_have_value("/ma")
    chat.message.press_sequentially("il")
    expect(options(chat)).to_have_count(0)
    chat.message.fill("")
    chat.message.press_sequentially("/")
    expect(options(chat).first).to_be_visible()


def test_a_path_is_no_search(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press_sequentially("/etc/hosts, c’est quoi ?")
    expect(options(chat)).to_have_count(0)
    chat.send()
    chat.finished()
    expect(chat.questions).to_have_text("/etc/hosts, c’est quoi ?")


@pytest.mark.screen("desk", "phone")
def test_the_button_opens_the_list_over_what_is_written(alice: Visitor) -> None:
    chat = alice.here
    chat.message.fill("Bonjour Marc")
    chat.button("Tâches prêtes").click()
    expect(options(chat)).to_have_count(10)
    chat.message.press("Escape")
    expect(chat.message).to_have_value("Bonjour Marc")
    chat.button("Tâches prêtes").click()
    chat.page.get_by_role("option", name="Reformuler").click()
    expect(chat.message).to_have_value(re.compile("^Reformule .*Bonjour Marc$", re.DOTALL))


def test_prompts_of_ones_own_are_made_changed_and_deleted(alice: Visitor) -> None:
    chat, page = alice.here.open("/settings/prompts"), alice.page
    page.get_by_label("Nom").fill("Relance")
    page.get_by_label("Texte").fill("Relance {{client}} pour {{facture}}.")
    chat.button("Enregistrer").click()
    expect(page.locator("tbody tr")).to_contain_text(["Relance"])
    check(page)
    page.get_by_role("link", name="Modifier Relance").click()
    page.get_by_label("Nom").fill("Relance client")
    check(page)
    chat.button("Enregistrer").click()
    chat.open("/")
    chat.message.press_sequentially("/rel")
    expect(options(chat)).to_have_count(1)
    expect(options(chat)).to_contain_text("à vous")
    chat.message.press("Enter")
    assert selected(chat) == "{{client}}"
    chat.open("/settings/prompts")
    chat.button("Supprimer Relance client").click()
    chat.button("Supprimer", page.get_by_role("dialog")).click()
    expect(page.locator("tbody tr")).to_have_count(0)


def test_an_administrators_prompt_reaches_everyone(
    alice: Visitor, visit: Visitors, server: Served, captain: RemotePerson
) -> None:
    visitor = visit(server)
    visitor.carry(captain)
    chat = visitor.here.open("/settings/prompts")
    chat.page.get_by_label("Nom").fill("Charte maison")
    chat.page.get_by_label("Texte").fill("Vérifie ce texte selon la charte.")
    chat.page.get_by_label("Pour tout le monde").check()
    chat.button("Enregistrer").click()
    expect(chat.page.locator("tbody tr")).to_contain_text(["Tout le monde"])
    alice.here.message.press_sequentially("/charte")
    expect(options(alice.here)).to_contain_text(["pour tous"])
    chat.button("Supprimer Charte maison").click()
    chat.button("Supprimer", chat.page.get_by_role("dialog")).click()
    expect(chat.page.locator("tbody tr")).to_have_count(0)


def test_what_one_says_of_oneself_reaches_the_model(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here.open("/settings/writing")
    chat.page.get_by_label("À propos de moi, et comment me répondre").fill("Je suis architecte naval.")
    chat.button("Enregistrer").click()
    expect(chat.page.get_by_text("Enregistré.")).to_be_visible()
    chat.open("/")
    chat.ask("Qui suis-je ?")
    chat.finished()
    assert "Je suis architecte naval." in engine.received("/api/chat")[-1]["messages"][0]["content"]


def test_a_conversation_has_its_own_instructions(alice: Visitor, engine: FakeOllama) -> None:
    chat, page = alice.here, alice.page
    instructions = page.get_by_role("textbox", name="Consignes de cette conversation")
    chat.button("Consignes de cette conversation").click()
    expect(instructions).to_be_focused()
    instructions.fill("Réponds en tableau.")
    check(page)
    chat.button("Enregistrer").click()
    page.reload()
    chat.ask("Un ?")
    chat.finished()
    assert "Réponds en tableau." in engine.received("/api/chat")[-1]["messages"][0]["content"]
    page.reload()
    chat.button("Consignes de cette conversation").click()
    expect(instructions).to_have_value("Réponds en tableau.")
    instructions.fill("Réponds en liste.")
    chat.button("Enregistrer").click()
    chat.ask("Deux ?")
    expect(chat.questions).to_have_count(2)
    chat.finished()
    system = engine.received("/api/chat")[-1]["messages"][0]["content"]
    assert system.endswith("Réponds en liste.")
    chat.open("/")
    chat.button("Consignes de cette conversation").click()
    expect(instructions).to_have_value("")


@pytest.mark.slow
def test_the_list_and_the_settings_are_for_everybody(alice: Visitor) -> None:
    chat = alice.here
    chat.message.press_sequentially("/")
    expect(options(chat).first).to_be_visible()
    check(chat.page)
    check(chat.open("/settings/writing").page)


@pytest.mark.screen("phone")
@pytest.mark.parametrize("width", [390, 320])
def test_nothing_is_cut_off_on_a_phone(visit: Visitors, server: Served, width: int) -> None:
    chat = visit(server, "zoe", viewport={"width": width, "height": 700}).here.open()
    chat.button("Tâches prêtes").tap()
    expect(options(chat).first).to_be_in_viewport(ratio=1)
    size = options(chat).first.bounding_box()
    assert size
    assert size["height"] >= 44
    assert chat.page.evaluate(SIDEWAYS) == 0
    expect(chat.button("Envoyer")).to_be_in_viewport(ratio=1)
    for path in ("/settings/writing", "/settings/prompts"):
        assert chat.open(path).page.evaluate(SIDEWAYS) == 0, path
