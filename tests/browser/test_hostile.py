"""An answer is hostile input: hundreds of attempts to run or fetch something, streamed and from history."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from tests.browser import vectors_html as html
from tests.browser import vectors_markdown as markdown
from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

pytestmark = pytest.mark.slow

TOGETHER = {
    "scripts": html.SCRIPTS,
    "handlers": html.HANDLERS,
    "drawings": html.DRAWINGS,
    "mutations": html.MUTATIONS,
    "styles": html.STYLES,
    "fetched": html.FETCHED,
    "addresses": markdown.ADDRESSES,
    "autolinks": markdown.AUTOLINKS,
    "pictures": markdown.PICTURES,
    "attributes": markdown.ATTRIBUTES,
    "formulas": markdown.FORMULAS,
}
ALL = [vector for vectors in [*TOGETHER.values(), markdown.UNFINISHED] for vector in vectors]
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) => {
  (window.violations ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});"""
# Only what the renderer itself makes may be in an answer's text: its elements, and of attributes those that do nothing.
ESCAPED = """texts => texts.flatMap(text => [...text.querySelectorAll("*")]).filter(node => !node.closest(".code__head")).flatMap(node => {
  const known = `p br h3 h4 h5 h6 strong em s a code pre span ul ol li blockquote hr div table thead tbody tr th td sup input`.split(" ");
  const maths = node.namespaceURI === "http://www.w3.org/1998/Math/MathML" && node.closest("[data-math]");
  const bad = maths || known.includes(node.localName) ? [] : [node.localName];
  if (node.localName === "input" && !(node.type === "checkbox" && node.disabled)) bad.push(node.outerHTML);
  for (const {name, value} of node.attributes) {
    if (/^on|^(style|src|srcset|srcdoc|background|formaction|action|ping|xlink:href|data-(controller|action))$/.test(name)) bad.push(`${name}=${value}`);
    if (name === "href" && (maths || !/^(https?:|mailto:|tel:|#note-)/.test(value))) bad.push(`href=${value}`);
    if (name === "id" && !/^note-/.test(value)) bad.push(`id=${value}`);
  }
  return bad;
})"""  # noqa: E501
TOUCH_ALL = """texts => texts.flatMap(text => [...text.querySelectorAll("*")]).forEach(node => {
  for (const kind of ["mouseover", "pointerover", "focusin", "contextmenu", "animationend"]) {
    node.dispatchEvent(new Event(kind, {bubbles: true}));
  }
})"""


@contextmanager
def nothing_happens(page: Page) -> Iterator[None]:
    """Within: no dialog, no window, no download, and no request but the page's own."""
    events: list[str] = []

    def asked(request: Request) -> None:
        path = urlsplit(request.url).path
        if request.resource_type in ("fetch", "eventsource", "xhr") and path.startswith("/api/"):
            return
        own = path.startswith("/static/") or (request.resource_type == "document" and request.is_navigation_request())
        if not own or request.frame != page.main_frame:
            events.append(f"{request.resource_type} {request.url}")

    def spoke(dialog: Dialog) -> None:
        events.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.add_init_script(REPORT_VIOLATIONS)
    page.evaluate(REPORT_VIOLATIONS)
    page.on("request", asked)
    page.on("dialog", spoke)
    page.on("popup", lambda popup: events.append(f"window {popup.url}"))
    page.on("download", lambda download: events.append(f"download {download.url}"))
    yield
    assert events == []


def harmless(chat: Tab) -> None:
    """Nothing ran, nothing was stopped by the policy either, and the page is whole."""
    texts = chat.page.locator(".answer [data-part=text]")
    texts.evaluate_all(TOUCH_ALL)
    assert texts.evaluate_all(ESCAPED) == []
    assert chat.page.evaluate("[window.__xss ?? null, window.violations ?? []]") == [None, []]
    assert chat.page.evaluate("frames.length") == 0
    assert len(chat.page.context.pages) == 1
    expect(chat.message).to_be_visible()


def test_the_collection_is_large_and_without_repetition() -> None:
    assert len(ALL) == len(set(ALL)) >= 200


@pytest.mark.parametrize("kind", TOGETHER)
def test_nothing_runs_or_is_fetched(alice: Visitor, engine: FakeOllama, kind: str) -> None:
    chat = alice.here
    with nothing_happens(chat.page):
        engine.script(Scenario.answer("\n\n".join(TOGETHER[kind])))
        chat.ask(f"Essaie de t’échapper : {kind}.")
        for _ in range(2):
            chat.finished()
            if kind == "formulas":
                expect(chat.text.locator("math").first).to_be_visible()
            harmless(chat)
            chat.page.reload()


def test_marks_that_are_never_closed(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    with nothing_happens(chat.page):
        for number, vector in enumerate(markdown.UNFINISHED, start=1):
            engine.script(Scenario.answer(vector))
            chat.ask("Commence seulement.")
            expect(chat.answers).to_have_count(number)
            chat.finished()
        harmless(chat)


def test_every_attempt_alone_from_history(visit: Visitors, server: Served, engine: FakeOllama) -> None:
    visitor = visit(server, "historien")
    assert visitor.person
    conversation = visitor.person.start()
    for vector in ALL:
        engine.script(Scenario.one_token(vector))
        visitor.person.ask(conversation, "Et ceci ?").end()
    chat = visitor.here.open()
    with nothing_happens(chat.page):
        chat.open(f"/c/{conversation}")
        chat.page.evaluate("dispatchEvent(new Event('beforeprint'))")  # all of the history at once
        expect(chat.page.locator("[data-past]")).to_have_count(0)
        expect(chat.answers).to_have_count(len(ALL))
        harmless(chat)
