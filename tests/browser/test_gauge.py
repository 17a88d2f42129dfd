"""The context: how full it is, and the ways on where the model no longer reads."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.test_accessibility import check
from tests.browser.test_documents import attach, payload, ready
from tests.browser.visitor import Tab
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson

LONG = "mot " * 100
SUMMARY = "Résume notre conversation"
METRICS = """async () => {
  const id = location.pathname.split("/").at(-1);
  const {messages} = await (await fetch(`/api/conversations/${id}`)).json();
  return {last: messages.at(-1).metrics};
}"""


@pytest.fixture(scope="module")
def small_engine() -> Iterator[FakeOllama]:
    with FakeOllama(("phi3:mini", "mistral"), context=512) as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, small_engine: FakeOllama) -> Iterator[Served]:
    """A server whose models have a small context; its first account is the administrator's."""
    settings = {"OLLAMA_HOST": small_engine.url, "CONTEXT_TOKENS": 512, "MAX_OUTPUT_TOKENS": 128}
    with Served(tmp_path_factory.mktemp("small"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def owner(small: Served) -> RemotePerson:
    person = small.register("patron")
    wait_for_model(person)
    return person


@pytest.fixture
def full(visit: Visitors, small: Served, owner: RemotePerson, small_engine: FakeOllama) -> Tab:
    """A conversation whose first messages are no longer read."""
    chat = visit(small, "alice").here.open()
    for number in range(4):
        small_engine.script(Scenario.answer(f"Réponse {number}."))
        chat.ask(f"{LONG}{number} ?")
        chat.finished()
        expect(chat.text).to_have_text(f"Réponse {number}.")
    expect(choices(chat)).to_be_visible()
    return chat


def choices(chat: Tab) -> Locator:
    return chat.page.get_by_role("group", name="Et maintenant")


def gauge(chat: Tab) -> Locator:
    return chat.page.get_by_role("button", name="Contexte")


@pytest.mark.screen("desk", "phone")
def test_the_gauge_says_what_the_engine_counted_and_the_draft(
    visit: Visitors, small: Served, owner: RemotePerson, small_engine: FakeOllama
) -> None:
    chat = visit(small, "alice").here.open()
    expect(gauge(chat)).to_be_hidden()
    chat.message.fill("Bonjour")
    expect(gauge(chat)).to_be_visible()
    chat.send()
    chat.finished()
    done = next(iter(chat.page.evaluate(METRICS).values()))
    used = done["prompt_tokens"] + done["output_tokens"]
    expect(gauge(chat)).to_have_text(f"Contexte {round(used / 512 * 100)}\u202f%")
    gauge(chat).click()
    sentence = chat.page.get_by_text("jetons que le modèle lit à la fois")
    expect(sentence).to_contain_text(f"Environ {used} des 512 jetons")
    check(chat.page)
    chat.page.keyboard.press("Escape")
    chat.page.reload()
    expect(gauge(chat)).to_have_text(f"Contexte {round(used / 512 * 100)}\u202f%")
    chat.message.fill("mot " * 400)
    expect(gauge(chat)).to_have_text(re.compile("Contexte plein"))
    expect(chat.page.locator(".gauge.is-high")).to_be_visible()
    gauge(chat).click()
    expect(chat.page.get_by_text("le modèle en lit 512 à la fois")).to_be_visible()
    check(chat.page)


def test_documents_that_are_no_longer_read_are_named(
    visit: Visitors, small: Served, owner: RemotePerson, small_engine: FakeOllama
) -> None:
    chat = visit(small, "alice").here.open()
    attach(chat, payload("livraison.txt", "Deux ancres, une annexe. " * 20))
    ready(chat)
    for number in range(1, 5):
        chat.ask(f"{LONG}{number} ?")
        expect(chat.answers).to_have_count(number)
        chat.finished()
    line = chat.page.locator(".left-out")
    expect(line).to_contain_text("ne sont plus lus, ni ce document\u00a0: livraison.txt")
    chat.page.reload()
    expect(line).to_contain_text("ne sont plus lus, ni ce document\u00a0: livraison.txt")


def test_a_summary_is_an_ordinary_question(full: Tab, small_engine: FakeOllama) -> None:
    full.message.fill("un brouillon")
    small_engine.script(Scenario.answer("En bref."))
    full.button("Résumer ici", choices(full)).click()
    expect(full.questions).to_have_count(5)
    expect(full.questions.last).to_contain_text(SUMMARY)
    full.says("En bref.")
    full.finished()
    expect(full.message).to_have_value("un brouillon")


def test_a_new_conversation_begins_with_a_summary(full: Tab, small_engine: FakeOllama) -> None:
    small_engine.script(Scenario.answer("En bref, des mots."))
    full.button("Nouvelle conversation à partir d’un résumé", choices(full)).click()
    full.page.wait_for_url(re.compile(r"/$"))
    expect(full.message).to_have_value(
        "Résumé d’une conversation précédente, pour continuer\u00a0:\n\nEn bref, des mots.\n\n"
    )
    expect(full.questions).to_have_count(0)


def test_going_on_takes_the_choices_away(full: Tab) -> None:
    expect(gauge(full)).to_have_text(re.compile("Contexte plein"))
    gauge(full).click()
    expect(full.page.get_by_text("plus rien de ce qui est au-dessus")).to_be_visible()
    full.page.keyboard.press("Escape")
    check(full.page)
    full.page.reload()
    expect(choices(full)).to_be_visible()
    full.button("Continuer", choices(full)).click()
    expect(choices(full)).to_have_count(0)
    expect(full.page.locator(".left-out")).to_be_visible()
    expect(full.message).to_be_focused()


@pytest.mark.slow
def test_quick_and_careful_stand_for_models(
    visit: Visitors, small: Served, owner: RemotePerson, small_engine: FakeOllama
) -> None:
    admin = visit(small)
    admin.carry(owner)
    page = admin.here.open("/admin/models").page
    page.get_by_label("Rapide", exact=True).select_option("phi3:mini")
    page.get_by_label("Soigné", exact=True).select_option("mistral:latest")
    check(page)
    admin.here.button("Enregistrer").click()
    expect(page.get_by_text("chacun peut choisir entre les deux")).to_be_visible()
    chat = visit(small, "bob").here.open()
    picker = chat.page.get_by_role("button", name="Modèle :")
    expect(picker).to_contain_text("Rapide")
    picker.click()
    expect(chat.page.get_by_role("menuitemradio", name="Rapide")).to_have_attribute("aria-checked", "true")
    check(chat.page)
    chat.page.get_by_role("menuitemradio", name="Soigné").click()
    expect(picker).to_contain_text("Soigné")
    chat.ask("Qui répond ?")
    chat.finished()
    assert small_engine.received("/api/chat")[-1]["model"] == "mistral:latest"
