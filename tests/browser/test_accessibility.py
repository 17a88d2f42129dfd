"""Every page by axe-core, light and dark."""

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.routing import MapAdapter

from tests.browser.conftest import Visitors
from tests.browser.samples import RICH
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.browser.walking import walk
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson

# Colours take a moment to change with the theme; what moves for ever is not waited for.
STILL = """() => new Promise(requestAnimationFrame).then(() => Promise.allSettled(document.getAnimations()
  .filter(({effect}) => effect.getComputedTiming().endTime !== Infinity).map(({finished}) => finished)))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
THOUGHT = "D’abord le vent, ensuite la mer."


def check(page: Page) -> None:
    """No violation in any theme."""
    page.wait_for_load_state()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(STILL)
        found = Axe().run(page)
        assert not found.violations_count, f"{page.url} {scheme}\n{found.generate_report()}"


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_every_page_that_a_link_leads_to(
    visit: Visitors, lab: Served, chief: RemotePerson, addresses: MapAdapter, places: dict[str, str]
) -> None:
    stranger, member = visit(lab), visit(lab)
    for visitor in (stranger, member):
        visitor.watch.allow("status of 404")
    member.carry(chief)
    chat = member.here.open()
    chat.ask("Une question")
    chat.finished()
    chief.api("POST", f"/conversations/{chat.path.removeprefix('/c/')}/shares")
    seen = []
    for visitor, beginnings in (
        (stranger, ["/login", "/nulle-part"]),
        (member, ["/", "/nulle-part", *places.values()]),
    ):
        for path in walk(visitor.here, addresses, *beginnings):
            charts = visitor.page.locator("figure.chart")
            for index in range(charts.count()):
                expect(charts.nth(index).locator("svg.plot").first).to_be_visible()
            check(visitor.page)
            assert visitor.page.evaluate(SIDEWAYS) == 0, path
            seen.append(path)
    assert {"/register", "/settings", "/settings/account", "/bin", "/archive", "/transfer"} <= set(seen)
    assert {"/admin/models", "/admin/doctor", "/admin/ratings", "/lab/", "/lab/runs", "/lab/runs/new"} <= set(seen)
    assert {"/lab/tasks", "/lab/history", "/lab/campaigns"} <= set(seen)


@pytest.mark.slow
def test_a_form_with_mistakes(visit: Visitors, server: Served) -> None:
    stranger = visit(server)
    stranger.watch.allow("status of 422")
    chat = stranger.here.open("/register")
    chat.button("Créer un compte").click()
    expect(chat.page.get_by_text("Remplissez ce champ.").first).to_be_visible()
    check(chat.page)


@pytest.mark.screen("desk", "phone")
def test_home(alice: Visitor) -> None:
    check(alice.page)


@pytest.mark.slow
@pytest.mark.screen("desk", "phone")
def test_a_conversation_with_everything(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(replace(Scenario.answer(RICH), thinking=THOUGHT))
    chat.page.get_by_role("button", name="Modèle :").click()
    chat.page.get_by_role("menuitemradio", name="DeepSeek-R1").click()
    chat.button("Réflexion").click()
    chat.ask("Tout à la fois ?")
    chat.finished()
    chat.answer.get_by_role("button", name="A réfléchi ").click()
    chat.answer.get_by_role("button", name="deepseek-r1").click()
    check(chat.page)
    # After thinking, the history without it is read ahead.
    engine.reached(Phase.ENDED, nth + 1)
    engine.script(Scenario.hold(after=4))
    chat.ask("Et encore ?")
    engine.reached(Phase.DECODING, nth + 2)
    chat.ask("Et après ?")
    expect(chat.page.get_by_text("Et après ?").locator("visible=true")).to_have_count(1)
    check(chat.page)
    chat.stop()
    chat.says("Arrêté par vous")
    check(chat.page)


def test_an_answer_that_failed(alice: Visitor, engine: FakeOllama) -> None:
    engine.script(Scenario.mid_stream_error(3))
    alice.here.ask("Et quand cela casse ?")
    alice.here.says("La réponse n’a pas pu être terminée")
    check(alice.page)


@pytest.mark.screen("desk", "phone")
def test_the_administrator_s_page(visit: Visitors, server: Served, captain: RemotePerson) -> None:
    visitor = visit(server)
    visitor.carry(captain)
    page = visitor.here.open("/admin/models").page
    expect(page.get_by_role("heading", name="Modèles", exact=True)).to_be_visible()
    check(page)


def test_axe_is_really_looking(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<html><body><img src='data:,'><button></button></body></html>")
    assert Axe().run(page).violations_count >= 2
    page.close()
