"""From the demonstration model to a real one: the ways that the page shows, and a file sent with its progress."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.visitor import Visitor
from tests.engines.gguf_files import content, demonstration

SETTINGS = {
    "ENGINE": "embedded", "OLLAMA_HOST": "127.0.0.1:9", "CONTEXT_TOKENS": 1024, "MAX_OUTPUT_TOKENS": 12,
    "CACHE_RAM_MB": 0, "ENGINE_THREADS": 1,
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server just installed, with the demonstration model."""
    with Served(tmp_path, **SETTINGS) as running:
        yield running


@pytest.fixture
def admin(visit: Visitors, server: Served) -> Visitor:
    """Its administrator."""
    visitor = visit(server, "admin")
    wait_for_model(visitor.person)
    return visitor


def choose(page: Page, file: Path) -> None:
    page.get_by_label("Fichier GGUF").set_input_files(file)
    page.get_by_role("button", name="Installer").click()


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_a_file_becomes_the_model_that_answers(admin: Visitor, tmp_path: Path) -> None:
    page = admin.here.open("/admin/models").page
    expect(page.get_by_role("heading", name="Trois voies vers un vrai modèle")).to_be_visible()
    for way in ("Ollama", "Un fichier GGUF", "Un autre serveur"):
        expect(page.get_by_role("heading", name=way)).to_be_visible()
    expect(page.get_by_text("Rien n’écoute à http://127.0.0.1:9.")).to_be_visible()
    check(page)

    # Something else under a model's name is refused before it is sent.
    wrong = tmp_path / "image.gguf"
    wrong.write_bytes(b"\x89PNG" + bytes(1000))
    admin.watch.allow("status of 422")
    choose(page, wrong)
    expect(page.get_by_text("image.gguf n’est pas un fichier GGUF.")).to_be_visible()

    file = tmp_path / "vrai.gguf"
    file.symlink_to(demonstration())
    shown: list[str] = []
    page.expose_function("note", lambda words: shown.append(words))
    page.evaluate(
        """() => new MutationObserver(() => note(document.querySelector(".upload__words").textContent))
          .observe(document.querySelector(".upload__words"), {childList: true, characterData: true, subtree: true})"""
    )
    choose(page, file)
    expect(page.get_by_text("vrai est installé et chargé.")).to_be_visible(timeout=60_000)
    assert any("Mo sur 98" in words for words in shown), shown
    assert any("Chargement du modèle" in words for words in shown), shown
    expect(page.get_by_role("radio", name="Choisir vrai par défaut")).to_be_checked()
    expect(page.get_by_role("heading", name="Trois voies vers un vrai modèle")).to_have_count(0)
    check(page)
    chat = admin.here.open()
    chat.ask("Bonjour ?")
    chat.finished()
    expect(chat.text).not_to_be_empty()


@pytest.mark.slow
def test_sending_can_be_stopped_and_is_lost_with_the_connection(admin: Visitor, server: Served, tmp_path: Path) -> None:
    file = tmp_path / "vrai.gguf"
    file.write_bytes(content({"general.architecture": "llama"}, 2_000_000))
    page = admin.here.open("/admin/models").page
    held: list[Route] = []
    page.route("**/admin/models/files?*", lambda route: held.append(route))
    choose(page, file)
    page.get_by_role("button", name="Annuler").click()
    expect(page.get_by_text("Arrêté. Rien n’a été installé.")).to_be_visible()
    admin.watch.allow("ERR_CONNECTION_RESET")
    with page.expect_request("**/admin/models/files?*"):
        page.get_by_role("button", name="Installer").click()
    expect(page.get_by_role("button", name="Annuler")).to_be_visible()
    held[-1].abort("connectionreset")
    expect(page.get_by_text("Le serveur est injoignable.")).to_be_visible()
    expect(page.get_by_role("button", name="Installer")).to_be_enabled()
