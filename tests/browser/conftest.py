"""One Chromium, one server, and as many people as a test needs."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from werkzeug.routing import MapAdapter

from tests.browser.profiles import Profiles
from tests.browser.served import HOST, Served, wait_for_model
from tests.browser.visitor import Visitor
from tests.fakes.ollama import FakeOllama
from tests.support.lab import seed
from tests.support.server import RemotePerson
from tests.support.site import Site

CHROMIUM = Path("/usr/bin/chromium")
# The same without its window, which nobody sees here: it takes a quarter of the time to open a page.
SHELL = Path("/usr/bin/chromium-headless-shell")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # A name that is not localhost: plain HTTP is then no secure context, as on the company's LAN.
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]  # fmt: skip
ACCOUNTS = itertools.count(1)
PATIENCE_MS = 20_000
# How many the Labo's server has measured.
LAB_MODELS = 12
FRENCH = {"locale": "fr-FR", "reduced_motion": "reduce"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SCREENS: dict[str, dict[str, Any]] = {"desk": {"viewport": {"width": 1440, "height": 900}}, "phone": PHONE}

Visitors = Callable[..., Visitor]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that opens a page runs on a desk, unless its mark `screen` names other places."""
    if "screen" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("screen")
        metafunc.parametrize("screen", mark.args if mark else ("desk",))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, where there is one."""
    found = next((each for each in (SHELL, CHROMIUM) if each.exists()), None)
    if found is None:
        reason = f"*** {CHROMIUM} is missing: the browser tests are SKIPPED (apt install chromium) ***"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        print(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def engine() -> Iterator[FakeOllama]:
    """The stand-in engine of the shared server."""
    with FakeOllama() as running:
        yield running


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory, engine: FakeOllama) -> Iterator[Served]:
    """The shared server, before anybody came."""
    with Served(tmp_path_factory.mktemp("served"), OLLAMA_HOST=engine.url) as running:
        yield running


@pytest.fixture(scope="session")
def captain(empty_server: Served) -> RemotePerson:
    """Its administrator, who is the first to have an account."""
    return empty_server.register("capitaine")


@pytest.fixture(scope="session")
def server(empty_server: Served, captain: RemotePerson) -> Served:
    """The shared server, with an administrator and its default model loaded."""
    wait_for_model(captain)
    return empty_server


@pytest.fixture(scope="session")
def profiles(chromium: Browser) -> Profiles:
    """Browser profiles, kept from test to test."""
    return Profiles(chromium)


@pytest.fixture
def browsers(profiles: Profiles, screen: str) -> Iterator[Callable[..., BrowserContext]]:
    """Empty browser profiles, for the length of the test."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = profiles.take(**(FRENCH | SCREENS[screen] | options))
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context

    yield make
    for context in opened:
        profiles.give_back(context)


@pytest.fixture
def visit(browsers: Callable[..., BrowserContext]) -> Iterator[Visitors]:
    """People at their browsers: `visit(server)` a stranger, `visit(server, "alice")` somebody with an account.

    At the end of the test nothing may have left the origin, and no page may have made an error.
    """
    made: list[Visitor] = []

    def make(server: Served, role: str = "", *, origin: str = "", **options: object) -> Visitor:
        context = browsers(**options)
        name = f"{role}-{next(ACCOUNTS)}" if role else ""
        visitor = Visitor(context, origin or server.origin, name)
        made.append(visitor)
        if role:
            visitor.carry(server.register(name, role.title()))
        return visitor

    yield make
    for visitor in made:
        visitor.watch.close()
        visitor.stop_everything()
    for visitor in made:
        visitor.watch.verify()


@pytest.fixture
def alice(visit: Visitors, server: Served) -> Visitor:
    """Somebody with an account, at an empty page."""
    visitor = visit(server, "alice")
    visitor.here.open()
    return visitor


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, engine: FakeOllama) -> Iterator[Served]:
    """A server whose Labo has measured twelve models."""
    with Served(tmp_path_factory.mktemp("lab"), OLLAMA_HOST=engine.url) as running:
        site = Site(running.instance)
        with site.rows():
            seed(LAB_MODELS)
        site.stop()
        yield running


@pytest.fixture(scope="session")
def chief(lab: Served) -> RemotePerson:
    """Its administrator."""
    person = lab.register("cheffe")
    wait_for_model(person)
    return person


@pytest.fixture(scope="session")
def places(chief: RemotePerson) -> dict[str, str]:
    """Where the seeded run and one of its answers are: their numbers depend on what was loaded before."""
    (run,) = re.findall(r'href="(/lab/runs/\d+)">Essai 1.1<', chief.get("/lab/runs").text)
    listed = chief.get(
        f"/lab/samples?run={run.rsplit('/', 1)[1]}&kind=task&model=modele-b:4b&prompt=calc-total-price"
    ).text
    sample = re.findall(r'href="(/lab/samples/\d+)"', listed)[0]
    return {"run": run, "sample": sample}


@pytest.fixture
def lab_admin(visit: Visitors, lab: Served, chief: RemotePerson) -> Visitor:
    """The administrator of that server, at an empty page."""
    visitor = visit(lab)
    visitor.carry(chief)
    return visitor


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> MapAdapter:
    """Which kind of page an address leads to."""
    return Site(tmp_path_factory.mktemp("addresses")).app.url_map.bind("")
