"""Row `cpu`: what the web process takes to stream a thousand tokens."""

from tests.perf.bench import Bench
from tests.perf.pairs import Pairs, streamed
from tests.perf.row import Figures, Line, Row


def measure(bench: Bench) -> Figures:
    """The worker's CPU time over the same streams as row `stream`, one at a time."""
    pairs: Pairs = bench.once("pairs", streamed)
    return {"cpu_s_per_1000": pairs.cpu_s / pairs.tokens * 1000, "tokens": pairs.tokens, "cpu_s": pairs.cpu_s}


ROW = Row(
    "cpu",
    "CPU seconds of gunicorn's worker from a question's request to its last event, over the streams of `stream`",
    (Line("CPU per 1,000 tokens, one stream", "cpu_s_per_1000", "s", at_most=0.13),),
    measure,
)
