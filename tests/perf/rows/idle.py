"""Row `idle`: 200 open pages and 50 waiting questions, while nothing is written."""

import asyncio

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario
from tests.perf.bench import Bench, Site, cpu_s
from tests.perf.open_pages import Page, kept_open, status_every_s
from tests.perf.row import Figures, Line, Row
from tests.support.server import RemotePerson

PAGES = 200
WAITING = 50
SECONDS = 30.0
QUESTION = "Bonjour"


def measure(bench: Bench) -> Figures:
    """CPU of master and worker: one answer says nothing more, the others wait for it."""
    with FakeOpenAI() as engine, bench.site(ENGINE="openai", OPENAI_BASE_URL=engine.url) as site:
        engine.script(*[Scenario.hold(after=1)] * (WAITING + 1))
        people = site.people(PAGES)
        pages = [
            Page(
                person.request("GET", "/"),
                person.request("GET", "/api/status"),
                person.question(QUESTION) if number <= WAITING else b"",
            )
            for number, person in enumerate(people)
        ]
        for person in people:
            person.hang_up()
        used = asyncio.run(_waited(site, pages, people[-1]))
    return {"cpu_percent": used / SECONDS * 100, "seconds": SECONDS, "status_every_s": status_every_s()}


async def _waited(site: Site, pages: list[Page], person: RemotePerson) -> float:
    pids = site.pid, site.worker
    waiting = {"running": 1, "waiting": WAITING}
    return await kept_open(
        site.place,
        pages,
        lambda: waiting.items() <= person.get("/api/status").json.items(),
        SECONDS,
        lambda: cpu_s(*pids),
    )


ROW = Row(
    "idle",
    f"CPU of gunicorn's master and worker over {SECONDS:.0f} s: {PAGES} pages open, {WAITING} questions waiting "
    "behind an answer that says nothing",
    (Line("of one core", "cpu_percent", "%", at_most=2),),
    measure,
)
