"""Row `stream`: one answer of the real model, through this project and from the engine itself."""

from itertools import pairwise

from tests.perf.bench import Bench, median, p95
from tests.perf.pairs import Pairs, streamed
from tests.perf.row import Figures, Line, Row
from tests.perf.wire import Answer


def measure(bench: Bench) -> Figures:
    """Times of both ways, their paired ratios and differences, and how much of them the engine itself varies."""
    pairs: Pairs = bench.once("pairs", streamed)
    both = list(zip(pairs.direct, pairs.ours, strict=True))
    later = [(ours.first_s - direct.first_s) * 1000 for direct, ours in both]
    ratios = [ours.total_s / direct.total_s for direct, ours in both]
    outside = [unread_ms(ours) - unread_ms(direct) for direct, ours in both]
    apart = [abs(after.first_s - before.first_s) * 1000 for before, after in pairwise(pairs.direct)]
    figures: Figures = {
        "pairs": len(both),
        "dropped_pairs": pairs.dropped,
        "tokens": bench.tokens,
        "total_ratio": median(ratios),
        "total_ratio_p95": p95(ratios),
        "first_later_ms": median(later),
        "first_later_p95_ms": p95(later),
        "outside_later_ms": median(outside),
        "outside_later_p95_ms": p95(outside),
        "engine_apart_p95_ms": p95(apart) if apart else None,
    }
    for way, answers in (("direct_", pairs.direct), ("", pairs.ours)):
        firsts = [answer.first_s * 1000 for answer in answers]
        figures |= {
            f"{way}total_s": median([answer.total_s for answer in answers]),
            f"{way}first_ms": median(firsts),
            f"{way}first_p95_ms": p95(firsts),
            f"{way}prefill_ms": median([answer.counts["prefill_ms"] for answer in answers]),
            f"{way}decode_ms": median([answer.counts["decode_ms"] for answer in answers]),
        }
    return figures


def unread_ms(answer: Answer) -> float:
    """The time to the first token that the engine did not take to read the prompt, by its own count."""
    return answer.first_s * 1000 - float(answer.counts["prefill_ms"])


ROW = Row(
    "stream",
    "the embedded llama.cpp with SmolLM2, the same question with a nonce, temperature 0, pairs in turn",
    (
        Line(
            "200 tokens in all, median of paired ratios", "total_ratio", "×", at_most=1.02,
            direct="direct_total_s", ours="total_s", beside="s",
        ),
        Line(
            "first token later, median", "first_later_ms", "ms", at_most=8,
            direct="direct_first_ms", ours="first_ms", beside="ms",
        ),
        Line(
            "first token later, p95", "first_later_p95_ms", "ms", at_most=20,
            direct="direct_first_p95_ms", ours="first_p95_ms", beside="ms",
        ),
        Line("the same outside the engine's own reading, p95", "outside_later_p95_ms", "ms"),
        Line("the engine against itself, neighbours apart, p95", "engine_apart_p95_ms", "ms"),
    ),
    measure,
)  # fmt: skip
