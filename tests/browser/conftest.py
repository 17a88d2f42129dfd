"""One Chromium, one server, and as many people as a test needs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.served import HOST, Served, account_name
from tests.browser.visitor import Visitor
from tests.fakes.ollama import FakeOllama

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # A name that is not localhost: plain HTTP is then no secure context, as on the company's LAN.
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]  # fmt: skip
PATIENCE_MS = 20_000
FRENCH_CONTEXT = {"locale": "fr-FR", "viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}

Visitors = Callable[..., Visitor]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser, where there is one."""
    if not CHROMIUM.exists():
        reason = f"*** {CHROMIUM} is missing: the browser tests are SKIPPED (apt install chromium) ***"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        print(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def engine() -> Iterator[FakeOllama]:
    """The stand-in engine of the shared server."""
    with FakeOllama() as running:
        yield running


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, engine: FakeOllama) -> Iterator[Served]:
    """The shared server, with its administrator and its default model loaded."""
    with Served(tmp_path_factory.mktemp("served"), OLLAMA_HOST=engine.url) as running:
        running.wait_for_model(running.register("capitaine"))
        yield running


@pytest.fixture
def browsers(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Browser profiles, closed at the end of the test."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = chromium.new_context(**(FRENCH_CONTEXT | options))
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, browsers: Callable[..., BrowserContext]) -> Iterator[Visitors]:
    """People at their browsers: `visit(server)` a stranger, `visit(server, "alice")` somebody with an account.

    At the end of the test nothing may have left the origin, and no page may have made an error.
    """
    made: list[Visitor] = []

    def make(server: Served, role: str = "", *, origin: str = "", **options: object) -> Visitor:
        context = browsers(**options)
        name = account_name(request.node.name, role) if role else ""
        if role:
            cookies = server.register(name, role.title())
            context.add_cookies([{"name": key, "value": value, "url": server.origin} for key, value in cookies.items()])
        made.append(Visitor(context, origin or server.origin, name))
        return made[-1]

    yield make
    for visitor in made:
        visitor.watch.verify()


@pytest.fixture
def alice(visit: Visitors, server: Served) -> Visitor:
    """Somebody with an account, at an empty page."""
    visitor = visit(server, "alice")
    visitor.here.open()
    return visitor
