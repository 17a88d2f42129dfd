"""Which model answers: the default, one that is missing, a context that is full, and the real embedded one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.visitor import Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson

MISSING = "Le modèle phi3:mini n’est pas installé ici : les réponses viennent de mistral"
LONG = "mot " * 100


@pytest.fixture(scope="module")
def modest_engine() -> Iterator[FakeOllama]:
    """An engine without the default model, with a small context."""
    with FakeOllama(("mistral", "deepseek-r1:1.5b"), context=512) as running:
        yield running


@pytest.fixture
def modest(tmp_path_factory: pytest.TempPathFactory, modest_engine: FakeOllama) -> Iterator[Served]:
    """A server on that engine; its first account is the administrator's."""
    folder = tmp_path_factory.mktemp("modest")
    settings = {"OLLAMA_HOST": modest_engine.url, "CONTEXT_TOKENS": 512, "MAX_OUTPUT_TOKENS": 128}
    with Served(folder, **settings) as running:
        yield running


@pytest.mark.slow
def test_a_default_model_that_is_not_installed(visit: Visitors, modest: Served) -> None:
    admin, member = visit(modest, "admin"), visit(modest, "bob")
    his = member.here.open()
    expect(his.page.get_by_text(MISSING)).to_be_visible()
    his.ask("Qui répond ?")
    expect(his.finished()).to_contain_text("mistral")

    page = admin.here.open().page
    expect(page.get_by_text(MISSING)).to_be_visible()
    admin.here.show_sidebar().get_by_role("link", name="Administration").click()
    command = page.get_by_text(".venv/bin/flask models pull phi3:mini").first
    command.click()
    assert page.evaluate("getSelection().toString()") == command.text_content()
    page.get_by_role("radio", name="deepseek-r1:1.5b").check()
    admin.here.button("Enregistrer le modèle par défaut").click()
    expect(page.get_by_text("deepseek-r1:1.5b est désormais le modèle par défaut.")).to_be_visible()
    his.open()
    expect(his.page.get_by_text(MISSING)).to_have_count(0)
    expect(his.page.get_by_role("button", name="Modèle : DeepSeek-R1")).to_be_visible()


def test_what_each_model_can_do_fits_beside_how_to_get_it(
    visit: Visitors, server: Served, captain: RemotePerson
) -> None:
    admin = visit(server)
    admin.carry(captain)
    page = admin.here.open("/admin/models").page
    table = page.get_by_role("table").filter(has_text="deepseek-coder:6.7b").first
    for width in (1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert table.evaluate("table => table.scrollWidth - table.closest('section, form, .card').clientWidth") <= 0


def test_the_administrator_s_page_is_closed_to_others(alice: Visitor) -> None:
    alice.watch.allow("status of 403")
    page = alice.here.open("/admin/models").page
    expect(page.get_by_role("heading", name="Réservé aux administrateurs.")).to_be_visible()
    expect(alice.here.open().page.get_by_role("link", name="Administration")).to_have_count(0)


@pytest.mark.slow
def test_what_no_longer_fits_is_told(visit: Visitors, modest: Served, modest_engine: FakeOllama) -> None:
    chat = visit(modest, "alice").here.open()
    for number in range(4):
        modest_engine.script(Scenario.answer(f"Réponse {number}."))
        chat.ask(f"{LONG}{number} ?")
        chat.finished()
        expect(chat.text).to_have_text(f"Réponse {number}.")
    line = chat.page.get_by_text("messages au-dessus ne sont plus lus")
    expect(line).to_be_visible()
    shown = line.inner_text().replace("\u00a0", " ")
    sent = modest_engine.received("/api/chat")[-1]["messages"]
    unread = 7 - len([turn for turn in sent if turn["role"] != "system"])
    assert shown == f"Les {unread} messages au-dessus ne sont plus lus"
    chat.page.reload()
    expect(line).to_have_text(shown)
    above = chat.page.locator(".left-out").evaluate("line => line.parentElement.innerHTML.split(line.outerHTML)[0]")
    assert above.count("<article") == unread


@pytest.mark.slow
def test_the_demonstration_model_answers(visit: Visitors, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"ENGINE": "embedded", "CONTEXT_TOKENS": 1024, "MAX_OUTPUT_TOKENS": 12, "CACHE_RAM_MB": 64}
    with Served(tmp_path_factory.mktemp("real"), **settings) as server:
        visitor = visit(server, "alice")
        wait_for_model(visitor.person)
        chat = visitor.here.open()
        expect(chat.page.get_by_text("Modèle de démonstration : SmolLM2")).to_contain_text("n’écrit qu’en anglais")
        expect(chat.page.get_by_role("button", name="Write an e-mail")).to_be_visible()
        chat.ask("What is the capital of France?")
        expect(chat.text).not_to_be_empty()
        chat.finished()
        assert len(chat.text.inner_text().split()) > 3
