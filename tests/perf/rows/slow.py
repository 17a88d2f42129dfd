"""Row `slow`: what clients that are slow, silent or do not hang up cost another person."""

import socket
import time
from contextlib import ExitStack

import requests

from tests.perf.asking import QUESTION, fast_engine, with_engine
from tests.perf.bench import Bench, Caller, Site, median
from tests.perf.row import Figures, Line, Row
from tests.perf.wire import READ_SIZE, SITE, stream

COUNTS = (1, 50, 320, 1000)
TIMES = 5
# Tokens of an answer: only its first one is of interest.
SHORT = 10
KINDS = {
    "idle": b"",
    "half_head": b"GET /login HTTP/1.1\r\nX-A: ",
    "half_body": b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nu",
    "not_hanging_up": b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}


def measure(bench: Bench) -> Figures:
    """The slowest page and first token beside each number of each kind, and the first token beside none."""
    figures: Figures = {"page_s": 0.0, "later_ms": 0.0}
    with fast_engine(SHORT) as url, bench.site(**with_engine(url)) as site:
        person = site.person("alice")
        stream(site.place, person.question(QUESTION), SITE)
        alone = _first_s(site, person)
        for kind, sent in KINDS.items():
            for count in COUNTS:
                with ExitStack() as held:
                    for _ in range(count):
                        client = held.enter_context(socket.create_connection(site.place))
                        client.sendall(sent)
                        if kind == "not_hanging_up":
                            client.recv(READ_SIZE)
                    pages = [_page_s(site) for _ in range(TIMES)]
                    later_ms = (_first_s(site, person) - alone) * 1000
                figures[f"{kind}_{count}"] = {"page_s": max(pages), "later_ms": later_ms}
                figures["page_s"] = max(figures["page_s"], *pages)
                figures["later_ms"] = max(figures["later_ms"], later_ms)
    return figures | {"alone_s": alone}


def _page_s(site: Site) -> float:
    begun = time.perf_counter()
    requests.get(f"{site.url}/login", timeout=30).raise_for_status()
    return time.perf_counter() - begun


def _first_s(site: Site, person: Caller) -> float:
    return median([stream(site.place, person.question(QUESTION), SITE).first_s for _ in range(TIMES)])


ROW = Row(
    "slow",
    f"{', '.join(map(str, COUNTS))} connections of each kind (silent, half a head, half a body, not hanging up), "
    f"without an account, from one address; beside them another person's pages and questions, {TIMES} each; the worst",
    (
        Line("slowest log-in page of another person", "page_s", "s", at_most=0.1),
        Line("first token later, median", "later_ms", "ms", at_most=50, ours="alone_s", beside="s"),
    ),
    measure,
)
