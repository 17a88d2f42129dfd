"""The page about the state of the server: checks at once, a stream that is held back or not, the comparison."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import check
from tests.browser.visitor import Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until
from tests.support.server import RemotePerson

PATH = "/admin/doctor"
HELD = "**/admin/doctor/beat"


@pytest.fixture
def admin(visit: Visitors, server: Served, captain: RemotePerson) -> Visitor:
    """The administrator, at an empty page."""
    visitor = visit(server)
    visitor.carry(captain)
    return visitor


def heading(page: Page, name: str) -> Locator:
    """A check's title; the state is said before it."""
    return page.get_by_role("heading", name=re.compile(f"· {name}$"))


def proxy_row(page: Page) -> Locator:
    """The one of the four that is shown."""
    return page.get_by_role("listitem").filter(has=heading(page, "Proxy")).locator("visible=true")


def test_the_way_there_and_what_is_seen_at_once(admin: Visitor) -> None:
    page = admin.here.open().page
    admin.here.show_sidebar()
    page.get_by_role("link", name="Administration").click()
    admin.here.show_sidebar()
    page.get_by_role("link", name="État du serveur").click()
    expect(page.get_by_role("heading", level=1, name="État du serveur")).to_be_visible()
    admin.here.show_sidebar()
    expect(page.get_by_role("link", name="État du serveur")).to_have_attribute("aria-current", "page")
    admin.here.hide_sidebar()
    for name in ("Moteur", "Fils et cœurs", "Mémoire d’échange", "Cache du moteur", "Attentes annoncées"):
        expect(heading(page, name)).to_be_visible()
    expect(proxy_row(page)).to_contain_text("ne retient les réponses")


def test_a_stream_that_is_held_back_is_told_with_its_fix(admin: Visitor, server: Served) -> None:
    def hold(route: Route) -> None:
        # Fetched whole, then given in one piece: what a buffering proxy does.
        route.fulfill(response=route.fetch(url=server.url + PATH + "/beat"))

    admin.page.route(HELD, hold)
    page = admin.here.open(PATH).page
    expect(proxy_row(page)).to_contain_text("elles arrivent d’un bloc")
    expect(proxy_row(page)).to_contain_text("proxy_buffering off")


def test_a_stream_that_does_not_come_is_told(admin: Visitor) -> None:
    admin.watch.allow("net::ERR_FAILED", "Failed to load resource")
    admin.page.route(HELD, lambda route: route.abort())
    page = admin.here.open(PATH).page
    expect(proxy_row(page)).to_contain_text("pas été possible de mesurer")


@pytest.mark.slow
def test_a_comparison_is_followed_and_survives_a_reload(admin: Visitor, engine: FakeOllama) -> None:
    # It must still be going on after the reload, however slow the machine is.
    engine.script(Scenario.hold(1))
    page = admin.here.open(PATH).page
    box = page.get_by_role("region", name="Comme au terminal")
    box.get_by_role("button", name="Comparer").click()
    expect(box.get_by_role("button", name="Comparaison…")).to_be_disabled()
    expect(box.get_by_role("progressbar")).to_be_visible()
    page.reload()
    expect(box.get_by_role("progressbar")).to_be_visible()
    engine.release()
    expect(box.get_by_role("button", name="Comparer de nouveau")).to_be_visible()
    # What it says depends on this machine.
    expect(box.get_by_text(re.compile("^(Oui|Non), avec phi3:mini"))).to_be_visible()
    expect(box.locator("tbody tr")).to_have_count(3)
    expect(page.locator("#announcer")).to_have_text(re.compile("avec phi3:mini"))
    page.reload()
    expect(box.locator("tbody tr")).to_have_count(3)
    check(page)


def test_without_scripts_the_page_still_compares(visit: Visitors, server: Served, captain: RemotePerson) -> None:
    visitor = visit(server, java_script_enabled=False)
    visitor.carry(captain)
    page = visitor.here.open(PATH).page
    expect(heading(page, "Moteur")).to_be_visible()
    page.get_by_role("button", name="Comparer").click()
    expect(page.get_by_role("button", name="Comparaison…")).to_be_disabled()
    # The next test has the engine to itself.
    wait_until(lambda: captain.get(PATH + "/comparison").json["state"] == "over", 20)
    page.reload()
    expect(page.get_by_role("row")).not_to_have_count(0)
