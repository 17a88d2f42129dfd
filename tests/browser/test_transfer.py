"""The bin, the archive, export and import at the browser: by their pages and by the menu of a conversation."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.test_conversations import choose
from tests.browser.visitor import Tab, Visitor

CHATGPT = json.loads((Path(__file__).parents[1] / "samples" / "chatgpt.json").read_text())
PRINTED = """window.print = () => {
  document.documentElement.dataset.printed = document.querySelectorAll(".answer").length;
}"""


@pytest.fixture
def chat(alice: Visitor) -> Tab:
    """A conversation, open."""
    alice.here.ask("À garder précieusement")
    alice.here.finished()
    return alice.here


def test_deleted_exported_and_imported_again(chat: Tab, alice: Visitor, tmp_path: Path) -> None:
    choose(chat, "À garder", "Exporter…")
    dialog = chat.page.get_by_role("dialog", name="Exporter sous quelle forme ?")
    with chat.page.expect_download() as download:
        dialog.get_by_role("link", name="JSON").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    expect(dialog).to_be_hidden()
    choose(chat, "À garder", "Supprimer")
    expect(chat.titles).to_have_count(0)
    chat.show_sidebar().get_by_role("link", name="Corbeille").click()
    expect(chat.page.locator("tbody tr")).to_have_count(1)
    chat.button("Vider la corbeille").click()
    chat.button("Vider la corbeille", chat.page.get_by_role("dialog")).click()
    expect(chat.page.get_by_text("La corbeille est vide.")).to_be_visible()
    chat.show_sidebar()
    chat.page.get_by_role("link", name="Exporter et importer").click()
    chat.page.get_by_label("Fichier").set_input_files(file)
    chat.button("Importer").click()
    expect(chat.page.get_by_role("status")).to_have_text("1 conversation importée.")
    chat.show_sidebar()
    chat.page.get_by_role("link", name="Retour au chat").click()
    expect(chat.titles).to_have_text("À garder précieusement")


def test_a_file_that_is_wrong_is_refused_in_words(chat: Tab, alice: Visitor, tmp_path: Path) -> None:
    alice.watch.allow("status of 422")
    file = tmp_path / "liste.json"
    file.write_text(json.dumps(["du pain", "du lait"]))
    chat.open("/transfer")
    chat.page.get_by_label("Fichier").set_input_files(file)
    chat.button("Importer").click()
    expect(chat.page.get_by_role("status")).to_contain_text("Rien n’a été importé.")


def test_several_files_and_what_of_them_was_left_out(chat: Tab, alice: Visitor, tmp_path: Path) -> None:
    alice.watch.allow("status of 422")
    for name, content in {
        "conversations-000.json": [CHATGPT],
        "conversations-001.json": [],
        "autre.json": [CHATGPT],
    }.items():
        (tmp_path / name).write_text(json.dumps(content))
    chat.open("/transfer")
    chat.page.get_by_label("Fichiers").set_input_files(sorted(tmp_path.glob("*.json")))
    chat.button("Importer").click()
    outcome = chat.page.get_by_role("status")
    expect(outcome.get_by_text("autre.json : 1 conversation importée.")).to_be_visible()
    expect(outcome.get_by_text("conversations-000.json : 1 conversation importée.")).to_be_visible()
    expect(outcome.get_by_text("conversations-001.json : Ce fichier n’est pas un des exports")).to_be_visible()
    expect(outcome.get_by_role("listitem").filter(has_text="1 image")).to_have_count(2)


def test_paper_from_the_menu(chat: Tab) -> None:
    chat.page.add_init_script(PRINTED)
    choose(chat, "À garder", "Exporter…")
    chat.page.get_by_role("link", name="Imprimer, ou enregistrer en PDF").click()
    expect(chat.page.locator("html")).to_have_attribute("data-printed", "1")
    expect(chat.questions).to_have_text("À garder précieusement")
    assert "print" not in chat.page.url


def test_the_archive_gives_back(chat: Tab) -> None:
    choose(chat, "À garder", "Archiver")
    expect(chat.titles).to_have_count(0)
    chat.show_sidebar().get_by_role("link", name="Archives").click()
    chat.button("Sortir À garder précieusement des archives").click()
    expect(chat.page.get_by_text("est de nouveau dans vos conversations")).to_be_visible()
    chat.show_sidebar()
    chat.page.get_by_role("link", name="Retour au chat").click()
    expect(chat.titles).to_have_text("À garder précieusement")


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_the_pages_are_for_everyone(visit: Visitors, server: Served, chat: Tab) -> None:
    choose(chat, "À garder", "Exporter…")
    check(chat.page)
    chat.open("/transfer")
    check(chat.page)
    for path in ("/bin", "/archive"):
        check(chat.open(path).page)
    choose(chat.open(), "À garder", "Archiver")
    expect(chat.titles).to_have_count(0)
    check(chat.open("/archive").page)
    chat.page.set_viewport_size({"width": 320, "height": 700})
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 320
    chat.button("Sortir À garder précieusement des archives").click()
    choose(chat.open(), "À garder", "Supprimer")
    expect(chat.titles).to_have_count(0)
    check(chat.open("/bin").page)
    chat.page.set_viewport_size({"width": 320, "height": 700})
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 320
