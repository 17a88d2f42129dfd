"""Chromium as the row `page` uses it: what came over the wire, when something was painted, when a message was seen."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.browser.conftest import CHROMIUM, FLAGS, FRENCH, SCREENS
from tests.browser.served import HOST, cookies_of
from tests.perf.bench import Caller, Site
from tests.perf.row import NotMeasuredError

PATIENCE_MS = 20_000
# Watches from the first moment on for the bold word that only the last message has, rendered and in view.
SEEN = """(() => {
  const look = () => {
    const word = [...document.querySelectorAll("article.answer")].at(-1)?.querySelector("strong");
    const box = word?.getBoundingClientRect();
    if (box?.height && box.top >= 0 && box.bottom <= innerHeight) {
      requestAnimationFrame(() => { window.seenAt = performance.now() / 1000; });
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
# Types as a person would who waits for the page, and watches for the moment when what is typed can be sent.
USABLE = """(() => {
  const look = () => {
    const text = document.getElementById("message");
    if (text) {
      text.value = "Bonjour";
      text.dispatchEvent(new InputEvent("input", { bubbles: true }));
      if (!document.querySelector(".composer .send").disabled) {
        window.seenAt = performance.now() / 1000;
        return;
      }
    }
    setTimeout(look, 10);
  };
  look();
})()"""
# What a branch office or an old wireless network gives.
SLOW = {"offline": False, "latency": 40, "downloadThroughput": 5e6 / 8, "uploadThroughput": 5e6 / 8}
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000"
# With any other value text is invisible until its font has come.
WAITING_FONTS = "[...document.fonts].filter((font) => !['swap', 'fallback', 'optional'].includes(font.display)).length"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A page that came into an empty cache: bytes and requests by kind, as they went over the wire."""

    bytes_by_kind: Counter[str]
    requests: int
    painted_s: float
    waiting_fonts: int


# Looked for by a timer: the page's policy lets no text be run that a library's own waiting would need.
WHEN_SEEN = """() => new Promise((done) => {
  const look = () => (window.seenAt ? done(window.seenAt) : setTimeout(look, 5));
  look();
})"""


class Window:
    """A browser in which one person is signed in."""

    def __init__(self, browser: Any, site: Site, person: Caller) -> None:
        self._browser = browser
        self._origin = f"http://{HOST}:{site.port}"
        self._cookies = [
            {"name": name, "value": value, "url": self._origin} for name, value in cookies_of(person).items()
        ]

    def loaded(self, path: str) -> Loaded:
        """Open a page with nothing in the cache."""
        with self.context() as context:
            page = context.new_page()
            wire = context.new_cdp_session(page)
            kinds: dict[str, str] = {}
            sizes: dict[str, float] = {}
            wire.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
            wire.on(
                "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
            )
            wire.send("Network.enable")
            page.goto(self._origin + path, wait_until="networkidle")
            painted, waiting = page.evaluate(PAINTED), page.evaluate(WAITING_FONTS)
        if painted is None:
            raise NotMeasuredError("nothing was painted")
        by_kind: Counter[str] = Counter()
        for request, size in sizes.items():
            by_kind[kinds[request]] += int(size)
        return Loaded(by_kind, len(sizes), painted, waiting)

    def last_message_seen_s(self, path: str, times: int) -> list[float]:
        """Seconds until a conversation's last message is in view, each time with the files already in the cache."""
        with self.context() as context:
            context.add_init_script(SEEN)
            page = context.new_page()
            page.goto(f"{self._origin}/", wait_until="networkidle")
            seen = []
            for _ in range(times):
                page.goto(self._origin + path)
                seen.append(page.evaluate(WHEN_SEEN))
            return seen

    def usable_s(self, path: str) -> float:
        """Seconds until one can write and send: nothing in the cache, 5 Mbit/s, 40 ms to the server and back."""
        with self.context() as context:
            context.add_init_script(USABLE)
            page = context.new_page()
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
            page.goto(self._origin + path)
            usable: float = page.evaluate(WHEN_SEEN)
            page.press("#message", "Enter")
            page.wait_for_selector("article.answer")
        return usable

    @contextmanager
    def context(self) -> Iterator[Any]:
        """A profile with an empty cache."""
        context = self._browser.new_context(**FRENCH, **SCREENS["desk"])
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies(self._cookies)
        yield context
        context.close()


@contextmanager
def window(site: Site, person: Caller) -> Iterator[Window]:
    """The browser, where there is one."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        raise NotMeasuredError(f"{CHROMIUM} is missing (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Window(browser, site, person)
        browser.close()
