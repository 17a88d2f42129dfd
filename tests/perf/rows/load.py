"""Row `load`: 1 to 128 people who ask at the same instant, with an engine that writes to all of them at once."""

from tests.perf.asking import QUESTION, TOKENS, TOKENS_PER_SECOND, Crowd, crowd, fast_engine, to_engine, with_engine
from tests.perf.bench import Bench, Caller, p95, place_of
from tests.perf.row import Figures, Line, Row
from tests.perf.wire import Place

IDEAL_S = TOKENS / TOKENS_PER_SECOND
# How often each number of people asks.
ROUNDS = {1: 5, 8: 3, 32: 3, 64: 3, 128: 3}


def level(asking: Crowd, engine: Place, site: Place, people: list[Caller], rounds: int) -> Figures:
    """The figures of one number of people: the engine alone and this project in turn."""
    direct, ours = [], []
    for _ in range(rounds):
        direct += asking.ask(engine, [to_engine(engine)] * len(people), ours=False)
        ours += asking.ask(site, [person.question(QUESTION) for person in people], ours=True)
    whole = [result for result in ours if result.get("tokens") == TOKENS]
    figures: Figures = {"failed": len(ours) - len(whole)}
    for name, results in (("floor_", direct), ("", whole)):
        totals = [result["total_s"] for result in results if "total_s" in result]
        firsts = [result["first_s"] for result in results if "first_s" in result]
        figures |= {f"{name}total_p95_s": p95(totals), f"{name}first_p95_s": p95(firsts)} if totals else {}
    if "total_p95_s" in figures:
        figures["ratio"] = figures["total_p95_s"] / IDEAL_S
    return figures


def measure(bench: Bench) -> Figures:
    """Every level; names end with the number of people."""
    figures: Figures = {"ideal_s": IDEAL_S, "failed": 0}
    with fast_engine() as url, crowd() as asking, bench.site(**with_engine(url)) as site:
        people = site.people(max(ROUNDS))
        for count, rounds in ROUNDS.items():
            found = level(asking, place_of(url), site.place, people[:count], rounds)
            figures["failed"] += found.pop("failed")
            figures |= {f"{name}_{count}": value for name, value in found.items()}
    return figures


def _total(count: int, at_most: float) -> Line:
    return Line(
        f"{count} at once: p95 total against {IDEAL_S:.1f} s", f"ratio_{count}", "×", at_most=at_most,
        direct=f"floor_total_p95_s_{count}", ours=f"total_p95_s_{count}", beside="s",
    )  # fmt: skip


ROW = Row(
    "load",
    "a fast engine (50 tokens a second a stream, 200 tokens, 128 slots); beside it the asking client's own floor",
    (
        *(_total(count, 1.2 if count > 64 else 1.08) for count in ROUNDS),
        Line(
            "64 at once: p95 first token", "first_p95_s_64", "s", at_most=0.35,
            direct="floor_first_p95_s_64", beside="s",
        ),
        Line("answers that failed", "failed", "", at_most=0),
    ),
    measure,
)  # fmt: skip
