"""Visits in Firefox, which reads the same pages with another engine: an account, answers, copying, search, a phone."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.browser.firefox import FIREFOX, Firefox
from tests.browser.samples import RICH
from tests.browser.served import Served
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD

pytestmark = pytest.mark.slow

CONTROL, ENTER, ESCAPE = "\ue009", "\ue007", "\ue00c"
WATCH = """(window.faults = [], ["error", "unhandledrejection", "securitypolicyviolation"].forEach((name) =>
  addEventListener(name, (event) => faults.push(event.message ?? `${event.reason} ${event.violatedDirective}`))), 1)"""
READY = "document.readyState === 'complete' && document.querySelector('#message')"
ENDED = "document.querySelector('.answer:last-of-type:not([data-running]) [data-part=copy]:not([hidden])')"
MATHS = "\nLa vitesse : $v = \\frac{d}{t}$.\n"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Firefox, where there is one."""
    if not FIREFOX.exists():
        reason = f"*** {FIREFOX} is missing: nothing is CHECKED IN FIREFOX (apt install firefox-esr) ***"
        print(reason)
        pytest.skip(reason)
    with Firefox(tmp_path_factory.mktemp("firefox")) as running:
        yield running


@pytest.fixture(scope="module")
def florence(browser: Firefox, server: Served) -> Firefox:
    """Somebody who made an account in it."""
    browser.resize(1440, 900)
    browser.open(f"{server.origin}/register")
    assert browser.run("isSecureContext") is False
    fields = {"username": f"florence-{os.getpid()}", "display_name": "Florence"}
    for name, value in (fields | {"password": PASSWORD, "confirm": PASSWORD}).items():
        browser.type(f"#{name}", value)
    browser.type("#confirm", ENTER)
    browser.until(READY)
    return browser


@pytest.fixture
def page(florence: Firefox, server: Served) -> Iterator[Firefox]:
    """An empty conversation of hers; at the end its page must have made no error."""
    florence.resize(1440, 900)
    florence.open(f"{server.origin}/")
    florence.until(READY)
    florence.run(WATCH)
    yield florence
    assert florence.run("faults") == []


def ask(page: Firefox, engine: FakeOllama, answer: str) -> None:
    engine.script(Scenario.answer(answer))
    page.type("#message", f"Une question{ENTER}")
    page.until(ENDED)


def test_a_stream_is_shown_and_stopped(page: Firefox, engine: FakeOllama) -> None:
    nth = len(engine.generations)
    engine.script(Scenario.hold(after=2))
    page.type("#message", f"Attends{ENTER}")
    engine.reached(Phase.DECODING, nth)
    page.until("document.querySelector('.answer[data-running] [data-part=text]').textContent")
    page.press(ESCAPE)
    page.until("document.querySelector('[data-ending=stopped]:not([hidden])')")


def test_markdown_code_and_formulas(page: Firefox, engine: FakeOllama) -> None:
    ask(page, engine, RICH + MATHS)
    page.until("document.querySelector('.answer .code code span')")
    page.until("document.querySelector('.answer math mfrac')")
    assert page.run("document.querySelectorAll('.answer table td').length") == 6
    page.click(".answer .code [data-controller=copy]")
    page.until("document.querySelector('.code [data-copy-target=label]').textContent == 'Copié'")
    page.click("#message")
    page.press(CONTROL, "v")
    page.until("document.querySelector('#message').value.includes('nœuds * 1.852')")


def test_thinking_folds_by_itself_and_opens(page: Firefox, engine: FakeOllama) -> None:
    page.click("[popovertarget=model-menu]")
    page.click("#model-menu [data-name^=deepseek]")
    page.click("[data-think-target=button]")
    engine.script(replace(Scenario.answer("Cap au nord."), thinking="D’abord le vent."))
    page.type("#message", f"Quel cap ?{ENTER}")
    page.until(ENDED)
    page.until("document.querySelector('.thinking').textContent.includes('A réfléchi')")
    assert page.run("document.querySelector('.thinking__body').hidden")
    page.click(".thinking")
    page.until("document.querySelector('.thinking__body').innerText == 'D’abord le vent.'")


def test_the_composer_grows_with_its_text(page: Firefox) -> None:
    low = page.run("document.querySelector('#message').offsetHeight")
    page.type("#message", "un\ue008\ue007\ue008deux\ue008\ue007\ue008trois")
    page.until(f"document.querySelector('#message').offsetHeight > {low} * 2")


def test_the_search_by_keyboard(page: Firefox, engine: FakeOllama) -> None:
    ask(page, engine, "Un mot rare : xylophone.")
    page.press(CONTROL, "k")
    page.until("document.querySelector('dialog.search[open]')")
    page.type(".search__input", "xylophone")
    page.until("document.querySelector('.search__result mark')")
    page.press(ESCAPE)
    page.until("!document.querySelector('dialog.search[open]')")


def test_a_link_is_made_and_copied_in_a_dialog(page: Firefox, engine: FakeOllama) -> None:
    ask(page, engine, "À partager.")
    page.click(".topbar__share")
    page.click("[data-share-dialog-target=make]")
    page.click(".share__link [data-controller=copy]")
    page.until("document.querySelector('.share__link [data-copy-target=label]').textContent == 'Copié'")
    page.press(ESCAPE)
    page.click("#message")
    page.press(CONTROL, "v")
    page.until("document.querySelector('#message').value.includes('/s/')")


def test_a_phone_s_width(page: Firefox) -> None:
    page.resize(390, 844)
    # The sidebar slides away first.
    page.until("document.elementFromPoint(28, 28)?.closest('[data-drawer-target=opener]')")
    page.click("[data-drawer-target=opener]")
    page.until("document.querySelector('.shell.is-open')")
    page.press(ESCAPE)
    page.until("!document.querySelector('.shell.is-open')")
    assert page.run("document.documentElement.scrollWidth") <= 392
