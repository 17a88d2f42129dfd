"""A person at a browser: the pages' landmarks by role and name, and a watch over what the pages do."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, expect

from tests.browser.served import HOST, cookies_of
from tests.support.server import RemotePerson

# The width in CSS pixels from which the sidebar is a column.
DRAWER_BELOW = 1100
STOP_EVERYTHING = """() => {
  const headers = {"X-CSRFToken": document.querySelector("meta[name=csrf-token]")?.content ?? ""};
  const running = [...document.querySelectorAll(".answer[data-running]")].filter(({dataset}) => dataset.messageId);
  return Promise.all(running.map(({dataset}) =>
    fetch(`/api/messages/${dataset.messageId}/stop`, {method: "POST", headers}).catch(() => null)));
}"""


class Watch:
    """What pages must never do: call another host, break the security policy, write an error in the console."""

    def __init__(self, context: BrowserContext) -> None:
        self.faults: list[str] = []
        self._allowed: list[str] = []
        self._context = context
        self._listeners = {"request": self._request, "console": self._console, "weberror": self._error}
        for event, listener in self._listeners.items():
            context.on(event, listener)

    def allow(self, *patterns: str) -> None:
        """Errors that the test itself provokes."""
        self._allowed += patterns

    def close(self) -> None:
        """Look away: the test is over, and the profile is another's."""
        for event, listener in self._listeners.items():
            self._context.remove_listener(event, listener)

    def verify(self) -> None:
        """Fail for what was seen and not allowed."""
        unexpected = [fault for fault in self.faults if not any(re.search(known, fault) for known in self._allowed)]
        assert not unexpected, "\n".join(unexpected)

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != HOST:
            self.faults.append(f"a request left the origin: {request.url[:200]}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")


class Visitor:
    """One browser profile with one page open; `name` is the account's."""

    def __init__(self, context: BrowserContext, origin: str, name: str = "") -> None:
        self.context = context
        self.origin = origin
        self.name = name
        self.person: RemotePerson | None = None
        self.watch = Watch(context)
        self.page = context.new_page()

    def carry(self, person: RemotePerson) -> None:
        """Go on with a session begun elsewhere."""
        self.person = person
        cookies = cookies_of(person)
        self.context.add_cookies([{"name": name, "value": cookies[name], "url": self.origin} for name in cookies])

    def tab(self) -> "Tab":
        """Another tab of the same browser."""
        return Tab(self.context.new_page(), self.origin)

    @property
    def here(self) -> "Tab":
        return Tab(self.page, self.origin)

    def stop_everything(self) -> None:
        """Leave no answer running on the shared server, also when the test failed in the middle."""
        for page in self.context.pages:
            if page.url.startswith(self.origin):
                page.evaluate(STOP_EVERYTHING)


class Tab:
    """A page with the chat's parts."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin

    def open(self, path: str = "/") -> "Tab":
        self.page.goto(self.origin + path)
        return self

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    @property
    def narrow(self) -> bool:
        """Whether this is a phone: the sidebar is a drawer, and a finger sends."""
        return bool(self.page.viewport_size) and self.page.viewport_size["width"] < DRAWER_BELOW

    def ask(self, text: str) -> None:
        """Type a question and send it, once the page's scripts are there."""
        self.page.wait_for_load_state()
        self.message.fill(text)
        self.send()

    def send(self) -> None:
        """Press Enter; on a phone, where it breaks the line, touch « Envoyer »."""
        if self.narrow:
            self.button("Envoyer").click()
        else:
            self.message.press("Enter")

    def show_sidebar(self) -> Locator:
        """The sidebar, out of its drawer on a phone."""
        opener = self.button("Afficher la barre latérale")
        if self.narrow and opener.get_attribute("aria-expanded") == "false":
            opener.click()
        return self.sidebar

    def hide_sidebar(self) -> None:
        """Back to the page that a drawer lies over."""
        if self.narrow:
            self.page.keyboard.press("Escape")

    def stop(self) -> None:
        """Press « Arrêter »."""
        self.button("Arrêter").click()

    def says(self, words: str | re.Pattern[str]) -> None:
        """Wait for visible words in or around the last answer."""
        expect(self.answer).to_contain_text(words, use_inner_text=True)

    def finished(self) -> Locator:
        """Wait for the end of the last answer; its article."""
        expect(self.button("Régénérer", self.answer)).to_be_visible()
        return self.answer

    @property
    def message(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def problem(self) -> Locator:
        """What the composer says when a question could not be sent."""
        return self.page.locator(".composer__error")

    @property
    def questions(self) -> Locator:
        return self.page.locator(".question")

    @property
    def answers(self) -> Locator:
        return self.page.locator("article.answer")

    @property
    def answer(self) -> Locator:
        return self.answers.last

    @property
    def text(self) -> Locator:
        """The last answer's text, without what stands around it."""
        return self.answer.locator("[data-part=text]")

    @property
    def sidebar(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations", include_hidden=True)

    @property
    def items(self) -> Locator:
        return self.sidebar.locator("li:not([hidden], [hidden] *)")

    @property
    def titles(self) -> Locator:
        """The titles of the conversations in the sidebar."""
        return self.items.locator("a .label")

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def focused(self, script: str = "element => element.outerHTML") -> Any:
        """Something about the element that has the focus."""
        return self.page.evaluate(f"({script})(document.activeElement)")
