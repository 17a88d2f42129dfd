"""A walk through all pages that links lead to, one of each kind."""

from collections.abc import Iterator

from werkzeug.routing import MapAdapter

from tests.browser.visitor import Tab

LINKS = """() => [...document.querySelectorAll("a[href^='/']:not([download])")].map((a) => a.getAttribute("href"))"""


def walk(tab: Tab, addresses: MapAdapter, *beginnings: str) -> Iterator[str]:
    """Open these pages and all that their links lead to, one for each of the application's addresses; their paths."""
    paths, kinds = list(beginnings), set[str]()
    for path in paths:
        tab.open(path)
        yield path
        for link in tab.page.evaluate(LINKS):
            found = link.partition("#")[0].partition("?")[0]
            kind = addresses.match(found)[0]
            if kind not in kinds:
                kinds.add(kind)
                paths.append(found)
