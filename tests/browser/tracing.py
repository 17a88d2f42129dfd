"""How long the page's main thread was busy at a stretch, from Chromium's own trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Page

CATEGORIES = ["-*", "toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"]


class Tasks:
    """The tasks of the main thread, in milliseconds of its own CPU time: what other programs take does not count."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    @property
    def longest(self) -> float:
        return max(self.ms)


@contextmanager
def traced(page: Page) -> Iterator[Tasks]:
    """`with traced(page) as tasks:` then `tasks.longest`."""
    browser = page.context.browser
    assert browser
    tasks = Tasks()
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        yield tasks
    finally:
        trace = browser.stop_tracing()
    events = json.loads(trace)["traceEvents"]
    host = urlsplit(page.url).netloc
    calls = [event for event in events if event["name"] == "FunctionCall"]
    ours = [event for event in calls if urlsplit(event["args"]["data"].get("url", "")).netloc == host]
    (thread,) = {(event["pid"], event["tid"]) for event in ours}
    tasks.ms = [
        event["tdur"] / 1000
        for event in events
        # The task during which the trace began or ended has no time of its own.
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) == thread and "tdur" in event
    ]
