"""Browser profiles that tests use one after another: what is cached of our own files stays, all else is emptied."""

from collections import defaultdict
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error

# All that a page can store but the HTTP cache: fetching the scripts anew takes half of the time of opening a page.
STORED = "cookies,local_storage,indexeddb,cache_storage,service_workers,file_systems,websql"


class Profiles:
    """Profiles of one browser. Those with the same options are alike, and used again once they were given back."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = defaultdict(list)
        self._options: dict[BrowserContext, str] = {}

    def take(self, **options: Any) -> BrowserContext:
        """A profile that nobody has been at, or that looks like it."""
        key = repr(sorted(options.items()))
        if self._free[key]:
            return self._free[key].pop()
        context = self._browser.new_context(**options)
        self._options[context] = key
        return context

    def give_back(self, context: BrowserContext) -> None:
        """Close its pages and empty it, but for the HTTP cache. One that cannot be emptied is closed instead."""
        try:
            self._empty(context)
        except Error:
            # A page that crashed or was busy closing: the next test gets another profile.
            context.close()
            return
        self._free[self._options[context]].append(context)

    @staticmethod
    def _empty(context: BrowserContext) -> None:
        visited = {frame.url for page in context.pages for frame in page.frames}
        context.unroute_all()
        for page in context.pages:
            page.close()
        context.set_offline(False)
        context.set_extra_http_headers({})
        context.clear_permissions()
        context.clear_cookies()
        origins = {"/".join(url.split("/")[:3]) for url in visited if url.startswith("http")}
        page = context.new_page()
        session = context.new_cdp_session(page)
        for origin in origins:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
        session.detach()
        page.close()
