"""The sidebar's drawers and marks: pins, the archive, unread answers, keys, and years of conversations."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.test_conversations import choose
from tests.browser.visitor import Tab, Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.perf.seeds import Past
from tests.support.processes import wait_until

LABELS = "all => all.map(({dataset}) => dataset.label)"
SCROLL = "list => list.scrollTo(0, list.scrollHeight)"


@pytest.fixture
def chat(alice: Visitor) -> Tab:
    """Three conversations, the last one open."""
    tab = alice.here
    for title in ("Un", "Deux", "Trois"):
        tab.open()
        tab.ask(title)
        tab.finished()
    expect(tab.titles).to_have_text(["Trois", "Deux", "Un"])
    return tab


def link(chat: Tab, title: str) -> Locator:
    return chat.items.locator("a").filter(has_text=re.compile(f"^\\s*{title}"))


def section(chat: Tab, heading: str) -> Locator:
    return chat.sidebar.locator("section:not([hidden])").filter(has=chat.page.get_by_role("heading", name=heading))


def test_pinned_ones_stand_above_and_stay_there(chat: Tab) -> None:
    choose(chat, "Un", "Épingler")
    expect(section(chat, "Épinglées").locator("li")).to_have_text(re.compile("Un"))
    expect(link(chat, "Un")).to_be_focused()
    expect(chat.titles).to_have_text(["Un", "Trois", "Deux"])
    chat.page.reload()
    expect(chat.titles).to_have_text(["Un", "Trois", "Deux"])
    choose(chat, "Un", "Désépingler")
    expect(chat.titles).to_have_text(["Trois", "Deux", "Un"])
    expect(section(chat, "Épinglées")).to_have_count(0)


@pytest.mark.screen("desk", "phone")
def test_archiving_and_taking_it_back(chat: Tab) -> None:
    choose(chat, "Deux", "Archiver")
    expect(chat.titles).to_have_text(["Trois", "Un"])
    chat.button("Annuler").click()
    expect(chat.titles).to_have_text(["Trois", "Deux", "Un"])
    choose(chat, "Deux", "Archiver")
    expect(chat.titles).to_have_text(["Trois", "Un"])
    chat.page.reload()
    expect(chat.titles).to_have_text(["Trois", "Un"])


@pytest.mark.screen("desk")
def test_the_list_by_keys(chat: Tab) -> None:
    link(chat, "Trois").focus()
    chat.page.keyboard.press("ArrowDown")
    expect(link(chat, "Deux")).to_be_focused()
    chat.page.keyboard.press("F2")
    expect(chat.sidebar.get_by_role("textbox", name="Titre")).to_be_focused()
    chat.page.keyboard.type("Second")
    chat.page.keyboard.press("Enter")
    expect(link(chat, "Second")).to_be_focused()
    chat.page.keyboard.press("Delete")
    expect(chat.titles).to_have_text(["Trois", "Un"])
    expect(link(chat, "Un")).to_be_focused()
    chat.page.keyboard.press("ArrowUp")
    expect(link(chat, "Trois")).to_be_focused()
    chat.page.keyboard.press("ArrowUp")
    expect(link(chat, "Trois")).to_be_focused()
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("Enter")
    expect(chat.questions).to_have_text("Un")


def test_the_focus_comes_back_with_the_row(chat: Tab) -> None:
    for action in ("Supprimer", "Archiver"):
        choose(chat, "Deux", action)
        expect(chat.titles).to_have_text(["Trois", "Un"])
        expect(link(chat, "Un")).to_be_focused()
        chat.button("Annuler").press("Enter")
        expect(chat.titles).to_have_text(["Trois", "Deux", "Un"])
        expect(link(chat, "Deux")).to_be_focused()


@pytest.mark.screen("desk", "phone")
def test_the_focus_goes_to_the_closed_folder(chat: Tab) -> None:
    chat.button("Nouveau dossier", chat.show_sidebar()).click()
    chat.page.keyboard.type("Chantier")
    chat.page.keyboard.press("Enter")
    choose(chat, "Deux", "Déplacer dans un dossier…")
    chat.button("Chantier", chat.page.get_by_role("dialog")).press("Enter")
    expect(chat.titles).to_have_text(["Trois", "Un"])
    expect(chat.button("Chantier", chat.sidebar)).to_be_focused()


def test_the_focus_comes_back_from_the_dialogs(chat: Tab) -> None:
    for action in ("Partager…", "Exporter…", "Déplacer dans un dossier…"):
        choose(chat, "Deux", action)
        expect(chat.page.get_by_role("dialog")).to_be_visible()
        chat.page.keyboard.press("Escape")
        expect(chat.page.get_by_role("dialog")).to_have_count(0)
        expect(link(chat, "Deux")).to_be_focused()


def test_the_focus_after_the_last_row(alice: Visitor) -> None:
    chat = alice.here
    chat.ask("Seule")
    chat.finished()
    choose(chat, "Seule", "Archiver")
    expect(chat.titles).to_have_count(0)
    expect(chat.button("Nouvelle conversation", chat.sidebar)).to_be_focused()


def answered_elsewhere(chat: Tab, alice: Visitor, engine: FakeOllama) -> None:
    """« Un » is open, and « Pendant ce temps » was answered since the page looked."""
    alice.page.clock.install()
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=2))
    chat.open()
    chat.ask("Pendant ce temps")
    engine.reached(Phase.DECODING, nth)
    chat.show_sidebar()
    link(chat, "Un").click()
    expect(chat.questions).to_have_text("Un")
    chat.show_sidebar()
    expect(link(chat, "Pendant ce temps")).to_contain_text("rédige", use_inner_text=True)
    engine.release()
    wait_until(lambda: not any(item["state"] for item in alice.person.get("/api/conversations").json["conversations"]))


def test_an_answer_that_ends_elsewhere_is_marked_and_said(chat: Tab, alice: Visitor, engine: FakeOllama) -> None:
    answered_elsewhere(chat, alice, engine)
    alice.page.clock.run_for(20_000)
    expect(link(chat, "Pendant ce temps")).to_contain_text("nouvelle réponse", use_inner_text=True)
    expect(chat.page.locator(".toast")).to_contain_text("Réponse prête : « Pendant ce temps »")
    chat.button("Ouvrir", chat.page.locator(".toast")).click()
    expect(chat.questions).to_have_text("Pendant ce temps")
    expect(link(chat, "Pendant ce temps")).not_to_contain_text("nouvelle réponse", use_inner_text=True)
    chat.page.reload()
    expect(link(chat, "Pendant ce temps")).not_to_contain_text("nouvelle réponse", use_inner_text=True)


def test_it_is_said_inside_an_open_dialog(chat: Tab, alice: Visitor, engine: FakeOllama) -> None:
    answered_elsewhere(chat, alice, engine)
    chat.page.keyboard.press("Control+/")
    dialog = chat.page.get_by_role("dialog", name="Raccourcis clavier")
    alice.page.clock.run_for(20_000)
    toast = dialog.locator(".toast")
    expect(toast).to_contain_text("Réponse prête : « Pendant ce temps »")
    expect(toast).to_be_in_viewport(ratio=1)
    chat.button("Ouvrir", toast).focus()
    expect(chat.button("Ouvrir", toast)).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.questions).to_have_text("Pendant ce temps")


def test_years_of_conversations_come_as_one_scrolls(alice: Visitor, server: Served) -> None:
    past = Past(server.instance, alice.name)
    past.conversations(150)
    past.close()
    chat = alice.here.open()
    expect(chat.items).not_to_have_count(0)
    for least in (61, 121):
        chat.page.locator(".sidebar__scroll").evaluate(SCROLL)
        expect(chat.items.nth(least - 1)).to_be_attached()
    expect(chat.items).to_have_count(150)
    expect(chat.titles.last).to_have_text("Conversation 149")
    expect(chat.button("Afficher les plus anciennes")).to_be_hidden()
    shown = chat.titles.all_text_contents()
    assert len(set(shown)) == 150
    groups = chat.sidebar.locator("section[data-label]:not([hidden])").evaluate_all(LABELS)
    assert len(groups) == len(set(groups))


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_it_is_for_everyone(visit: Visitors, server: Served, chat: Tab) -> None:
    chat.button("Nouveau dossier", chat.show_sidebar()).click()
    chat.page.keyboard.type("Chantier")
    chat.page.keyboard.press("Enter")
    choose(chat, "Deux", "Déplacer dans un dossier…")
    check(chat.page)
    chat.page.keyboard.press("Escape")
    chat.button("Chantier", chat.sidebar).click()
    check(chat.page)


@pytest.mark.screen("desk", "phone")
def test_the_bin_is_reached_below_the_longest_list(alice: Visitor) -> None:
    chat = alice.here.open()
    chat.show_sidebar().get_by_role("button", name="alice").click()
    chat.page.get_by_role("group", name="Compte").get_by_role("link", name="Corbeille").click()
    expect(chat.page.get_by_role("heading", level=1, name="Corbeille")).to_be_visible()
