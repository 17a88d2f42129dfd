"""The engine reads a conversation before its next question: when it is opened, and when somebody begins to write."""

import pytest
from playwright.sync_api import expect

from tests.browser.served import Served
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.support.server import RemotePerson

LONG = "Une question assez longue pour que sa lecture vaille la peine. " * 20
UNSEEN = """Object.defineProperty(document, "visibilityState", {
  get: () => (window.inSight ? "visible" : "hidden"),
})"""


class Heard:
    """What the pages of one browser told the server."""

    def __init__(self, visitor: Visitor) -> None:
        self.paths: list[str] = []
        visitor.context.on("request", self._note)

    def _note(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if url.endswith("/prefill"):
            self.paths.append(url)


@pytest.fixture
def old(alice: Visitor, server: Served, engine: FakeOllama) -> str:
    """The address of a conversation that is not the one the engine read last."""
    assert alice.person is not None
    conversation = alice.person.start()
    alice.person.ask(conversation, LONG).end()
    other = RemotePerson(server, f"other-{alice.name}")
    other.register()
    other.ask(other.start(), "Bonjour").end()
    return f"/c/{conversation}"


def nothing_more(tab: Tab) -> None:
    """Wait until what the page would send by now has been sent: it has been idle, and a later request is answered."""
    tab.page.evaluate("new Promise(done => requestIdleCallback(() => setTimeout(done)))")
    tab.page.evaluate('fetch("/healthz").then(response => response.text())')


def ahead(engine: FakeOllama) -> list[object]:
    """Requests that want the prompt read and hardly anything said."""
    return [body for body in engine.received("/api/chat") if body.get("options", {}).get("num_predict") == 1]


def test_an_old_conversation_is_read_when_it_is_opened(alice: Visitor, old: str, engine: FakeOllama) -> None:
    heard, before = Heard(alice), len(ahead(engine))
    chat = alice.here.open(old)
    engine.wait_until(lambda: len(ahead(engine)) > before)
    # The page has just told of it: beginning to write adds nothing.
    chat.message.press_sequentially("Et")
    nothing_more(chat)
    assert len(heard.paths) == 1
    assert heard.paths[0].endswith(f"/api/conversations{old.removeprefix('/c')}/prefill")
    chat.ask("Et ensuite ?")
    chat.finished()


def test_beginning_to_write_tells_again_after_a_minute(alice: Visitor, old: str) -> None:
    heard = Heard(alice)
    alice.page.clock.install()
    with alice.page.expect_request("**/prefill"):
        chat = alice.here.open(old)
        chat.page.clock.run_for(1000)
    assert len(heard.paths) == 1
    chat.page.clock.fast_forward(61_000)
    with chat.page.expect_request("**/prefill"):
        chat.message.press("E")
    chat.message.press("t")
    chat.page.evaluate('fetch("/healthz").then(response => response.text())')
    assert len(heard.paths) == 2


def test_nothing_is_read_for_an_empty_page(alice: Visitor) -> None:
    heard = Heard(alice)
    chat = alice.here.open()
    chat.message.press_sequentially("Bonjour")
    nothing_more(chat)
    assert heard.paths == []


def test_a_tab_out_of_sight_waits_until_it_is_seen(alice: Visitor, old: str) -> None:
    heard = Heard(alice)
    alice.page.add_init_script(UNSEEN)
    chat = alice.here.open(old)
    expect(chat.button("Régénérer", chat.answer)).to_be_visible()
    nothing_more(chat)
    assert heard.paths == []
    with chat.page.expect_request("**/prefill"):
        chat.page.evaluate('window.inSight = true; document.dispatchEvent(new Event("visibilitychange"))')
