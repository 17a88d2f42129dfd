"""The Labo in the browser: charts within the page's policy, the progress of a run, a verdict, the report, axe."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson

PHONE = {"width": 390, "height": 844}
FITS = """figure => Number(figure.querySelector("svg.plot").getAttribute("width"))
  === Math.floor(figure.querySelector(".chart__box").clientWidth)"""
# A4 within a browser's margins, and the tables that lose columns on it.
PAPER = {"width": 718, "height": 1040}
CUT = """[...document.querySelectorAll("table")].filter(table => table.getBoundingClientRect().right > innerWidth)
  .map(table => table.caption?.textContent)"""
# What Plot would need `unsafe-inline` for.
INLINE = "document.querySelectorAll('main style, main [style]:not(.slider)').length"


def drawn(page: Page) -> Locator:
    """The charts of a page, once all of them are there."""
    figures = page.locator("figure.chart")
    for index in range(figures.count()):
        expect(figures.nth(index).locator("svg.plot").first).to_be_visible()
    assert page.evaluate(INLINE) == 0
    return figures


@pytest.mark.screen("desk", "phone")
def test_the_way_there(lab_admin: Visitor) -> None:
    page = lab_admin.here.open().page
    lab_admin.here.show_sidebar().get_by_role("link", name="Labo", exact=True).click()
    expect(page.get_by_role("heading", level=1, name=re.compile("Quel modèle choisir"))).to_be_visible()
    nav = page.get_by_role("navigation", name="Labo")
    for name, heading in (("Mesures", "Mesures"), ("Questions", "Questions"), ("Historique", "Historique")):
        lab_admin.here.show_sidebar()
        nav.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        lab_admin.here.show_sidebar()
        expect(nav.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


@pytest.mark.screen("desk", "phone")
@pytest.mark.parametrize("path", ["/lab/", "{run}", "/lab/history", "{sample}"])
def test_charts_are_drawn_without_anything_inline_and_as_wide_as_their_place(
    lab_admin: Visitor, places: dict[str, str], path: str
) -> None:
    page = lab_admin.here.open(path.format(**places)).page
    figures = drawn(page)
    for width in (1440, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for index in range(figures.count()):
            page.wait_for_function(FITS, arg=figures.nth(index).element_handle())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_every_chart_has_its_table(lab_admin: Visitor, places: dict[str, str]) -> None:
    page = lab_admin.here.open(places["run"]).page
    figures = drawn(page)
    assert figures.count() == 5
    expect(page.locator(".chart-card table")).to_have_count(5)
    names = (
        "Où va le temps",
        "Lecture, selon la longueur du texte",
        "Rédaction, selon ce que contient déjà le contexte",
        "Rédaction, selon les fils",
        "Rédaction, à plusieurs",
    )
    for name in names:
        card = page.get_by_role("region", name=name, exact=True)
        expect(card.get_by_role("img", name=name)).to_be_visible()
        expect(card.get_by_role("row").first).to_be_visible()


@pytest.mark.slow
def test_a_run_is_followed_until_its_end(
    visit: Visitors, server: Served, captain: RemotePerson, engine: FakeOllama
) -> None:
    # On a server of its own: what is measured here would be the other tests' newest machine.
    admin = visit(server)
    admin.carry(captain)
    engine.script(Scenario.hold(1))
    nth = len(engine.generations)
    page = admin.here.open("/lab/").page
    page.get_by_role("link", name="Lancer une mesure").click()
    for name in ("Chargement", "Lecture", "À plusieurs"):
        page.get_by_label(re.compile(name)).uncheck()
    page.get_by_label(re.compile("^deepseek")).uncheck()
    page.get_by_label("Répétitions").fill("1")
    page.get_by_label("Nom de cette mesure").fill("Depuis la page")
    page.get_by_role("button", name="Lancer").click()
    expect(page.get_by_role("heading", level=1, name="Depuis la page")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Relevés faits")).to_be_visible()
    engine.reached(Phase.DECODING, nth, timeout=20)
    expect(page.locator(".live__text")).to_contain_text("phi3:mini")
    check(page)
    engine.release()
    page.get_by_role("button", name="Annuler la mesure").click()
    page.get_by_role("dialog").get_by_role("button", name="Annuler la mesure").click()
    expect(page.get_by_text("Annulée")).to_be_visible()
    expect(page.get_by_role("button", name="Reprendre cette mesure")).to_be_visible()


def test_a_person_overrules_a_verdict(lab_admin: Visitor, places: dict[str, str]) -> None:
    page = lab_admin.here.open(places["sample"]).page
    page.get_by_role("radio", name="Échec").check()
    page.get_by_label("Pourquoi").fill("")
    page.get_by_role("button", name="Garder ce verdict").click()
    expect(page.get_by_label("Pourquoi")).to_be_focused()
    lab_admin.watch.allow("status of 422")
    page.get_by_role("radio", name="Échec").check()
    page.get_by_label("Pourquoi").fill("Le total est faux.")
    page.get_by_role("button", name="Garder ce verdict").click()
    expect(page.get_by_text("Votre verdict est gardé.")).to_be_visible()
    expect(page.locator(".verdict__main .badge")).to_have_text("Échec")


def test_the_report_opens_alone_and_draws_its_charts(
    chromium: Browser, chief: RemotePerson, places: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "rapport.html"
    file.write_text(chief.get(f"{places['run']}/export/html").text)
    page = chromium.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http") else None)
    page.goto(file.as_uri())
    figures = page.locator("figure.chart")
    expect(figures).to_have_count(6)
    for index in range(6):
        expect(figures.nth(index).locator("svg.plot").first).to_be_visible()
    for size in ({"width": 1440, "height": 900}, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
    # On the phone, the last: no box of the report hides a part of its ranking.
    box = page.get_by_role("region", name="Chiffres : Classement")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight + 1")
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    assert page.evaluate(CUT) == []
    assert wrong == []
    page.close()
