"""Row `page`: what a browser fetches, and how soon it shows something, also with years of use behind it."""

import time

from tests.perf.asking import fast_engine, with_engine
from tests.perf.bench import Bench, Caller, median
from tests.perf.chromium import window
from tests.perf.row import Figures, Line, NotMeasuredError, Row
from tests.perf.seeds import Past

MESSAGES = 500
CONVERSATIONS = 5000
LOADS = 5
ANSWERS = 10
LISTS = {"page": "/", "list": "/api/conversations"}


def measure(bench: Bench) -> Figures:
    """The empty page first, then the same person with a past."""
    with fast_engine() as url, bench.site(**with_engine(url)) as site:
        person, busy = site.person("alice"), site.person("bob")
        past = Past(site.instance, "bob")
        with window(site, person) as alone:
            loads = [alone.loaded("/") for _ in range(LOADS)]
            usable = [alone.usable_s("/") for _ in range(LOADS)]
        past.conversations(CONVERSATIONS)
        figures = {f"sidebar_{name}_s": median(answer_times(busy, path)) for name, path in LISTS.items()}
        path = f"/c/{past.long_one(MESSAGES)}"
        past.close()
        with window(site, busy) as experienced:
            seen = experienced.last_message_seen_s(path, LOADS)
    sizes = loads[0].bytes_by_kind
    return figures | {
        "sidebar_s": max(figures.values()),
        "kb": (sizes.total() - sizes["Font"]) / 1000,
        "font_kb": sizes["Font"] / 1000,
        "kb_by_kind": {kind: size / 1000 for kind, size in sizes.most_common()},
        "requests": loads[0].requests,
        "fonts_waited_for": loads[0].waiting_fonts,
        "painted_s": median([load.painted_s for load in loads]),
        "usable_s": median(usable),
        "each_usable_s": usable,
        "long_seen_s": median(seen),
        "each_long_seen_s": seen,
    }


def answer_times(person: Caller, path: str) -> list[float]:
    """The times of one page's whole answer, on a connection that is open."""
    times = []
    for _ in range(ANSWERS):
        begun = time.perf_counter()
        answer = person.get(path)
        length = len(answer.text)
        times.append(time.perf_counter() - begun)
        if answer.status_code != 200 or not length:
            raise NotMeasuredError(f"{path} answered {answer.status_code}")
    return times


ROW = Row(
    "page",
    f"Chromium on loopback with an empty cache, bytes with their headers as they went over the wire (KB = 1,000); a "
    f"conversation of {MESSAGES} messages and {CONVERSATIONS} conversations with a full one; medians of {LOADS}",
    (
        Line("chat page without fonts", "kb", "KB", at_most=230),
        Line("its fonts", "font_kb", "KB", at_most=180),
        Line("fonts that text waits for", "fonts_waited_for", "", at_most=0),
        Line("requests", "requests", "", at_most=15),
        Line("first contentful paint", "painted_s", "s", at_most=0.5),
        Line("composer usable, at 5 Mbit/s and 40 ms round trip", "usable_s", "s", at_most=1.2),
        Line(f"last of {MESSAGES} messages in view", "long_seen_s", "s", at_most=0.8),
        Line(f"page and list with {CONVERSATIONS:,} conversations, on the server", "sidebar_s", "s", at_most=0.15),
    ),
    measure,
)
