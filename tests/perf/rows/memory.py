"""Row `memory`: what the web side keeps in memory, idle and with 64 streams."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from tests.perf.asking import QUESTION, TOKENS, crowd, fast_engine, with_engine
from tests.perf.bench import Bench, Site
from tests.perf.row import Figures, Line, NotMeasuredError, Row
from tests.perf.wire import SITE, stream

STREAMS = 64
SAMPLE_S = 0.5


def pss_mb(site: Site) -> float:
    """Master and worker together; what they share counts once."""
    return sum(_pss_kb(pid) for pid in (site.pid, site.worker)) / 1024


def measure(bench: Bench) -> Figures:
    """Idle after one answer, then the most that was seen while 64 are written."""
    with fast_engine() as url, crowd() as asking, bench.site(**with_engine(url)) as site:
        people = [site.person("first")]
        stream(site.place, people[0].question(QUESTION), SITE)
        idle = pss_mb(site)
        people += site.people(STREAMS - 1)
        asked = [person.question(QUESTION) for person in people]
        with ThreadPoolExecutor(1) as pool:
            ended = Event()
            answers = pool.submit(asking.ask, site.place, asked, ours=True)
            answers.add_done_callback(lambda _: ended.set())
            seen = [pss_mb(site)]
            while not ended.wait(SAMPLE_S):
                seen.append(pss_mb(site))
            whole = [answer for answer in answers.result() if answer.get("tokens") == TOKENS]
    if len(whole) < STREAMS:
        raise NotMeasuredError(f"only {len(whole)} of {STREAMS} answers came")
    return {"idle_mb": idle, "streaming_mb": max(seen), "streams": STREAMS}


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


ROW = Row(
    "memory",
    "PSS of gunicorn's master and worker together, from /proc/PID/smaps_rollup",
    (
        Line("idle, after one answer", "idle_mb", "MB", at_most=115),
        Line("with 64 streams", "streaming_mb", "MB", at_most=160),
    ),
    measure,
)
